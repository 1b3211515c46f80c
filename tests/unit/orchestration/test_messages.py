"""An alert's subject says whose feed, how much of what, and who must act; its text answers the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from erp_feeds.codes import IncidentKind, QuarantineCode, RejectCode
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration import messages
from erp_feeds.store.incidents import Cause

SHOP = Merchant.model_validate(
    {
        "name": "testshop",
        "shop_name": "TestShop",
        "title": "Test Shop",
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "ftps": {"connection": "testshop_ftps"},
        "interfaces": {"srs_customers": {}},
    }
)


def cause(kind: str, code: str = "", number: int = 1, **more: Any) -> Cause:
    interface = None if kind in {"unreachable", "failed_task"} else "srs_customers"
    given = {"interface": interface, "since": datetime(2026, 3, 2, 6, tzinfo=UTC), **more}
    return Cause(kind=kind, code=code, number=number, **given)


@pytest.mark.parametrize(
    ("causes", "subject"),
    [
        ([cause("quarantined", "truncated", 20)], "20 files quarantined, the sender must send them again"),
        ([cause("quarantined", "too_large")], "1 file quarantined, the data engineer must act"),
        ([cause("put_off", "no_space", 2)], "2 files wait for room on the disk, the data engineer must act"),
        ([cause("put_off", "no_space")], "1 file waits for room on the disk, the data engineer must act"),
        ([cause("rejected", "invalid_date", 3)], "3 records rejected, the sender must correct them"),
        ([cause("late")], "SRS customers late, the sender must send what is due"),
        (
            [cause("missing"), cause("missing", interface="srs_purchases")],
            "SRS customers and SRS purchases missing, the sender must send what is due",
        ),
        ([cause("unreachable")], "inbox out of reach, the data engineer must act"),
        ([cause("failed_task", "load")], "task load failed, the data engineer must act"),
        (
            [
                cause("quarantined", "truncated", 2),
                cause("quarantined", "encrypted"),
                cause("quarantined", "too_large"),
                cause("rejected", "invalid_date"),
                cause("late"),
                cause("unreachable"),
            ],
            (
                "3 files quarantined, the sender must send them again; 1 file quarantined, the data engineer "
                "must act; 1 record rejected, the sender must correct it; and 2 more"
            ),
        ),
    ],
)
def test_the_subject_says_what_how_much_and_who_must_act(causes: list[Cause], subject: str) -> None:
    assert messages.alert(SHOP, causes, "").subject == f"Test Shop: {subject}"


def test_every_code_can_be_alerted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_FEEDS_RUNBOOK", "https://docs/runbook.md")
    causes = [
        *(cause("quarantined", code) for code in QuarantineCode),
        *(cause("rejected", code) for code in RejectCode),
        *(cause(kind) for kind in IncidentKind if kind not in {"quarantined", "rejected", "put_off"}),
    ]
    for each in causes:
        text = messages.alert(SHOP, [each], "https://airflow").text
        for part in ("What happened: ", "Since: 2026-03-02 07:00", "For the data: ", "What to do: "):
            assert part in text
        assert "MERCHANT" not in text  # a command can be copied as it stands
        assert f"Runbook: https://docs/runbook.md#{each.code or each.kind}" in text


@pytest.mark.parametrize(
    ("found", "page"),
    [
        (cause("quarantined", "truncated"), "/files?interface=srs_customers&state=quarantined"),
        (cause("rejected", "invalid_date"), "/rejects?code=invalid_date"),
        (cause("failed_task", "load", run_id="manual__a+b"), "/runs/manual__a%2Bb"),
        (cause("late"), ""),
    ],
)
def test_an_alert_leads_to_the_page_of_what_it_is_about(found: Cause, page: str) -> None:
    told = messages.facts(SHOP, found, "https://airflow")
    assert told["Page"] == f"https://airflow/erp-feeds/merchants/testshop{page}"


def test_where_the_merchant_file_asks_the_alert_leads_whoever_answers_to_the_question() -> None:
    settings = {"srs_customers": {"max_reject_percent": 5, "on_too_many_rejects": "ask"}}
    found = cause("quarantined", "too_many_rejects")
    asking = Merchant.model_validate(SHOP.model_dump(by_alias=True) | {"interfaces": settings})
    told = messages.facts(asking, found, "https://airflow")
    assert told["Load the rest?"] == "https://airflow/required_actions"
    assert "Approve loads the good records" in told["What to do"]
    [acts] = {
        told["Who acts"],
        messages.alert(asking, [found], "").subject.split(", ")[1].removesuffix(" must act"),
    }
    assert acts == "the data engineer"
    told = messages.facts(SHOP, found, "https://airflow")
    assert "Load the rest?" not in told
    assert told["Who acts"] == "the sender"


def test_a_file_of_several_rejected_records_is_named_once() -> None:
    examples = ["a.zip: record 1", "a.zip: record 7", "a.zip: record 12", "b.zip: record 3"]
    told = messages.facts(SHOP, cause("rejected", "invalid_date", 9, examples=examples), "")
    assert told["Records"] == "a.zip (records 1, 7, 12), b.zip (record 3), and 5 more"
    told = messages.facts(SHOP, cause("quarantined", "truncated", 2, examples=["a.zip", "b.zip"]), "")
    assert told["Files"] == "a.zip, b.zip"


def test_without_an_address_of_airflow_no_link_is_shown_that_leads_nowhere() -> None:
    told = messages.alert(SHOP, [cause("quarantined", "truncated", run_id="run")], "")
    assert "http" not in told.text + told.html
    assert "Run:" not in told.text


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            cause("quarantined", "truncated", 19),
            "testshop · srs_customers · 19 files quarantined (truncated)",
        ),
        (cause("late"), "testshop · srs_customers · late"),
        (cause("unreachable"), "testshop · inbox out of reach"),
        (cause("failed_task", "load"), "testshop · task load failed"),
    ],
)
def test_airflows_lists_name_merchant_interface_and_what_is_open(found: Cause, line: str) -> None:
    assert messages.line("testshop", found) == line
