"""Rejected records are found by their key, and people by an address that led to them."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
