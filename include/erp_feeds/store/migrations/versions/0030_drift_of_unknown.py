"""Drift also of files in which no element is known; gone is only what is missed."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
