"""What a merchant's DAG reads and writes, as assets."""

from __future__ import annotations

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


def file(interface: str, **counts: int) -> FeedFile:
    return FeedFile(
        file_id=1, interface=interface, name="a.zip", size=1, index_number="1", counts=Counts(**counts)
    )


@pytest.mark.parametrize("root", ["\\testshop\\", "testshop", "/testshop", "/testshop/"])
def test_inbox_is_named_by_connection_and_folder(root: str) -> None:
    inbox = assets.inbox(merchant(root=root))
    assert inbox.name == "testshop.inbox"
    assert inbox.uri.startswith("ftps://testshop_ftps/testshop")
    assert "\\" not in inbox.uri
    assert inbox.group == "inbox"


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
    assert watcher.trigger.merchant.ftps == known.ftps
    assert watcher.trigger.merchant.interfaces == known.interfaces
    assert watcher.trigger.merchant.limits == known.limits


def test_merchants_share_tables_and_no_inbox() -> None:
    inboxes = [assets.inbox(known) for known in MERCHANTS]
    assert len({inbox.uri for inbox in inboxes}) == len({inbox.name for inbox in inboxes}) == len(MERCHANTS)
    tables = {table.name: table.uri for known in MERCHANTS for table in assets.tables(known)}
    assert set(tables) == {table for interface in INTERFACES.values() for table in interface.tables}


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
    names = [table.name for table in assets.tables(merchant())]
    assert sorted(names) == sorted({name for each in INTERFACES.values() for name in each.tables})
    only = merchant(interfaces={"erp_cache_customers": {}})
    assert [table.name for table in assets.tables(only)] == list(INTERFACES["erp_cache_customers"].tables)


def test_table_is_named_by_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_FEEDS_LINEAGE_STORE", "pg.example.com:5433/feeds")
    table = assets.table("profiles")
    assert (table.name, table.group) == ("profiles", "store")
    assert table.uri.endswith("://pg.example.com:5433/feeds/erp_feeds/profiles")


def test_counts_of_a_batch_go_to_every_table_of_its_files() -> None:
    files = (
        file("srs_customers", read=5, loaded=3),
        file("srs_customers", read=2, loaded=2),
        file("srs_purchases", read=9, loaded=7),
    )
    counts = assets.counts_by_table(Batch(merchant="testshop", run="run1", files=files))
    customers, purchases = INTERFACES["srs_customers"].tables, INTERFACES["srs_purchases"].tables
    wanted = {table: {"files": 0, "records": 0} for table in {*customers, *purchases}}
    for tables, number, records in ((customers, 2, 5), (purchases, 1, 7)):
        for table in tables:
            wanted[table] = {
                "files": wanted[table]["files"] + number,
                "records": wanted[table]["records"] + records,
            }
    assert counts == wanted
    assert counts["purchases"] == {"files": 1, "records": 7}
    assert assets.counts_by_table(Batch(merchant="testshop", run="run1")) == {}


def test_two_shops_of_one_folder_have_two_inboxes() -> None:
    both = [merchant(), merchant(name="newshop", shop_name="NewShop")]
    assert len({assets.inbox(each).uri for each in both}) == 2
