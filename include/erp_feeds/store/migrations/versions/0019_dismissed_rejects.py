"""Rejects that a person dismissed, and files that a person let load in spite of their rejects."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
