"""Pages: who looked at personal data or changed something; tokens of shops; indexes of the searches."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
