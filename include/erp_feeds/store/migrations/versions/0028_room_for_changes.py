"""Rows that change find room on their page, and leave the indexes alone."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
