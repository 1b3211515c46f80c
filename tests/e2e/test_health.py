"""What is open stays red in Airflow's lists until it is resolved, in tasks that are named after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from e2e.test_dag_run import Deployment, deliver
from erp_feeds.demo import testshop

HEALTH, CHECK = "erp_feeds_health", "erp_feeds_check"
OPEN = "testshop · erp_cache_customers · 1 file quarantined (not_well_formed)"

pytestmark = pytest.mark.timeout(400)


def states(deployment: Deployment, dag: str = HEALTH) -> dict[str, str]:
    """How a run of a DAG ends, and each of its tasks by the name in the UI."""
    ran = deployment.airflow("dags", "test", dag)
    run = f"SELECT run_id, state FROM dag_run WHERE dag_id = '{dag}' ORDER BY id DESC LIMIT 1"
    ((run_id, state),) = deployment.rows("airflow", run)
    tasks = (
        f"SELECT coalesce(rendered_map_index, task_id), state FROM task_instance WHERE run_id = '{run_id}'"
    )
    assert "Traceback" not in ran.stdout, ran.stdout[-3000:]
    return {"run": state, **dict(deployment.rows("airflow", tasks))}


def test_an_open_quarantine_is_a_red_task_until_the_sender_sends_the_file_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = testshop.testshop_exports("TestShop")
    broken = next(each for each in exports if str(testshop.BROKEN_INDEX) in each.name)
    good = next(each for each in exports if each.interface == broken.interface and each is not broken)
    deliver(deployment, monkeypatch, broken)
    assert deployment.run_dag().state == "failed"
    assert states(deployment) == {"run": "failed", "find": "success", OPEN: "failed"}

    for path in Path(deployment.variables["ERP_FEEDS_HOME"], "ftps").rglob(broken.name):
        path.unlink()
    deliver(deployment, monkeypatch, replace(good, name=broken.name))
    assert deployment.run_dag().state == "success"
    is_open = "SELECT code FROM erp_feeds.incidents WHERE resolved_at IS NULL"
    assert deployment.rows("erp_feeds", is_open) == []  # the end of the run has said so, before any check
    assert states(deployment, CHECK) == {"run": "success", "check": "success", "announce": "success"}
    assert states(deployment) == {"run": "success", "find": "success", "incident": "skipped"}
    subjects = [
        path.read_text().split("Subject: ")[1].splitlines()[0] for path in sorted(deployment.mails.glob("*"))
    ]
    assert subjects == [
        "Test Shop: 1 file quarantined, the sender must send it again",
        "Test Shop: resolved: 1 file quarantined",
    ]
