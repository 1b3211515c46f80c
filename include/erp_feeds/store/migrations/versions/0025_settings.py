"""The settings of merchants, where the pages edit them; an index of loaded files."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
