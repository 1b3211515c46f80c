"""Give stores made by earlier commits, whose migrations were edited after they landed, the same schema."""

from __future__ import annotations

from erp_feeds.store.migrate import run_sql_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL of the same name."""
    run_sql_of(__file__)
