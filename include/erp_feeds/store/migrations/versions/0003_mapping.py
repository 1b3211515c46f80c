"""What the mapping fills: more consents, custom fields of purchases, and the version that filled each row."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
