"""Incidents: what is open until it is resolved, and whether the inboxes can be scanned."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
