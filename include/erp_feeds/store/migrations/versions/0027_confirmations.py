"""A newer file with the same values writes no rows: it is noted that it confirms them."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
