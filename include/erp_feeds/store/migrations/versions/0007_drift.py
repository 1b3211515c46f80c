"""Which elements files carried, beside the files before them."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
