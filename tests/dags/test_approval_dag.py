"""Who is asked about files with too many rejects, and by which DAG."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from erp_feeds.dag import build_dag
from erp_feeds.errors import FailError
from erp_feeds.merchant import InterfaceSettings, Merchant
from erp_feeds.orchestration.approval import APPROVAL_DAG
from erp_feeds.settings import INCLUDE
from support.merchants import facts_of, merchant_of

ERP = "erp_cache_customers"


def strict(**settings: Any) -> Merchant:
    return merchant_of(interfaces={ERP: {"max_reject_percent": 5, **settings}})


def test_only_a_merchant_that_wants_it_asks_and_its_report_never_waits_for_the_answer() -> None:
    assert build_dag(strict()).get_task("load").downstream_task_ids == {"report"}
    dag = build_dag(strict(on_too_many_rejects="ask"))
    assert dag.get_task("load").downstream_task_ids == {"report", "questions"}
    assert dag.get_task("report").downstream_task_ids == set()
    assert DagSerialization.to_dict(dag)


def test_the_dag_that_asks_is_there_where_a_merchant_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))

    def dags(**settings: Any) -> dict[str, DAG]:
        facts = facts_of(interfaces={ERP: {"max_reject_percent": 5, **settings}})
        (tmp_path / "testshop.yaml").write_text(json.dumps(facts), "utf-8")
        found = runpy.run_path(str(INCLUDE.parent / "dags" / "approval.py"))
        return {name: dag for name, dag in found.items() if isinstance(dag, DAG)}

    assert dags() == {}
    dag = dags(on_too_many_rejects="ask")[APPROVAL_DAG]
    assert dag.task_ids == ["question", "ask", "approve", "load"]
    assert DagSerialization.to_dict(dag)  # Airflow keeps it so
    for task in dag.tasks:  # what somebody has approved meanwhile is no question again, whoever tries
        assert task.retry_policy is not None
        decision = task.retry_policy.evaluate(FailError("not waiting"), try_number=1, max_tries=2)
        assert decision.action.value == "fail"


def test_to_ask_without_a_limit_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs a max_reject_percent below 100"):
        InterfaceSettings(on_too_many_rejects="ask")
