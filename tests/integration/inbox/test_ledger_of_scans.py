"""What scans find, compared with the ledger in the real store: what is new, complete, replaced or back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from erp_feeds.batch import RemoteFile
from erp_feeds.inbox import scan
from erp_feeds.interfaces import INTERFACES
from erp_feeds.store import ledger, waiting_files
from support.store_feed import Feed, register

CUSTOMERS = "srs_customers"


def states(store: psycopg.Connection) -> list[Any]:
    return [row[0] for row in store.execute("SELECT state FROM files ORDER BY file_id")]


def test_only_new_names_sizes_and_times_are_unknown(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first, second = feed.remote_file(CUSTOMERS, 1), feed.remote_file(CUSTOMERS, 2)
    assert scan.unknown(store, "testshop", [first, second]) == [first, second]
    register(store, "testshop", first)
    register(store, "testshop", first)
    assert scan.unknown(store, "testshop", [first, second]) == [second]
    grown = first.model_copy(update={"size": 99})
    assert scan.unknown(store, "testshop", [first, grown]) == [grown]
    assert scan.unknown(store, "othershop", [first]) == [first]
    assert scan.unknown(store, "testshop", []) == []


def test_a_missing_file_that_is_back_is_a_new_one(store: psycopg.Connection) -> None:
    feed = Feed(store)
    remote_file = feed.remote_file(CUSTOMERS, 1)
    file = feed.seen(remote_file)
    ledger.mark_missing(store, file, "run")
    assert states(store) == ["missing"]
    assert scan.unknown(store, "testshop", [remote_file]) == [remote_file]
    register(store, "testshop", remote_file)
    assert states(store) == ["missing", "registered"]
    [again] = waiting_files.unfinished(store, feed.merchant)
    assert again.model_copy(update={"file_id": file.file_id}) == file


def found(feed: Feed, *there: RemoteFile, stable_for: float = 0) -> list[RemoteFile]:
    """Let a scan find files; return what is registered by it."""
    new = scan.unknown(feed.connection, "testshop", there, exact=True)
    return scan.register(feed.connection, "testshop", INTERFACES.values(), new, stable_for)


def test_one_scan_is_never_enough(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first, second = feed.remote_file(CUSTOMERS, 1), feed.remote_file(CUSTOMERS, 2)
    assert found(feed, first) == []
    assert found(feed, first, second) == [first]
    assert found(feed, first, second) == [second]
    assert states(store) == ["registered", "registered"]


def test_what_is_too_young_waits(store: psycopg.Connection) -> None:
    feed = Feed(store)
    remote_file = feed.remote_file(CUSTOMERS, 1)
    found(feed, remote_file, stable_for=60)
    assert found(feed, remote_file, stable_for=60) == []
    store.execute("UPDATE files SET first_seen_at = first_seen_at - interval '60 s'")
    assert found(feed, remote_file, stable_for=60) == [remote_file]


def test_what_grows_or_was_away_starts_anew_and_holds_up_no_other(store: psycopg.Connection) -> None:
    feed = Feed(store)
    still, growing = feed.remote_file(CUSTOMERS, 1), feed.remote_file(CUSTOMERS, 2)
    found(feed, still, growing)
    grown = growing.model_copy(update={"size": 99})
    assert found(feed, still, grown) == [still]
    assert found(feed, still) == []
    assert found(feed, still, grown) == []
    assert found(feed, still, grown) == [grown]
    assert states(store) == ["registered", "registered"]


def test_a_scan_forgets_nothing_of_other_merchants_and_interfaces(store: psycopg.Connection) -> None:
    feed = Feed(store)
    mine, other = feed.remote_file(CUSTOMERS, 1), feed.remote_file("srs_purchases", 1)
    found(feed, mine, other)
    assert scan.register(store, "othershop", INTERFACES.values(), [mine], 0) == []
    assert scan.register(store, "testshop", [INTERFACES[CUSTOMERS]], [mine], 0) == [mine]
    assert found(feed, mine, other) == [other]


def test_a_file_changed_before_it_was_fetched_replaces_what_was_registered(store: psycopg.Connection) -> None:
    feed = Feed(store)
    remote_file = feed.remote_file(CUSTOMERS, 1)
    register(store, "testshop", remote_file, feed.remote_file(CUSTOMERS, 2))
    assert found(feed, remote_file.model_copy(update={"size": 99})) == []
    assert states(store) == ["replaced", "registered", "uploading"]


def rough(remote_file: RemoteFile, listed: str = "2017-01-01T00:00") -> RemoteFile:
    """The file as LIST gives it."""
    modified = remote_file.modified.replace(second=0)
    return remote_file.model_copy(update={"listed": listed, "modified": modified})


def test_a_rough_listing_is_asked_for_once(store: psycopg.Connection) -> None:
    """The time of a file that stays in the inbox is not asked for at every scan."""
    feed = Feed(store)
    exact = feed.remote_file(CUSTOMERS, 1)
    listed = rough(exact)
    assert scan.unknown(store, "testshop", [listed]) == [listed]
    register(store, "testshop", exact)
    assert scan.unknown(store, "testshop", [listed]) == [listed]
    asked = exact.model_copy(update={"listed": listed.listed})
    assert scan.unknown(store, "testshop", [asked], exact=True) == []
    scan.remember_times(store, "testshop", [asked])
    assert scan.unknown(store, "testshop", [listed]) == []
    assert scan.unknown(store, "testshop", [rough(exact, "2017-01-01")]) == []
    other = [rough(exact, "2017-01-01T00:01"), rough(exact, "2017-01-02")]
    grown = listed.model_copy(update={"size": 99})
    assert scan.unknown(store, "testshop", [*other, grown]) == [grown, *other]


def test_what_no_row_has_by_name_and_size_is_asked_for_first(store: psycopg.Connection) -> None:
    """Else a server that tells no times would have the same files asked for at every scan, and no others."""
    feed = Feed(store)
    known, new = feed.remote_file(CUSTOMERS, 1), feed.remote_file(CUSTOMERS, 2)
    register(store, "testshop", known)
    listed = [rough(known, "?"), rough(new, "?")]
    assert scan.unknown(store, "testshop", listed) == [listed[1], listed[0]]


def test_the_minute_of_a_young_file_proves_nothing(store: psycopg.Connection) -> None:
    feed = Feed(store)
    now = datetime.now(UTC).replace(microsecond=0)
    exact = feed.remote_file(CUSTOMERS, 1).model_copy(update={"modified": now})
    asked = exact.model_copy(update={"listed": f"{now:%Y-%m-%dT%H:%M}"})
    register(store, "testshop", exact)
    assert scan.unknown(store, "testshop", [asked], exact=True) == []
    scan.remember_times(store, "testshop", [asked])
    assert scan.unknown(store, "testshop", [asked]) == [asked]
