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


def test_a_run_tells_of_the_tables_that_it_changed_and_wakes_who_waits_for_them(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dags = tmp_path / "dags"
    shutil.copytree(PROJECT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    (dags / "consumers.py").write_text(consumers())
    deployment.variables["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
    read = deployment.airflow("dags", "reserialize")
    assert read.returncode == 0, read.stdout[-3000:]

    purchases = [each for each in testshop.testshop_exports("TestShop") if each.interface == "srs_purchases"]
    deliver(deployment, monkeypatch, *purchases)
    assert deployment.run_dag().tasks["load"] == "success"
    told = asset_events(deployment)
    tables = {"profiles", "identifiers", "purchases", "purchase_lines"}  # and not accounts, an outlet as well
    assert told.keys() == {f"{NAME}.{table}" for table in tables}
    for name, extra in told.items():
        assert extra.keys() == {"merchant", "files", "days", "rows", "rejects"}
        ((stored,),) = deployment.rows("erp_feeds", f"SELECT count(*) FROM erp_feeds.{name.split('.')[1]}")
        assert extra["rows"] >= stored > 0  # a profile is made, and then filled
        assert extra["files"] == [purchases[0].name]
        assert (extra["days"], extra["rejects"]) == (["2017-01-06"], 0)
    waiting = deployment.rows("airflow", "SELECT target_dag_id FROM asset_dag_run_queue")
    assert waiting == [("testshop_sales",)]

    # Runs are made and wait for a slot: no API server is there for their tasks.
    deployment.execute("airflow", "UPDATE slot_pool SET slots = 0")
    scheduled = deployment.airflow("scheduler", "--num-runs", "3")
    runs = "SELECT dag_id, run_type FROM dag_run WHERE dag_id LIKE '%_sales'"
    woken = deployment.rows("airflow", runs)
    assert woken == [("testshop_sales", "asset_triggered")], scheduled.stdout[-3000:]

    lineage = of_load(deployment)
    of_input = {"inputStatistics", "subset", "dataQualityMetrics", "dataQualityAssertions"}
    assert [each["inputFacets"].keys() for each in lineage["inputs"]] == [of_input]
    assert {*lineage["outputs"][0]["facets"]} == {"schema", "columnLineage"}
    assert all(each["outputFacets"].keys() == {"outputStatistics"} for each in lineage["outputs"])
    assert {each["name"].rpartition(".")[2] for each in lineage["outputs"]} == tables
    people = [value for each in testshop.CUSTOMERS for value in each.values() if "@" in value]
    assert not [value for value in people if value.lower() in json.dumps([told, lineage]).lower()]
