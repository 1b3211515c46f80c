"""The first tables: ledger, profiles, purchases, accounts."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
