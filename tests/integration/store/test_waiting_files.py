"""Which of the files that wait a run takes."""

from __future__ import annotations

from collections.abc import Collection

import psycopg
import pytest

from erp_feeds.batch import FeedFile
from erp_feeds.merchant import InterfaceSettings
from erp_feeds.store import waiting_files
from support.store_feed import Feed, register

CUSTOMERS = "srs_customers"


def unfinished(feed: Feed, others: Collection[str] = (), **limits: int) -> list[FeedFile]:
    merchant = feed.merchant.model_copy(update={"limits": feed.merchant.limits.model_copy(update=limits)})
    return waiting_files.unfinished(feed.connection, merchant, others)


def test_unfinished_files_come_in_load_order(store: psycopg.Connection) -> None:
    feed = Feed(store)
    register(
        store,
        "testshop",
        *(feed.remote_file(CUSTOMERS, index) for index in (10, 9)),
        feed.remote_file("srs_purchases", 1),
        feed.remote_file("erp_cache_customers", 20170101),
    )
    found = unfinished(feed)
    assert [(file.interface, file.index_number) for file in found] == [
        ("erp_cache_customers", "20170101"),
        (CUSTOMERS, "9"),
        (CUSTOMERS, "10"),
        ("srs_purchases", "1"),
    ]
    assert found[0].path
    assert unfinished(feed, files_per_run=2) == found[:2]
    purchases = feed.merchant.model_copy(update={"interfaces": {"srs_purchases": InterfaceSettings()}})
    assert waiting_files.unfinished(store, purchases) == found[3:]


@pytest.mark.parametrize(("most", "taken"), [(1, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_a_run_takes_a_file_at_least_and_none_beyond_its_bytes(
    store: psycopg.Connection, most: int, taken: int
) -> None:
    feed = Feed(store)
    register(store, "testshop", *(feed.remote_file(CUSTOMERS, index, size=100) for index in (1, 2, 3)))
    assert [file.index_number for file in unfinished(feed, bytes_per_run=most)] == ["1", "2", "3"][:taken]


def test_what_another_run_has_taken_is_left_to_it(store: psycopg.Connection) -> None:
    feed = Feed(store)
    register(store, "testshop", *(feed.remote_file(CUSTOMERS, index) for index in (1, 2, 3)))
    first = unfinished(feed, files_per_run=1)
    waiting_files.take(store, first, "run 1")
    assert waiting_files.taken_by(store, "testshop") == ["run 1"]
    assert waiting_files.taken_by(store, "testshop", "run 1") == []
    second = unfinished(feed, ["run 1"], files_per_run=1)
    assert (first[0].index_number, second[0].index_number) == ("1", "2")
    assert unfinished(feed, files_per_run=1) == first  # as where that run has died
