"""Open rejects are found by their record, whatever the statistics know of their file."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
