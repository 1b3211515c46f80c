"""The DAGs of health with many merchants: one connection to the store, no more tasks than Airflow takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import yaml

from erp_feeds.codes import IncidentKind
from erp_feeds.orchestration import alerts, health
from erp_feeds.store import connection as stores
from erp_feeds.store import inbox_scans, incidents
from erp_feeds.store.incidents import Cause
from support.merchants import facts_of

NAMES = [f"shop_{number}" for number in range(5)]


@pytest.fixture
def merchants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Merchant files of some merchants."""
    for name in NAMES:
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(facts_of(name=name)))
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))
    return NAMES


def fail_in_each(store: psycopg.Connection, merchants: list[str]) -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    for name in merchants:
        incidents.task_failed(store, name, Cause(None, IncidentKind.FAILED_TASK, "load", 1, moment, "no"))


def test_all_merchants_are_checked_by_one_connection(
    store: psycopg.Connection, merchants: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox_scans.failed(store, merchants, "login refused")
    store.execute("UPDATE inbox_scans SET failing_since = now() - interval '1 day'")
    store.commit()
    opened = []
    connect = stores.connect

    def counted() -> psycopg.Connection:
        opened.append(connect())
        return opened[-1]

    monkeypatch.setattr(stores, "connect", counted)
    assert health.review_all()

    assert [each.merchant for each in incidents.listed(store)] == merchants
    assert len(opened) == 1


def test_merchants_of_which_nothing_is_open_are_not_checked_one_by_one(
    store: psycopg.Connection, merchants: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox_scans.succeeded(store, merchants)
    fail_in_each(store, merchants[2:3])
    checked: list[str] = []
    monkeypatch.setattr(alerts, "review_with", lambda _, merchant: checked.append(merchant.name) or [])
    assert health.review_all()
    assert checked == merchants[2:3]


def test_more_incidents_than_airflow_takes_tasks_are_one_task_together(
    store: psycopg.Connection, merchants: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_in_each(store, merchants)
    assert len(health.shown()) == len(merchants)

    monkeypatch.setattr(health, "MOST_SHOWN", 3)
    *some, last = health.shown()
    assert len(some) == 3
    assert last["name"] == "and 2 more"
    assert "erp_feeds incidents" in last["text"]
