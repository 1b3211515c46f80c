"""Files with too many rejects: a person is asked, and on approval their good records load."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from erp_feeds.batch import Replay
from erp_feeds.errors import FailError
from erp_feeds.orchestration import approval
from erp_feeds.orchestration.plain_failure import PlainFatal
from erp_feeds.store import approvals, audit
from support.merchants import facts_of
from support.shop_files import account, configure, export
from support.shop_fixtures import Shop

ERP = "erp_cache_customers"
NAME = "TestShop_ErpCache_Customers_20170101.zip"


@pytest.fixture
def asked(shop: Shop) -> list[dict[str, Any]]:
    """Beside a good file, one of which a third is rejected; what a run would ask."""
    configure(shop, ERP, max_reject_percent=10, on_too_many_rejects="ask")
    shop.place(export(ERP, "20170101", account("1"), account("2", CashBack="x"), account("3")))
    shop.place(export(ERP, "20170102", account("4")))
    shop.run_tasks("run")
    return approval.open_questions(shop.merchant, approval.interfaces_that_ask(shop.merchant), "run")


@pytest.mark.rule("files 17")
def test_an_approved_file_loads_its_good_records_and_the_others_of_its_run_never_wait(
    shop: Shop, asked: list[dict[str, Any]]
) -> None:
    assert set(shop.accounts()) == {"4"}
    assert asked == [{"trigger_run_id": "file_1__1", "conf": {"file_id": 1}}]
    assert approval.open_questions(shop.merchant, [ERP], "another run") == []
    question = approval.describe(1)
    assert question["subject"] == f"testshop: load the rest of {NAME}?"
    assert "1 of 3 records are rejected (1 invalid_decimal)" in question["body"]
    assert "the other 2 records load" in question["body"]

    for _ in range(2):  # a task that died after it had approved runs again
        answer = approval.approved(question, "Ada")
    noted = audit.listed(shop.store, "testshop")[0]
    assert (noted.who, noted.action, noted.subject) == ("Ada", "approved", NAME)
    assert answer == {"merchant": "testshop", "conf": Replay(file_ids=(1,)).to_params()}
    shop.run_tasks("approved", Replay(file_ids=(1,)))
    assert set(shop.accounts()) == {"1", "3", "4"}
    assert shop.states() == {1: "loaded", 2: "loaded"}


def test_an_answer_after_an_approval_elsewhere_ends_well_and_says_so(
    shop: Shop,
    asked: list[dict[str, Any]],
    notes: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = facts_of(interfaces={ERP: {"max_reject_percent": 10, "on_too_many_rejects": "ask"}})
    (tmp_path / "testshop.yaml").write_text(json.dumps(facts), "utf-8")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))
    [wanted] = approval.build_approval_dag()
    run = SimpleNamespace(run_id=asked[0]["trigger_run_id"])
    question, approve = (wanted.get_task(name).python_callable for name in ("question", "approve"))
    told = question(params={"file_id": 1}, dag_run=run)
    approvals.approve(shop.store, approvals.questions(shop.store, file_id=1)[0], "Grace")  # on a page
    shop.run_tasks("approved", Replay(file_ids=(1,)))
    settled = f"nothing to approve: {NAME} is loaded already, Grace approved it before"
    answer = {"responded_by_user": {"name": "Ada"}}
    for ask in (lambda: approve(told, answer, dag_run=run), lambda: question({"file_id": 1}, dag_run=run)):
        notes.clear()
        with pytest.raises(AirflowSkipException, match=f"^{settled}$"):  # what follows is skipped: green
            ask()
        assert notes == {f"/api/v2/dags/erp_feeds_approval/dagRuns/{run.run_id}": settled}
    assert audit.listed(shop.store, "testshop")[0].who == "Grace"

    shop.place(export(ERP, "20170103", account("1"), account("2", CashBack="x")))
    shop.run_tasks("later")
    told = approval.describe(3)
    shop.place(export(ERP, "20170103", account("1"), account("2")), minute=1)
    shop.run_tasks("corrected")
    with pytest.raises(AirflowSkipException, match="was replaced, a later file of its name is loaded"):
        approval.approved(told, "Ada")
    with pytest.raises(PlainFatal, match="there is no file 99"):
        question({"file_id": 99}, dag_run=run)


def test_an_approval_is_of_what_the_person_saw(shop: Shop, asked: list[dict[str, Any]]) -> None:
    question = approval.describe(1)
    with pytest.raises(FailError, match="give your name"):
        approval.approved(question, " ")
    approval.approved(question, "Ada")
    configure(shop, ERP, max_reject_percent=10, elements={"price_list_name": "Other"})
    shop.run_tasks("replay", Replay(file_ids=(1,)))
    assert shop.states()[1] == "quarantined"
    with pytest.raises(FailError, match="by now 3 records are rejected, and 1 were approved"):
        approval.approved(question, "Ada")
    assert approvals.questions(shop.store, file=NAME)[0].rejects == 3
