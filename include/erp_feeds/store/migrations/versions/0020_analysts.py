"""Views for analysts: documented columns, no personal data."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
