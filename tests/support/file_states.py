"""The states of files in tests: a store that takes no transition but those of codes.TRANSITIONS."""

from __future__ import annotations

from psycopg import sql

from erp_feeds.codes import TRANSITIONS, FileState

_GUARD = """
CREATE FUNCTION erp_feeds.check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.state <> {uploading} THEN
        RAISE EXCEPTION 'a file in state % goes', OLD.state;
    ELSIF TG_OP = 'UPDATE' AND OLD.state <> NEW.state
          AND OLD.state || ' ' || NEW.state <> ALL ({allowed}::text[]) THEN
        RAISE EXCEPTION 'codes.TRANSITIONS does not know % -> %', OLD.state, NEW.state;
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER check_transition BEFORE UPDATE OR DELETE ON erp_feeds.files
    FOR EACH ROW EXECUTE FUNCTION erp_feeds.check_transition();
"""


def only_allowed_transitions() -> sql.Composed:
    """Return a trigger that refuses any other change; `ALTER TABLE files DISABLE TRIGGER USER` lifts it."""
    allowed = [f"{state} {after}" for state, others in TRANSITIONS.items() for after in others]
    return sql.SQL(_GUARD).format(uploading=str(FileState.UPLOADING), allowed=allowed)
