"""What looks at the inboxes remember: files that are not complete yet, and times as LIST gives them."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
