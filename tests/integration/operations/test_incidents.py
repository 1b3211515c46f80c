"""Each cause opens one incident, of which people hear once, and once that it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Self

import psycopg
import pytest

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import FailError, QuarantineError
from erp_feeds.merchant import Merchant
from erp_feeds.operations.incidents import sync, to_sync
from erp_feeds.store import inbox_scans, incidents, ledger
from erp_feeds.store.incidents import Cause, Incident
from support.merchants import merchant_of
from support.store_feed import TESTSHOP, Feed, customer, customers, frame

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def feed(store: psycopg.Connection) -> Feed:
    return Feed(store)


def heard(feed: Feed, now: datetime = NOW, merchant: Merchant = TESTSHOP) -> list[str]:
    """What people hear of now, who then have heard of it."""
    is_due = merchant in to_sync(feed.connection, [merchant], now)
    found = sync(feed.connection, merchant, now)
    assert is_due or not found
    incidents.notified(feed.connection, found)
    return [said(each) for each in found]


def said(incident: Incident) -> str:
    over = " over" if incident.resolved_at else ""
    return f"{incident.interface or 'all'} {incident.number} {incident.kind} {incident.code}".rstrip() + over


def failing_since(feed: Feed) -> datetime:
    state = inbox_scans.state(feed.connection, "testshop")
    assert state is not None
    assert state.failing_since is not None
    return state.failing_since


def quarantined(feed: Feed, index: int, code: QuarantineCode = QuarantineCode.NOT_WELL_FORMED) -> FeedFile:
    file = feed.file("srs_customers", index, str(index))
    ledger.quarantine(feed.connection, file, "run1", code, f"line {index}")
    return file


def test_twenty_broken_files_are_heard_of_once_and_so_is_that_they_are_mended(feed: Feed) -> None:
    files = [quarantined(feed, index) for index in range(1, 21)]
    (found,) = sync(feed.connection, TESTSHOP, NOW)
    assert said(found) == "srs_customers 20 quarantined not_well_formed"
    assert list(found.examples) == [file.name for file in files[:5]]
    assert (found.reason, found.run_id) == ("line 20", "run1")
    incidents.notified(feed.connection, [found])

    files.append(quarantined(feed, 21))
    assert heard(feed) == []
    assert [said(each) for each in incidents.listed(feed.connection)] == [
        "srs_customers 21 quarantined not_well_formed"
    ]
    feed.connection.execute("UPDATE incidents SET notified_at = notified_at - interval '1 day'")
    assert heard(feed) == []
    files.append(quarantined(feed, 23))
    assert heard(feed) == ["srs_customers 22 quarantined not_well_formed"]  # a day later there is more of it
    quarantined(feed, 22, QuarantineCode.TRUNCATED)
    assert heard(feed) == ["srs_customers 1 quarantined truncated"]

    for file in files:
        feed.load(file, customers())
    assert heard(feed) == ["srs_customers 22 quarantined not_well_formed over"]
    assert heard(feed) == []


def test_a_message_stays_due_until_it_is_sent_and_nobody_hears_the_end_of_what_nobody_heard(
    feed: Feed,
) -> None:
    file = quarantined(feed, 1)
    for _ in range(2):
        assert [said(each) for each in sync(feed.connection, TESTSHOP, NOW)] == [
            "srs_customers 1 quarantined not_well_formed"
        ]
    feed.load(file, customers())
    assert heard(feed) == []


def test_a_file_that_waits_for_room_is_open_and_so_are_rejected_records(feed: Feed) -> None:
    waits = feed.file("srs_customers", 1)
    ledger.postpone(feed.connection, waits, "run1", QuarantineError(QuarantineCode.NO_SPACE, "full"))
    loads = feed.file("srs_purchases", 2)
    reject = "INSERT INTO rejects (file_id, record, code, field, reason) VALUES (%s, %s, %s, %s, 'bad')"
    for record, code, field in (
        (3, "invalid_date", "date"),
        (4, "invalid_date", "date"),
        (4, "invalid_date", "time"),
    ):
        feed.connection.execute(reject, [loads.file_id, record, code, field])
    feed.connection.execute("UPDATE files SET state = 'loaded' WHERE file_id = %s", [loads.file_id])
    found = sync(feed.connection, TESTSHOP, NOW)
    assert [said(each) for each in found] == [
        "srs_customers 1 put_off no_space",
        "srs_purchases 2 rejected invalid_date",
    ]
    assert list(found[1].examples) == [f"{loads.name}: record {record}" for record in (3, 4)]
    incidents.notified(feed.connection, found)
    feed.connection.execute("UPDATE rejects SET resolved_at = now() WHERE record = 3")
    assert heard(feed) == []
    feed.connection.execute("UPDATE rejects SET resolved_at = now()")
    feed.load(waits, customers())
    assert heard(feed) == [
        "srs_customers 1 put_off no_space over",
        "srs_purchases 1 rejected invalid_date over",
    ]


def test_records_whose_file_is_quarantined_instead_are_not_said_to_be_resolved(feed: Feed) -> None:
    file = feed.file("srs_customers", 1)
    bad = [{"record": 2, "code": "invalid_date", "field": "birthdate", "reason": "bad", "key": "2"}]
    rejected = {**customers(customer("1")), "rejects": frame("rejects", bad)}
    feed.load(file, rejected)
    assert heard(feed) == ["srs_customers 1 rejected invalid_date"]
    strict = merchant_of(
        ftps={"connection": "ftps_testshop"}, interfaces={"srs_customers": {"max_reject_percent": 1}}
    )
    file = file.model_copy(update={"counts": Counts(read=2, rejected={"invalid_date": 1})})
    with pytest.raises(QuarantineError, match="1 of 2 records"):
        Feed(feed.connection, strict).load(file, rejected, "replay")
    assert heard(feed) == ["srs_customers 1 quarantined too_many_rejects"]
    feed.load(file, rejected, "again")
    assert heard(feed) == [
        "srs_customers 1 quarantined too_many_rejects over",
        "srs_customers 1 rejected invalid_date",
    ]
    feed.load(file, customers(customer("1"), customer("2")), "correct")
    assert heard(feed) == ["srs_customers 1 rejected invalid_date over"]


def test_a_feed_that_comes_late_then_not_at_all_is_heard_of_at_each_step_and_when_it_is_back(
    feed: Feed,
) -> None:
    assert heard(feed, NOW) == []  # before the first file nobody waits
    feed.customers(1)
    arrived = "UPDATE files SET first_seen_at = %s"
    feed.connection.execute(arrived, [NOW])
    assert heard(feed, NOW + 26 * HOUR) == []
    assert heard(feed, NOW + 27 * HOUR) == ["srs_customers 1 late"]
    assert heard(feed, NOW + 30 * HOUR) == []
    assert heard(feed, NOW + 37 * HOUR) == ["srs_customers 1 missing"]
    assert heard(feed, NOW + 90 * HOUR) == []
    feed.connection.execute(arrived, [NOW + 90 * HOUR])
    assert heard(feed, NOW + 91 * HOUR) == ["srs_customers 1 missing over"]


def test_an_inbox_that_no_scan_reaches_is_heard_of_after_the_merchants_patience(feed: Feed) -> None:
    assert heard(feed) == []  # never scanned: the DAG is new
    inbox_scans.succeeded(feed.connection, ["testshop"])
    assert heard(feed) == []
    inbox_scans.failed(feed.connection, ["testshop"], "login refused")
    inbox_scans.failed(feed.connection, ["testshop"], "no answer")
    now = failing_since(feed)
    assert heard(feed, now + 0.9 * HOUR) == []
    assert heard(feed, now + 1.1 * HOUR) == ["all 1 unreachable"]
    (found,) = incidents.listed(feed.connection, "testshop")
    assert found.reason == "no answer"
    inbox_scans.succeeded(feed.connection, ["testshop"])
    assert heard(feed) == ["all 1 unreachable over"]
    assert heard(feed, now + 5 * HOUR) == ["all 1 unreachable"]  # nobody scans: neither good nor bad
    (found,) = incidents.listed(feed.connection, "testshop")
    assert "is the DAG paused, or the triggerer down?" in found.reason


def test_a_silent_inbox_names_the_zone_of_its_latest_scan(feed: Feed) -> None:
    inbox_scans.succeeded(feed.connection, ["testshop"])
    (found,) = sync(feed.connection, TESTSHOP, datetime.now(UTC) + 7 * HOUR)
    assert found.reason.endswith(" (Europe/Amsterdam): is the DAG paused, or the triggerer down?")


def test_a_run_that_gives_up_on_the_inbox_makes_that_the_incident_and_at_once(feed: Feed) -> None:
    failed = Cause(None, "failed_task", "sense", 1, NOW, "no answer", "run1")
    inbox_scans.failed(feed.connection, ["testshop"], "no answer")
    found = sync(feed.connection, TESTSHOP, NOW, failed=failed)
    assert [said(each) for each in found] == ["all 1 unreachable"]
    incidents.notified(feed.connection, found)
    assert heard(feed) == []  # it stays open until a scan succeeds
    inbox_scans.succeeded(feed.connection, ["testshop"])
    assert heard(feed) == ["all 1 unreachable over"]


def test_no_sender_is_blamed_for_files_that_wait_in_an_inbox_out_of_reach(feed: Feed) -> None:
    feed.customers(1)
    inbox_scans.failed(feed.connection, ["testshop"], "login refused")
    down = failing_since(feed)
    feed.connection.execute("UPDATE files SET first_seen_at = %s", [down - 20 * HOUR])
    assert heard(feed, down + 40 * HOUR) == ["all 1 unreachable"]  # neither late nor missing: who knows?
    inbox_scans.succeeded(feed.connection, ["testshop"])
    feed.connection.execute("UPDATE inbox_scans SET succeeded_at = %s", [down + 41 * HOUR])
    assert heard(feed, down + 41 * HOUR) == ["all 1 unreachable over"]  # what waited is only now being found
    assert heard(feed, down + 41 * HOUR) == ["srs_customers 1 missing"]  # nothing had waited


def test_a_feed_that_was_late_before_its_inbox_failed_stays_late(feed: Feed) -> None:
    feed.customers(1)
    inbox_scans.failed(feed.connection, ["testshop"], "login refused")
    down = failing_since(feed)
    feed.connection.execute("UPDATE files SET first_seen_at = %s", [down - 27 * HOUR])
    assert heard(feed, down + 0.5 * HOUR) == ["srs_customers 1 late"]
    assert heard(feed, down + 30 * HOUR) == ["all 1 unreachable"]
    (inbox,) = (each for each in incidents.listed(feed.connection) if each.kind == "unreachable")
    incidents.dismiss(feed.connection, inbox.incident_id, "ada", "one folder is closed for good")
    assert heard(feed, down + 31 * HOUR) == ["srs_customers 1 missing"]


def test_a_failed_task_stays_open_until_a_run_gets_through_it(feed: Feed) -> None:
    failed = Cause(None, "failed_task", "load", 1, NOW, "the store was away", "run1")
    found = sync(feed.connection, TESTSHOP, NOW, failed=failed)
    assert [said(each) for each in found] == ["all 1 failed_task load"]
    incidents.notified(feed.connection, found)
    assert heard(feed) == []
    incidents.tasks_succeeded(feed.connection, "testshop", ["sense"])
    assert heard(feed) == []
    incidents.tasks_succeeded(feed.connection, "testshop", ["parse", "load"])
    assert heard(feed) == ["all 1 failed_task load over"]


def test_what_is_dismissed_is_quiet_until_there_is_more_of_it(feed: Feed) -> None:
    files = [quarantined(feed, index) for index in (1, 2)]
    heard(feed)
    (found,) = incidents.listed(feed.connection)
    assert incidents.dismiss(feed.connection, found.incident_id, "ada", "an old test") == "testshop"
    with pytest.raises(FailError, match="no incident 0 is open"):
        incidents.dismiss(feed.connection, 0, "ada", "no such")
    with pytest.raises(FailError, match="give your name and a reason"):
        incidents.dismiss(feed.connection, found.incident_id, "ada", " ")
    assert incidents.listed(feed.connection) == []
    assert incidents.reopen(feed.connection, found.incident_id, "bob") == "testshop"
    assert [each.incident_id for each in incidents.listed(feed.connection)] == [found.incident_id]
    incidents.dismiss(feed.connection, found.incident_id, "ada", "an old test")
    assert [each.dismissed_reason for each in incidents.listed(feed.connection, with_dismissed=True)] == [
        "an old test"
    ]
    feed.load(files[0], customers())
    assert heard(feed) == []
    files += [quarantined(feed, index) for index in (3, 4)]
    assert heard(feed) == ["srs_customers 3 quarantined not_well_formed"]
    for file in files[1:]:
        feed.load(file, customers())
    assert heard(feed) == ["srs_customers 3 quarantined not_well_formed over"]


def test_airflow_shows_anew_what_opens_grows_resolves_or_is_dismissed(feed: Feed) -> None:
    assert not incidents.changed(feed.connection)
    file = quarantined(feed, 1)
    for change in (lambda: None, lambda: quarantined(feed, 2), lambda: feed.load(file, customers())):
        change()
        heard(feed)
        assert incidents.changed(feed.connection)
        (found,) = incidents.show(feed.connection)
        assert not incidents.changed(feed.connection)
    incidents.dismiss(feed.connection, found.incident_id, "ada", "an old test")
    assert incidents.changed(feed.connection)
    assert incidents.show(feed.connection) == []
    assert not incidents.changed(feed.connection)


def test_where_nothing_is_open_nothing_is_written(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check looks at each of 1,000 merchants; most of them have nothing to compare."""
    asked: list[str] = []

    class Noted(psycopg.Cursor[Any]):
        def execute(self, query: Any, *values: Any, **more: Any) -> Self:
            asked.append(query if isinstance(query, str) else query.as_string())
            return super().execute(query, *values, **more)

    monkeypatch.setattr(feed.connection, "cursor_factory", Noted)
    assert to_sync(feed.connection, [TESTSHOP], NOW) == []
    asked.clear()
    assert sync(feed.connection, TESTSHOP, NOW) == []
    assert len(asked) == 5
    assert not [query for query in asked if "INSERT" in query or "UPDATE" in query]
    quarantined(feed, 1)
    asked.clear()
    assert len(sync(feed.connection, TESTSHOP, NOW)) == 1
    assert [query for query in asked if "INSERT" in query]


def test_a_merchant_without_a_file_leaves_nothing_open(feed: Feed) -> None:
    quarantined(feed, 1)
    heard(feed)
    incidents.retire(feed.connection, ["testshop"])
    assert len(incidents.listed(feed.connection)) == 1
    incidents.retire(feed.connection, ["another"])
    assert incidents.listed(feed.connection) == []
    assert incidents.pending(feed.connection, "testshop") == []
