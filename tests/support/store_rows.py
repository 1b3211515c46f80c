"""Every row of a store in a form that two stores, or one store at two times, can be compared by."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from support.store_feed import TABLES, apply_confirmations

CLOCKS = frozenset(
    {
        *("first_seen_at", "archived_at", "attempted_at", "finished_at", "created_at", "updated_at", "at"),
        *("first_used_at", "opened_at", "resolved_at"),
    }
)


def rows(store: psycopg.Connection, *, with_clocks: bool = False) -> dict[str, list[str]]:
    """Return all rows; profiles are numbered anew, because a killed load leaves a gap in their sequence."""
    apply_confirmations(store)
    ids = store.execute("SELECT profile_id FROM profiles ORDER BY 1").fetchall()
    number = {profile_id: position for position, (profile_id,) in enumerate(ids)}
    hidden: frozenset[str] = frozenset() if with_clocks else CLOCKS
    found = {}
    for table in (*TABLES, "file_runs"):
        plain: list[dict[str, Any]] = [row for (row,) in store.execute(f"SELECT to_jsonb(t) FROM {table} t")]
        for row in plain:
            if "profile_id" in row:
                row["profile_id"] = number[row["profile_id"]]
        kept = [{key: value for key, value in row.items() if key not in hidden} for row in plain]
        found[table] = sorted(json.dumps(row, sort_keys=True) for row in kept)
    return found
