"""Which result of a file was placed for the ERP party."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
