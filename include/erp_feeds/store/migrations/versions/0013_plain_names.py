"""Tables and columns bear the words that the code and its users use."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
