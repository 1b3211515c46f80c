"""What a real run tells others: asset events wake consumers, OpenLineage hears of the data."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.test_dag_run import NAME, Deployment, deliver
from erp_feeds.demo import testshop
from erp_feeds.settings import INCLUDE
from support.openlineage import errors

PROJECT = INCLUDE.parent
EVENTS = """
SELECT asset.name, asset_event.extra::text FROM asset_event JOIN asset ON asset.id = asset_id
WHERE source_task_id = 'load' ORDER BY 1
"""

pytestmark = pytest.mark.timeout(900)  # takes two minutes; these machines are shared


def consumers() -> str:
    """The DAG of the documents, and the same for another merchant and for another table."""
    (example,) = re.findall(r"```python\n(.*?)```", (PROJECT / "docs/lineage.md").read_text(), re.DOTALL)
    other = example.replace("testshop", "completejourney")
    return example + "\n\n" + other.partition("\n\n\n")[2]


def asset_events(deployment: Deployment) -> dict[str, Any]:
    return {name: json.loads(extra) for name, extra in deployment.rows("airflow", EVENTS)}


def of_load(deployment: Deployment) -> dict[str, Any]:
    """The event by which OpenLineage hears that `load` is done."""
    text = Path(deployment.variables["ERP_FEEDS_HOME"], "lineage", "events.jsonl").read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert not [error for event in events for error in errors(event)]
    (found,) = (
        each for each in events if each["job"]["name"] == f"{NAME}.load" and each["eventType"] == "COMPLETE"
    )
    return found


def test_a_run_wakes_who_waits_for_its_rows_and_a_replay_without_a_change_wakes_nobody(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dags = tmp_path / "dags"
    shutil.copytree(PROJECT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    (dags / "consumers.py").write_text(consumers())
    deployment.variables["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
    read = deployment.airflow("dags", "reserialize")
    assert read.returncode == 0, read.stdout[-3000:]

    deliver(deployment, monkeypatch, *testshop.testshop_exports("TestShop"))
    assert deployment.run_dag().tasks["load"] == "success"
    told = asset_events(deployment)
    tables = {"profiles", "identifiers", "purchases", "purchase_lines", "accounts"}
    assert told.keys() == {f"{NAME}.{table}" for table in tables}
    for name, extra in told.items():
        assert extra.keys() == {"merchant", "files", "days", "rows", "rejects"}
        ((stored,),) = deployment.rows("erp_feeds", f"SELECT count(*) FROM erp_feeds.{name.split('.')[1]}")
        assert extra["rows"] >= stored > 0  # a profile that two files fill is written twice
        assert extra["days"] == sorted(extra["days"])
    purchases = told[f"{NAME}.purchases"]
    assert (purchases["rows"], purchases["rejects"], len(purchases["files"])) == (4, 0, 1)
    waiting = deployment.rows("airflow", "SELECT target_dag_id FROM asset_dag_run_queue")
    assert waiting == [("testshop_sales",)]

    deployment.execute(
        "airflow", "UPDATE slot_pool SET slots = 0"
    )  # runs are made, and wait: no API server runs
    scheduled = deployment.airflow("scheduler", "--num-runs", "3")
    runs = "SELECT dag_id, run_type FROM dag_run WHERE dag_id LIKE '%_sales'"
    assert deployment.rows("airflow", runs) == [("testshop_sales", "asset_triggered")], scheduled.stdout[
        -3000:
    ]

    lineage = of_load(deployment)
    for datasets, facets, names in (
        (
            "inputs",
            "inputFacets",
            {"inputStatistics", "subset", "dataQualityMetrics", "dataQualityAssertions"},
        ),
        ("outputs", "outputFacets", {"outputStatistics"}),
    ):
        assert all(each[facets].keys() == names for each in lineage[datasets]), lineage[datasets]
    assert {each["name"].rpartition(".")[2] for each in lineage["outputs"]} == tables
    people = [value for each in testshop.CUSTOMERS for value in each.values() if "@" in value]
    assert not [value for value in people if value.lower() in json.dumps([told, lineage]).lower()]

    replayed = deployment.airflow("dags", "test", NAME, "-c", json.dumps({"replay_since": "2015-01-01"}))
    loads = "SELECT count(*) FROM task_instance WHERE task_id = 'load' AND state = 'success'"
    assert deployment.rows("airflow", loads) == [(2,)], replayed.stdout[-3000:]
    assert asset_events(deployment) == told
    assert len(deployment.rows("airflow", EVENTS)) == len(told)
