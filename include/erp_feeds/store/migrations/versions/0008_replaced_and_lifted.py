"""Which quarantined files were replaced by others; and people who were forgotten and come back."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
