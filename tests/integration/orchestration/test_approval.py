"""Files with too many rejects: a person is asked, and on approval their good records load."""

from __future__ import annotations

from typing import Any

import pytest

from erp_feeds.batch import Replay
from erp_feeds.errors import FailError
from erp_feeds.orchestration import approval
from erp_feeds.store import approvals, audit
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
    with pytest.raises(FailError, match="does not wait for an approval any more"):
        approval.approved(question, "Ada")


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
