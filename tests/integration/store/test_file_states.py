"""Code, SQL, the table and the documents know the same states of files."""

from __future__ import annotations

import re

import psycopg
import pytest

from erp_feeds.codes import TRANSITIONS, FileState
from erp_feeds.store import sql
from support.store_feed import Feed, scalar

STATES = {str(state) for state in FileState}
_COMPARED = re.compile(
    r"\bstate (?:=|<>) '(\w+)'|CASE state WHEN '(\w+)'|\(state, \w+[^)]*\)\s+IS DISTINCT FROM \('(\w+)'"
)
_LISTED = re.compile(r"\bstate (?:NOT )?IN \(([^)]*)\)")
_CASE = re.compile(r"\bstate = CASE .*?END", re.S)


@pytest.mark.parametrize("table", ["files", "file_runs"])
def test_a_table_takes_the_states_of_the_code_and_no_others(store: psycopg.Connection, table: str) -> None:
    query = f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{table}_state_check'"
    assert set(re.findall(r"'(\w+)'", scalar(store, query))) == STATES


def test_every_state_in_sql_is_one_of_the_code() -> None:
    named = set()
    for path in sql.FOLDER.rglob("*.sql"):
        text = path.read_text("utf-8")
        named |= {state for found in _COMPARED.findall(text) for state in found if state}
        for part in [
            *_LISTED.findall(text),
            *re.findall("(?:THEN|ELSE) ('[a-z]+')", " ".join(_CASE.findall(text))),
        ]:
            named |= set(re.findall(r"'(\w+)'", part))
    assert named == STATES


def test_a_store_of_a_test_refuses_a_transition_that_the_code_does_not_know(
    store: psycopg.Connection,
) -> None:
    Feed(store).file("srs_customers", 1)
    with pytest.raises(psycopg.errors.RaiseException, match="archived -> registered"):
        store.execute("UPDATE files SET state = 'registered'")


def test_every_state_is_reached() -> None:
    assert set(TRANSITIONS) == set(FileState)
    reached = {FileState.UPLOADING, *(after for others in TRANSITIONS.values() for after in others)}
    assert reached == set(FileState)
