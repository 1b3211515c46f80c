"""Bring the store's tables to the newest revision; safe to run twice, and by two at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import errors
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from erp_feeds.store.connection import SCHEMA, open_uri, plain_errors

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(uri: str) -> str:
    """Upgrade the store at a postgresql:// URI and return its revision.

    Everything happens in one transaction under an advisory lock: a migration that fails leaves nothing.

    Raises:
        RetryError: the server cannot be reached now.
        FailError: login or database is wrong, or the user may not create tables.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: open_uri(uri), poolclass=NullPool)
    try:
        with plain_errors("migrating the store"), engine.begin() as connection:
            return _upgraded(connection)
    finally:
        engine.dispose()


def is_current(uri: str) -> bool:
    """Tell whether the store at a URI has the tables of this version.

    Raises:
        RetryError: the server cannot be reached now.
        FailError: login or database is wrong.
    """
    newest = ScriptDirectory(str(SCRIPTS)).get_current_head()
    with open_uri(uri) as connection, plain_errors("reading the store's revision"):
        try:
            found = connection.execute(f"SELECT version_num FROM {SCHEMA}.alembic_version").fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return False
        return found is not None and found[0] == newest


def run_sql_of(script: str) -> None:
    """Run the SQL file beside a migration; called while `migrate` upgrades.

    Args:
        script: Path of the migration's Python file.
    """
    text = Path(script).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(text, execution_options={"no_parameters": True})


def _upgraded(connection: Connection) -> str:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('erp_feeds migrations', 0))")
    if connection.exec_driver_sql(f"SELECT to_regnamespace('{SCHEMA}')").scalar() is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return str(context.get_current_revision())
