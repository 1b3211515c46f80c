"""FTPS accounts: the login of each merchant's ERP party on the FTPS server that erp-feeds hosts."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
