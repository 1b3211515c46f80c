"""What lies in each inbox and no run takes, for the page of the merchant."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
