"""Dismissed rejects: counted nowhere, resolved by a load, dismissed again when they come unchanged."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from erp_feeds.batch import Counts, Replay
from erp_feeds.errors import FailError
from erp_feeds.feedback import pending
from erp_feeds.operations.incidents import sync
from erp_feeds.store import audit, incidents, ledger, queries, reject_queries, rejects
from erp_feeds.store.connection import open_uri
from erp_feeds.store.incidents import dismiss_rejects, reopen_rejects
from erp_feeds.store.rejects import RejectFilter
from support.store_feed import TESTSHOP, Feed, accounts, frame, purchase, purchases

ERP = "erp_cache_customers"
WHO = ("Ada", "31 February will never be a day")


@pytest.fixture
def feed(store: psycopg.Connection) -> Feed:
    return Feed(store)


def delivered(*bad: tuple[int, str], content: str = "<C/>", field: str = "cash_back") -> dict[str, Any]:
    """An accounts file of one good record, and of bad ones by record number and key."""
    rejected = [
        {"record": record, "code": "invalid_date", "field": field, "reason": "no such day", "key": key}
        for record, key in bad
    ]
    texts = [{"record": record, "line": record, "text": content} for record, _ in bad]
    good = accounts({"account_number": "good", "price_list_name": "A"})
    return {**good, "rejects": frame("rejects", rejected), "originals": frame("originals", texts)}


def states(feed: Feed) -> list[tuple[int, str]]:
    """Each reject by record: open, resolved or dismissed; those of the latest file first."""
    found = reject_queries.rejects(feed.connection, "testshop", with_all=True)
    return [(each.record, each.state.split()[0]) for each in found]


def test_what_is_dismissed_counts_nowhere_and_stays_listed_with_who_and_why(feed: Feed) -> None:
    file = feed.file(ERP, 1).model_copy(update={"counts": Counts(rejected={"invalid_date": 2})})
    feed.load(file, delivered((2, "a"), (3, "b")), "run1")
    incidents.update(feed.connection, "testshop")
    choice = RejectFilter("testshop", file=file.name, record=2)
    assert dismiss_rejects(feed.connection, choice, *WHO) == 1
    assert dismiss_rejects(feed.connection, choice, *WHO) == 0
    assert [each.record for each in reject_queries.rejects(feed.connection, "testshop")] == [3]
    assert queries.status(feed.connection)[0].rejects == {"invalid_date": 1}
    assert [each.number for each in incidents.causes(feed.connection, "testshop")] == [1]
    assert ledger.problems(feed.connection, "testshop", "run1") == [
        f"{file.name}: 2 records rejected (2 invalid_date), 1 dismissed"
    ]
    assert len(incidents.listed(feed.connection)) == 1

    assert dismiss_rejects(feed.connection, RejectFilter("testshop", ERP, "invalid_date"), *WHO) == 1
    assert incidents.causes(feed.connection, "testshop") == []
    assert incidents.listed(feed.connection) == []
    assert incidents.pending(feed.connection, "testshop") == []
    assert ledger.problems(feed.connection, "testshop", "run1") == []
    assert queries.status(feed.connection)[0].rejects == {}
    assert queries.run_files(feed.connection, "testshop", ["run1"])[0].dismissed == 2
    assert ledger.archived(feed.connection, "testshop", [ERP], Replay(rejects="invalid_date")) == []
    [result] = pending.pending_files(feed.connection, "testshop", "later", 10)
    assert result.result.rejects == ()
    shown = reject_queries.rejects(feed.connection, "testshop", with_all=True)
    assert {(each.dismissed_by, each.dismissed_reason) for each in shown} == {WHO}


@pytest.mark.parametrize(
    ("filters", "records"),
    [
        ({"interface": ERP}, [2, 3, 4]),
        ({"interface": "srs_customers"}, []),
        ({"code": "invalid_date", "field": "cash_back"}, [2, 3]),
        ({"code": "missing_field"}, []),
        ({"field": "discount_percentage"}, [4]),
        ({"file": "2"}, [4]),
        ({"file": "1", "record": 3}, [3]),
    ],
)
def test_rejects_are_chosen_by_all_that_is_given(
    feed: Feed, filters: dict[str, Any], records: list[int]
) -> None:
    files = {"1": feed.file(ERP, 1), "2": feed.file(ERP, 2)}
    feed.load(files["1"], delivered((2, "a"), (3, "b")))
    feed.load(files["2"], delivered((4, "c"), field="discount_percentage"))
    if "file" in filters:
        filters = {**filters, "file": files[filters["file"]].name}
    assert dismiss_rejects(feed.connection, RejectFilter("othershop", **filters), *WHO) == 0
    assert dismiss_rejects(feed.connection, RejectFilter("testshop", **filters), *WHO) == len(records)
    assert sorted(record for record, state in states(feed) if state == "dismissed") == records
    assert reopen_rejects(feed.connection, RejectFilter("testshop", **filters), "Ada") == len(records)
    assert {state for _, state in states(feed)} == {"open"}


@pytest.mark.parametrize("by_number", [True, False])
def test_a_check_beside_a_dismissal_opens_no_incident_of_what_was_dismissed(
    feed: Feed, store_uri: str, monkeypatch: pytest.MonkeyPatch, by_number: bool
) -> None:
    feed.load(feed.file(ERP, 1), delivered((2, "a")))
    choice = RejectFilter("testshop", ERP)
    if by_number:  # else no incident is open of it yet
        incidents.update(feed.connection, "testshop")
    [*known] = incidents.listed(feed.connection)
    reading = incidents.Cause

    with ThreadPoolExecutor() as pool, closing(open_uri(store_uri)) as other:
        begun: list[Future[object]] = []

        def cause(**row: Any) -> incidents.Cause:
            """Let a person dismiss as soon as the check has read what is open."""
            if not begun:
                if by_number:
                    begun.append(pool.submit(incidents.dismiss, other, known[0].incident_id, *WHO))
                else:
                    begun.append(pool.submit(dismiss_rejects, other, choice, *WHO))
                wait(begun, timeout=1)
            return reading(**row)

        monkeypatch.setattr(incidents, "Cause", cause)
        sync(feed.connection, TESTSHOP, datetime.now(UTC))
        begun[0].result(timeout=30)
    assert incidents.causes(feed.connection, "testshop") == []
    assert incidents.listed(feed.connection) == []
    assert incidents.pending(feed.connection, "testshop") == []


def test_what_is_opened_again_can_be_dismissed_at_once(feed: Feed) -> None:
    feed.load(feed.file(ERP, 1), delivered((2, "a")))
    choice = RejectFilter("testshop", ERP)
    assert dismiss_rejects(feed.connection, choice, *WHO) == 1
    assert reopen_rejects(feed.connection, choice, "Ada") == 1
    (found,) = incidents.listed(feed.connection, "testshop")
    assert (found.kind, found.code, found.number) == ("rejected", "invalid_date", 1)
    incidents.dismiss(feed.connection, found.incident_id, *WHO)
    assert states(feed) == [(2, "dismissed")]
    assert incidents.listed(feed.connection, "testshop") == []


def test_nobody_dismisses_without_name_and_reason(feed: Feed) -> None:
    for by, reason in (("Ada", " "), ("", "never")):
        with pytest.raises(FailError, match="give your name and a reason"):
            dismiss_rejects(feed.connection, RejectFilter("testshop", ERP), by, reason)


def test_a_record_that_comes_again_unchanged_stays_dismissed_and_a_changed_one_opens(feed: Feed) -> None:
    first = feed.file(ERP, 1)
    feed.load(first, delivered((2, "a"), (3, "b")))
    dismiss_rejects(feed.connection, RejectFilter("testshop", ERP, "invalid_date"), *WHO)
    feed.load(first, delivered((2, "a"), (3, "b")), "replay")
    assert states(feed) == [(2, "dismissed"), (3, "dismissed")]

    feed.load(feed.file(ERP, 2), delivered((7, "a")), "run2")
    assert states(feed)[0] == (7, "dismissed")
    assert reject_queries.rejects(feed.connection, "testshop", with_all=True)[0].dismissed_by == "Ada"
    assert ledger.problems(feed.connection, "testshop", "run2") == []
    feed.load(feed.file(ERP, 3), delivered((7, "a"), content="<C>1</C>"))
    feed.load(feed.file(ERP, 4), delivered((8, "a"), field="discount_percentage"))
    feed.load(feed.file(ERP, 5), delivered((9, "c")))
    assert states(feed)[:3] == [(9, "open"), (8, "open"), (7, "open")]


def test_a_reject_that_only_the_store_finds_is_dismissed_again_once_its_text_is_there(feed: Feed) -> None:
    feed.purchases(1, purchase("p1", 1, number="1", channel="offline"))

    def load(index: int, text: str) -> None:
        file = feed.file("srs_purchases", index)
        feed.load(file, purchases(purchase("p1", -1, number="1", channel="offline")))
        rejects.add_originals(feed.connection, file, feed.merchant, "run1", [(1, 10, text)])

    load(2, "<P/>")
    assert dismiss_rejects(feed.connection, RejectFilter("testshop", code="class_changed"), *WHO) == 1
    load(3, "<P/>")
    load(4, "<P>other</P>")
    assert states(feed) == [(1, "open"), (1, "dismissed"), (1, "dismissed")]


def test_a_load_resolves_what_was_dismissed(feed: Feed) -> None:
    file = feed.file(ERP, 1)
    feed.load(file, delivered((2, "a")))
    dismiss_rejects(feed.connection, RejectFilter("testshop", ERP), *WHO)
    feed.load(feed.file(ERP, 2), accounts({"account_number": "a", "price_list_name": "A"}))
    assert states(feed) == [(2, "resolved")]


def test_dismissing_an_incident_dismisses_its_rejects(feed: Feed) -> None:
    feed.load(feed.file(ERP, 1), delivered((2, "a"), (3, "b")))

    def check() -> list[int]:
        incidents.update(feed.connection, "testshop")
        return [each.incident_id for each in incidents.listed(feed.connection)]

    [number] = check()
    assert incidents.dismiss(feed.connection, number, *WHO) == "testshop"
    assert {state for _, state in states(feed)} == {"dismissed"}
    assert check() == []
    reopen_rejects(feed.connection, RejectFilter("testshop", ERP), "Bob")
    [again] = check()
    assert again != number
    noted = audit.listed(feed.connection, "testshop")
    assert [(each.who, each.action, each.subject) for each in noted] == [
        ("Bob", "opened again", f"2 rejects: {ERP}"),
        ("Ada", "dismissed", f"incident {number}: invalid_date of {ERP}"),
    ]


def test_the_audit_says_which_rejects_were_dismissed(feed: Feed) -> None:
    file = feed.file(ERP, 1)
    feed.load(file, delivered((2, "a"), (3, "b")))
    choice = RejectFilter("testshop", code="invalid_date", file=file.name, record=3)
    dismiss_rejects(feed.connection, choice, *WHO)
    dismiss_rejects(feed.connection, choice, *WHO)
    [entry] = audit.listed(feed.connection, "testshop")
    assert (entry.who, entry.action) == ("Ada", "dismissed")
    assert entry.subject == f"1 reject: invalid_date, {file.name}, record 3"
