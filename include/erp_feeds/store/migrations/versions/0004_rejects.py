"""Rejects that can be closed, and the refused records in a table of their own."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
