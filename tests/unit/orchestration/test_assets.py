"""What a merchant's DAG reads and writes, as assets."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from erp_feeds.batch import Batch, Counts, FeedFile
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import read_merchants
from erp_feeds.orchestration import assets
from erp_feeds.orchestration.trigger import InboxTrigger
from erp_feeds.settings import INCLUDE
from support.merchants import merchant_of

MERCHANTS, _ = read_merchants(INCLUDE / "merchants")


def merchant(*, root: str = "\\testshop\\", **changes: Any) -> Merchant:
    return merchant_of(**{"ftps": {"connection": "testshop_ftps", "root": root}, **changes})


def file(interface: str, name: str, rows: dict[str, int], **facts: Any) -> FeedFile:
    counts = Counts(read=9, rejected={"invalid_date": facts.pop("rejected", 0)})
    return FeedFile(
        file_id=1, interface=interface, name=name, size=1, index_number="1", rows=rows, counts=counts, **facts
    )


@pytest.mark.parametrize("root", ["\\testshop\\", "testshop", "/testshop", "/testshop/"])
def test_inbox_is_named_by_connection_and_folder(root: str) -> None:
    inbox = assets.inbox(merchant(root=root))
    assert inbox.name == "testshop.inbox"
    assert inbox.uri.startswith("ftps://testshop_ftps/testshop")
    assert "\\" not in inbox.uri
    assert inbox.group == "inbox"
    assert inbox.extra == {"merchant": "testshop", "connection": "testshop_ftps", "folder": "/testshop"}


def test_folders_below_the_root_are_kept() -> None:
    assert assets.inbox(merchant(root="\\erp\\test shop\\")).uri.startswith(
        "ftps://testshop_ftps/erp/test shop"
    )
    assert assets.inbox(merchant(root="\\")).uri.startswith("ftps://testshop_ftps/")


@pytest.mark.parametrize("known", MERCHANTS, ids=lambda known: known.name)
def test_every_merchant_has_one_watcher_of_its_own(known: Merchant) -> None:
    (watcher,) = assets.inbox(known).watchers
    assert watcher.name == f"{known.name}.watcher"
    assert isinstance(watcher.trigger, InboxTrigger)
    watched = Merchant.model_validate(watcher.trigger.settings)
    assert (watched.ftps, watched.interfaces, watched.limits) == (
        known.ftps,
        known.interfaces,
        known.limits,
    )


def test_merchants_share_neither_inbox_nor_table() -> None:
    for own in (lambda known: [assets.inbox(known)], assets.tables):
        found = [asset for known in MERCHANTS for asset in own(known)]
        assert len({asset.uri for asset in found}) == len({asset.name for asset in found}) == len(found)


def watched(known: Merchant) -> Any:
    (watcher,) = assets.inbox(known).watchers
    assert isinstance(watcher.trigger, InboxTrigger)
    return watcher.trigger.serialize()


def test_only_what_the_watcher_needs_restarts_it() -> None:
    before = watched(merchant())
    assert watched(merchant(title="Another", schedule="0 1 * * *", alerts={"email": ["a@b.nl"]})) == before
    slower = {"connection": "testshop_ftps", "root": "\\testshop\\", "poll_interval": 60}
    assert watched(merchant(ftps=slower)) != before
    assert watched(merchant(interfaces={"srs_customers": {}})) != before


def test_tables_follow_the_interfaces_in_order_and_once() -> None:
    names = [table.extra["table"] for table in assets.tables(merchant())]
    assert sorted(names) == sorted({name for each in INTERFACES.values() for name in each.tables})
    only = merchant(interfaces={"erp_cache_customers": {}})
    assert [table.name for table in assets.tables(only)] == ["testshop.accounts"]


def test_table_is_named_by_merchant_and_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_FEEDS_LINEAGE_STORE", "pg.example.com:5433/feeds")
    (table,) = (each for each in assets.tables(merchant()) if each.name == "testshop.profiles")
    assert (table.name, table.group) == ("testshop.profiles", "store")
    assert table.uri == "postgres://pg.example.com:5433/feeds/erp_feeds/profiles?merchant=testshop"
    assert table.extra == {
        "merchant": "testshop",
        "host": "pg.example.com:5433",
        "database": "feeds",
        "schema": "erp_feeds",
        "table": "profiles",
    }


def test_an_event_says_what_changed_its_table_and_there_is_none_without_a_change() -> None:
    files = (
        file("srs_customers", "a.zip", {"profiles": 3, "identifiers": 3}, day=date(2017, 1, 6), rejected=1),
        file("srs_customers", "b.zip", {"profiles": 2}, day=date(2017, 1, 5)),
        file("srs_customers", "c.zip", {}, day=date(2017, 1, 7), rejected=2),
    )
    batch = Batch(merchant="testshop", run="run1", files=files)
    changes = assets.changes(batch)
    assert changes == {
        "profiles": {
            "merchant": "testshop",
            "files": ["a.zip", "b.zip"],
            "days": ["2017-01-05", "2017-01-06"],
            "rows": 5,
            "rejects": 1,
        },
        "identifiers": {
            "merchant": "testshop",
            "files": ["a.zip"],
            "days": ["2017-01-06"],
            "rows": 3,
            "rejects": 1,
        },
    }
    again = assets.changes(batch, tried_before=True)  # what an attempt before this one wrote is unknown
    assert again["identifiers"] == {
        **changes["identifiers"],
        "files": ["a.zip", "b.zip", "c.zip"],
        "days": ["2017-01-05", "2017-01-06", "2017-01-07"],
        "rejects": 3,
    }
    assert assets.changes(Batch(merchant="testshop", run="run1"), tried_before=True) == {}


def test_two_shops_of_one_folder_have_two_inboxes() -> None:
    both = [merchant(), merchant(name="newshop", shop_name="NewShop")]
    assert len({assets.inbox(each).uri for each in both}) == 2
