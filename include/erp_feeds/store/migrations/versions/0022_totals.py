"""Totals of rows are kept as rows change, so that asking for them does not read every row."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
