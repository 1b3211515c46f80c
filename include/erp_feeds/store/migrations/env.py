"""Alembic's entry: runs the scripts on the connection that migrate() gives, and leaves logging alone."""

from __future__ import annotations

from alembic import context

from erp_feeds.store.connection import SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
with context.begin_transaction():
    context.run_migrations()
