"""What Airflow's stats client really sends of a run, compared with documents, dashboard and alert rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
from opentelemetry import metrics as opentelemetry

from erp_feeds.codes import RejectCode
from erp_feeds.demo import testshop
from erp_feeds.demo.exports import packed
from erp_feeds.interfaces import INTERFACES
from erp_feeds.orchestration import health
from erp_feeds.orchestration.load_operator import LoadOperator
from erp_feeds.orchestration.metrics import METRICS
from erp_feeds.settings import INCLUDE
from support.merchants import facts_of
from support.otlp import Received, receiver
from support.shop_fixtures import STEPS, Shop

DOCS = INCLUDE.parent / "docs"
SUFFIX = {"counter": "_total", "gauge": "", "timer": "_milliseconds"}
"""What Prometheus appends to the name of a metric."""
ACCOUNTS = "erp_cache_customers"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """Airflow's stats, made as its task runner makes them, and what they send."""
    with receiver() as found:
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", found.endpoint)
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        yield found
        opentelemetry.get_meter_provider().shutdown()
        monkeypatch.undo()
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def load(shop: Shop, run: str) -> None:
    """Walk the line, its last step by the operator that Airflow runs."""
    batch: Any = shop.sense(run)
    for step in STEPS[:-1]:
        batch = step(shop.merchant, batch)
    task = LoadOperator(task_id="load", merchant=shop.merchant, batch=batch.to_xcom())
    task.execute({"ti": SimpleNamespace(try_number=1), "outlet_events": OutletEventAccessors()})


def test_a_run_sends_every_metric_that_documents_dashboard_and_rules_name_and_no_other(
    shop: Shop, received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = facts_of(ftps=shop.merchant.ftps.model_dump(mode="json"))
    (tmp_path / "testshop.yaml").write_text(yaml.safe_dump(facts))
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))
    exports = testshop.testshop_exports("TestShop")
    accounts = [{"account_number": "1", "price_list_name": "A"}, {"account_number": "2"}]
    faulty = packed(INTERFACES[ACCOUNTS], "TestShop", "20170301060000", testshop.erp_cache_xml(accounts))
    shop.place(*exports, faulty)
    load(shop, "run1")
    shop.place(
        replace(exports[0], name=INTERFACES[exports[0].interface].file_name("TestShop", "20170302060000"))
    )
    assert len(shop.sense("run2").files) == 1  # and it waits
    health.review_all()
    opentelemetry.get_meter_provider().force_flush()

    check_values(shop, received, waiting=exports[0].interface)
    sent = {name for name in received.kinds if ".erp_feeds." in name}
    assert {name: received.kinds[name] for name in sent} == {
        f"airflow.{each.name}": each.kind for each in METRICS
    }
    check_labels(received)
    table = re.findall(
        r"^\| `(airflow\.erp_feeds\.\S+)` \| (\w+) \| ([\w, ]+) \| (.+) \|$", text("operations.md"), re.M
    )
    documented = {
        (f"airflow.{m.name}", m.kind, "merchant, interface" + ", code" * m.code, m.meaning) for m in METRICS
    }
    assert set(table) == documented
    wanted = {f"airflow_{each.name.replace('.', '_')}{SUFFIX[each.kind]}" for each in METRICS}
    for document in ("monitoring/grafana-dashboard.json", "monitoring/prometheus-rules.yaml"):
        assert set(re.findall(r"airflow_\w+", text(document))) == wanted, document
    assert json.loads(text("monitoring/grafana-dashboard.json"))["panels"]
    assert yaml.safe_load(text("monitoring/prometheus-rules.yaml"))["groups"]


def text(document: str) -> str:
    return (DOCS / document).read_text()


def check_values(shop: Shop, received: Received, *, waiting: str) -> None:
    """Each metric says what the store says."""
    got = {
        (
            name.removeprefix("airflow.erp_feeds."),
            *(dict(labels)[key] for key in ("interface", "code") if key in dict(labels)),
        ): value
        for name, values in received.values.items()
        for labels, value in values.items()
        if ".erp_feeds." in name
    }
    query = "SELECT interface, sum((counts->>'loaded')::int) FROM files WHERE state = 'loaded' GROUP BY 1"
    for interface, loaded in shop.store.execute(query).fetchall():
        assert got["records.loaded", interface] == loaded
        assert got["file.to_loaded", interface] > 0
        assert got["last_file.age", interface] >= 0
    assert got["records.rejected", ACCOUNTS, "missing_field"] == 1
    assert {each: got["files.waiting", each] for each in INTERFACES} == {
        each: each == waiting for each in INTERFACES
    }
    assert {each: got["files.quarantined", each] for each in INTERFACES} == {
        each: each == ACCOUNTS for each in INTERFACES
    }


def check_labels(received: Received) -> None:
    """A label has one of few values, and none names a person, a file or a run."""
    allowed = {
        "merchant": {"testshop"},
        "interface": {*INTERFACES},
        "code": {code.value for code in RejectCode},
    }
    for metric in METRICS:
        keys = {"merchant", "interface", *(["code"] if metric.code else [])}
        for labels in received.values[f"airflow.{metric.name}"]:
            assert dict(labels).keys() == keys
            assert all(value in allowed[key] for key, value in labels)
