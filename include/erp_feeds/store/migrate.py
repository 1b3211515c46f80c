"""Bring the store's tables to the newest revision; safe to run twice, and by two at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import errors
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from erp_feeds.errors import FailError, RetryError
from erp_feeds.store.connection import SCHEMA, open_uri, plain_errors
from erp_feeds.store.sql import statement

SCRIPTS = Path(__file__).parent / "migrations"

LOCK_SECONDS = 30
"""How long a migration waits for a table that somebody else uses. Meanwhile loads queue up behind it."""


def migrate(uri: str) -> str:
    """Upgrade the store at a postgresql:// URI and return its revision.

    Everything happens in one transaction under an advisory lock: a migration that fails leaves nothing.

    Raises:
        RetryError: the server cannot be reached now; `locked`: the message says who holds the tables.
        FailError: login or database is wrong, the user may not create tables, or a newer version of this
            package made the store, since there is no downgrade.
    """
    if problem := newer_store(uri):
        raise FailError(problem, "no_downgrade")
    engine = create_engine("postgresql+psycopg://", creator=lambda: open_uri(uri), poolclass=NullPool)
    try:
        with plain_errors("migrating the store"):
            try:
                with engine.begin() as connection:
                    return _upgraded(connection)
            except DBAPIError as error:  # SQLAlchemy's wrapper
                raise error.orig or error from None
    except RetryError as error:
        if isinstance(error.__context__, errors.LockNotAvailable):
            raise RetryError(_blocked(uri), "locked") from None
        raise
    finally:
        engine.dispose()


def outdated(uri: str) -> str:
    """Return what must be done before this version can use the store; empty where nothing must.

    Raises:
        RetryError: the server cannot be reached now.
        FailError: login or database is wrong.
    """
    if _revision(uri) == _scripts().get_current_head():
        return ""
    return (
        newer_store(uri) or "the store has not all tables of this version: run `python -m erp_feeds migrate`"
    )


def newer_store(uri: str) -> str:
    """Return what to do about a store that a newer version of this package made; empty for any other."""
    found = _revision(uri)
    if found is None or found in {script.revision for script in _scripts().walk_revisions()}:
        return ""
    return (
        f"the store is at revision {found}, which this version does not know, and there is no downgrade: "
        "install the version that made it, or restore a backup of the store from before"
    )


def run_sql_of(script: str) -> None:
    """Run the SQL file beside a migration; called while `migrate` upgrades.

    Args:
        script: Path of the migration's Python file.
    """
    text = Path(script).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(text, execution_options={"no_parameters": True})


def _upgraded(connection: Connection) -> str:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('erp_feeds migrations', 0))")
    if connection.exec_driver_sql(f"SELECT to_regnamespace('{SCHEMA}')").scalar() is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    grants = statement("migrate/grants").as_string()
    connection.exec_driver_sql(grants, execution_options={"no_parameters": True})
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return str(context.get_current_revision())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS))


def _revision(uri: str) -> str | None:
    """Return the revision of a store; None where none was ever made."""
    with open_uri(uri) as connection, plain_errors("reading the store's revision"):
        try:
            found = connection.execute(f"SELECT version_num FROM {SCHEMA}.alembic_version").fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return None
        return str(found[0]) if found else None


def _blocked(uri: str) -> str:
    """Say which sessions hold the store's tables; never what they do, since that may quote a row."""
    with open_uri(uri) as connection, plain_errors("finding who uses the store"):
        found = connection.execute(statement("migrate/holders"), {"schema": SCHEMA}).fetchall()
    holders = "; ".join(
        f"process {pid} of user {user} ({name or 'no name'}, {state} since {since:%H:%M:%S} UTC)"
        for pid, user, name, state, since in found
    )
    return (
        f"another session used the store's tables for {LOCK_SECONDS} s, and nothing was changed: "
        f"{holders or 'it is gone by now'}. Let it finish, or end it, and run migrate again"
    )
