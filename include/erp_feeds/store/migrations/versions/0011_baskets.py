"""Purchases are found by the file that wrote them, and baskets are the same whoever bought them."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
