"""Alembic's entry: runs the scripts on the connection that migrate() gives, and leaves logging alone."""

from __future__ import annotations

from alembic import context

from erp_feeds.errors import FailError
from erp_feeds.store.connection import SCHEMA

if "connection" not in context.config.attributes:
    raise FailError(
        "run `python -m erp_feeds migrate`: it only upgrades, there is no downgrade", "no_downgrade"
    )
context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
with context.begin_transaction():
    context.run_migrations()
