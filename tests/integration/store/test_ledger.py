"""The ledger in the real store: every state a file may be in, and how it gets there."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

from erp_feeds.batch import Counts, FeedFile, Replay
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import FailError, RetryError
from erp_feeds.inbox import cleanup
from erp_feeds.interfaces import INTERFACES
from erp_feeds.store import connection as connections
from erp_feeds.store import ledger, waiting_files
from support.store_feed import Feed, customer, customers, dump, frame, scalar

CUSTOMERS = "srs_customers"
NAMES = tuple(INTERFACES)
DAY = date(2017, 1, 1)


def unfinished(feed: Feed) -> list[FeedFile]:
    return waiting_files.unfinished(feed.connection, feed.merchant)


def archive(feed: Feed, file: FeedFile, sha256: str = "a") -> FeedFile | None:
    return ledger.archive(feed.connection, file, sha256, f"file:///{sha256}", DAY)


def states(store: psycopg.Connection) -> list[Any]:
    return [row[0] for row in store.execute("SELECT state FROM files ORDER BY file_id")]


def test_connecting_says_what_to_correct(store_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", store_uri)
    with connections.connect() as opened:
        assert scalar(opened, "SELECT current_schema()") == "erp_feeds"
        assert opened.autocommit
    monkeypatch.setenv("ERP_FEEDS_STORE_CONNECTION", "nowhere")
    with pytest.raises(FailError, match="no connection 'nowhere'"):
        connections.connect()
    with pytest.raises(FailError, match="does not exist"):
        connections.open_uri(store_uri.replace("/store_", "/missing_"))
    with pytest.raises(RetryError) as caught:
        connections.open_uri("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)


def test_a_lost_connection_asks_for_another_try(store: psycopg.Connection, store_uri: str) -> None:
    with connections.open_uri(store_uri, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [store.info.backend_pid])
    with pytest.raises(RetryError):
        unfinished(Feed(store))


def test_only_what_is_loaded_is_done_with_on_the_server(store: psycopg.Connection) -> None:
    feed = Feed(store)
    remote_files = [feed.remote_file(CUSTOMERS, index) for index in (1, 2, 3)]
    loaded, waiting, _ = (feed.seen(remote_file) for remote_file in remote_files)
    archived = archive(feed, loaded)
    assert archived
    feed.load(archived, customers(customer("1")))
    ledger.wait(store, waiting, "run", QuarantineCode.NOT_READABLE, "locked", 2)
    assert cleanup.loaded(store, "testshop", remote_files) == [remote_files[0]]
    assert cleanup.remote_files_of(store, [loaded, waiting]) == [remote_files[0]]


def test_archiving_gives_revision_and_sequence_once(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.seen(feed.remote_file(CUSTOMERS, 20170101))
    kept = archive(feed, file)
    assert kept is not None
    assert (kept.sequence, kept.archived, kept.counts) == ("20170101.0001", "file:///a", Counts())
    before = dump(store)
    assert archive(feed, file) == kept
    assert dump(store) == before
    assert unfinished(feed) == [kept]


def test_same_bytes_under_the_same_name_are_a_duplicate(store: psycopg.Connection) -> None:
    feed = Feed(store)
    archive(feed, feed.seen(feed.remote_file(CUSTOMERS, 1)))
    again = feed.seen(feed.remote_file(CUSTOMERS, 1))
    assert archive(feed, again) is None
    assert archive(feed, again) is None
    assert states(store) == ["archived", "duplicate"]
    other_name = archive(feed, feed.seen(feed.remote_file(CUSTOMERS, 2)))
    assert other_name is not None


def test_other_bytes_under_the_same_name_are_a_new_revision(store: psycopg.Connection) -> None:
    feed = Feed(store)
    archive(feed, feed.seen(feed.remote_file(CUSTOMERS, 1)), "a")
    second = archive(feed, feed.seen(feed.remote_file(CUSTOMERS, 1)), "b")
    assert second is not None
    assert second.sequence == "1.0002"
    assert second.counts.warnings == {WarningCode.NEW_REVISION: 1}
    assert unfinished(feed)[1] == second


def test_an_incomplete_file_waits_then_is_quarantined(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    file = archive(feed, feed.seen(feed.remote_file(CUSTOMERS, 1)), "half")
    assert file is not None
    assert ledger.wait(store, file, "run1", QuarantineCode.TRUNCATED, "cut", 2) == "waiting"
    assert unfinished(feed) == []
    monkeypatch.setattr(waiting_files, "RETRY_SECONDS", 0)
    [due] = unfinished(feed)
    assert (due.path, due.archived, due.sequence) == (file.path, "", "")
    assert archive(feed, due, "half") == file
    assert ledger.wait(store, file, "run2", QuarantineCode.TRUNCATED, "cut", 2) == "quarantined"
    assert unfinished(feed) == []
    assert ledger.problems(store, "testshop", "run1") == []
    assert ledger.problems(store, "testshop", "run2") == [f"{file.name}: quarantined, truncated: cut"]


def test_quarantine_and_its_replay(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file(CUSTOMERS, 1)
    ledger.quarantine(store, file, "run1", QuarantineCode.DOCTYPE, "line 1")
    before = dump(store)
    ledger.quarantine(store, file, "run2", QuarantineCode.DOCTYPE, "line 1")
    assert dump(store) == before
    assert ledger.archived(store, "testshop", NAMES, Replay(since=DAY, until=DAY)) == [file]
    feed.load(file, customers(customer("1")), "run3")
    found = store.execute("SELECT state, code, reason, run_id FROM files").fetchall()
    assert found == [("loaded", None, None, "run3")]
    runs = store.execute("SELECT run_id, state FROM file_runs ORDER BY 1").fetchall()
    assert runs == [("run1", "quarantined"), ("run2", "quarantined"), ("run3", "loaded")]


def test_a_backfill_finds_originals_of_its_days_once(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first, second = feed.file(CUSTOMERS, 2), feed.file(CUSTOMERS, 1)
    archive(
        feed,
        feed.seen(feed.remote_file(CUSTOMERS, 1)),
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    )
    ledger.archive(store, feed.seen(feed.remote_file(CUSTOMERS, 3)), "x", "file:///x", date(2017, 1, 2))
    assert states(store)[2] == "duplicate"
    found = ledger.archived(store, "testshop", NAMES, Replay(since=DAY, until=DAY))
    assert found == [second, first]
    assert ledger.archived(store, "testshop", ["srs_purchases"], Replay(since=DAY, until=DAY)) == []


def test_a_replay_leaves_the_row_and_notes_its_run(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file(CUSTOMERS, 1)
    feed.load(file, customers(customer("1")), "first")
    before = dump(store)
    feed.load(file, customers(customer("1")), "second")
    assert dump(store) == before
    assert scalar(store, "SELECT run_id FROM files") == "first"
    runs = dump(store, ("file_runs",))
    feed.load(file, customers(customer("1")), "second")
    assert dump(store, ("file_runs",)) == runs


def test_a_replay_of_an_older_file_is_not_late_afterwards(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first = feed.file(CUSTOMERS, 1)
    feed.load(first, customers(customer("1")))
    feed.customers(2, customer("1"))
    assert WarningCode.LATE_FILE not in feed.load(first, customers(customer("1"))).warnings


def test_what_a_run_could_not_load_is_said_in_words(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file(CUSTOMERS, 1)
    rejects = frame("rejects", [{"record": 2, "code": "invalid_email", "reason": "no @"}])
    counted = file.model_copy(update={"counts": Counts(read=2, rejected={"invalid_email": 1})})
    counts = feed.load(counted, {**customers(customer("1")), "rejects": rejects})
    assert counts.read == counts.loaded + sum(counts.rejected.values())
    assert ledger.problems(store, "testshop", "run1") == [f"{file.name}: 1 record rejected (1 invalid_email)"]
