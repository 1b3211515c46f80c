"""What a dry run compares: found without reading a large store over and over, since all loads wait for it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from erp_feeds.store import row_changes
from support.store_feed import Feed, customer, customers


def test_the_identifiers_are_read_once_and_not_for_each_profile(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    feed.load(feed.file("srs_customers", 1), customers(*(customer(str(i)) for i in range(1, 50))))
    plans: list[str] = []
    known = row_changes.statement

    def explained(name: str, **parts: object) -> sql.Composable:
        found = known(name, **parts)
        if "chosen" in parts:
            plan = store.execute(sql.SQL("EXPLAIN {}").format(found)).fetchall()
            plans.append("\n".join(line for (line,) in plan))
        return found

    monkeypatch.setattr(row_changes, "statement", explained)
    with row_changes.rolled_back(store, "testshop"):
        assert list(row_changes.differences(store, store, "testshop", "profiles")) == []
    assert "hashed SubPlan" in plans[0]
