"""The inbox over a server in memory: which files are a merchant's, in which order, and under which path."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from erp_feeds.batch import RemoteFile
from erp_feeds.errors import FailError
from erp_feeds.ftps.listing import Entry, Listing
from erp_feeds.inbox import listing
from erp_feeds.inbox.paths import claimed_path, is_claimed
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from support.memory_server import MemoryServer

SRS, CACHE = "/testshop/srs", "/testshop/ErpCache"


@pytest.fixture
def server() -> MemoryServer:
    """A server whose root folder is there and empty; backslashes are the client's to mend."""
    return NormalisingServer(folders={"/testshop"})


class NormalisingServer(MemoryServer):
    """Understands the merchant's backslashes as the real client does."""

    def listing(self, folder: str) -> Listing:
        return super().listing(folder.rstrip("/"))

    def has_folder(self, folder: str) -> bool:
        return super().has_folder("/" + folder.replace("\\", "/").strip("/"))


def look(server: MemoryServer, merchant: Merchant) -> listing.Inbox:
    return listing.list_files(server, merchant, interfaces_of(merchant))


def test_order_is_by_rank_then_index_number_as_an_integer(server: MemoryServer, merchant: Merchant) -> None:
    for name in ("SRS_Purchases_1", "SRS_Customers_10", "SRS_Customers_9", "SRS_Customers_009"):
        server.place(f"{SRS}/TestShop_{name}.zip", "x")
    server.place(f"{CACHE}/TestShop_ErpCache_Customers_1.xml", "x")
    assert [remote_file.name for remote_file in look(server, merchant).remote_files] == [
        "TestShop_ErpCache_Customers_1.xml",
        "TestShop_SRS_Customers_009.zip",
        "TestShop_SRS_Customers_9.zip",
        "TestShop_SRS_Customers_10.zip",
        "TestShop_SRS_Purchases_1.zip",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "TestShop-Staging_SRS_Customers_1.zip",
        "testshop_SRS_Customers_1.zip",
        "TestShop_SRS_Customers_1.zip.part",
        ".TestShop_SRS_Customers_1.zip",
        "TestShop_SRS_Customers_1.csv",
        "TestShop_SRS_Customers_.zip",
        "TestShop_ErpCache_CustomerPrices_1.zip",
        "TestShop_SRS_Customers_1.zip.loaded.part",
        "Other_SRS_Customers_1.zip.0123abcd.loaded.part",
    ],
)
def test_what_is_none_of_ours_stays(server: MemoryServer, merchant: Merchant, name: str) -> None:
    server.place(f"{SRS}/{name}", "x")
    assert look(server, merchant).remote_files == ()


def test_a_file_left_aside_keeps_its_name_and_is_found_where_it_is(
    server: MemoryServer, merchant: Merchant
) -> None:
    name = "TestShop_SRS_Customers_1.zip"
    path = claimed_path(f"{SRS}/{name}")
    server.place(path, "older")
    server.place(f"{SRS}/{name}", "newer one", 1)
    found = {remote_file.path: remote_file for remote_file in look(server, merchant).remote_files}
    assert found.keys() == {path, f"{SRS}/{name}"}
    assert {(each.name, each.interface) for each in found.values()} == {(name, "srs_customers")}
    assert is_claimed(path)
    assert not is_claimed(f"{SRS}/{name}")


def test_no_two_files_left_aside_share_a_name() -> None:
    assert len({claimed_path("/srs/a.zip") for _ in range(100)}) == 100


def test_a_missing_folder_is_empty_and_a_missing_root_is_a_error(
    server: MemoryServer, merchant: Merchant
) -> None:
    assert look(server, merchant).remote_files == ()
    server.folders.clear()
    with pytest.raises(FailError, match=r"correct ftps\.root in the merchant file") as missing:
        look(server, merchant)
    assert missing.value.code == "no_root_folder"


class RoughServer(MemoryServer):
    """Lists what it is told to."""

    listings: dict[str, Listing]

    def listing(self, folder: str) -> Listing:
        return self.listings.get(folder.rstrip("/"), Listing())


@pytest.fixture
def rough() -> RoughServer:
    """A server with one file, which it lists to the minute, and one listed without anything."""
    server = RoughServer()
    minute = datetime(2017, 1, 5, 11, 53, tzinfo=UTC)
    entries = (
        Entry("TestShop_SRS_Customers_1.zip", 1, minute, False, "2017-01-05T11:53"),
        Entry("TestShop_SRS_Customers_2.zip", None, None, is_folder=False),
        Entry("TestShop_SRS_Customers_3.zip", None, None, is_folder=True),
    )
    server.listings = {SRS: Listing(entries, "LIST (Unix)", unreadable=2, truncated=True)}
    server.place(f"{SRS}/TestShop_SRS_Customers_1.zip", "x")
    server.place(f"{SRS}/TestShop_SRS_Customers_2.zip", "xx", 5)
    return server


def test_what_a_listing_leaves_open_is_marked(rough: RoughServer, merchant: Merchant) -> None:
    found = look(rough, merchant)
    assert (found.truncated, found.unreadable) == ((SRS,), 2)
    first, second = found.remote_files
    assert (first.listed, second.listed) == ("2017-01-05T11:53", listing.UNLISTED)
    assert (second.size, second.modified) == (listing.UNKNOWN_SIZE, listing.NO_TIME)


def test_size_and_time_are_asked_for_where_they_are_open(rough: RoughServer, merchant: Merchant) -> None:
    found = listing.with_exact_times(rough, look(rough, merchant).remote_files)[0]
    assert [(each.size, each.modified) for each in found] == [
        (1, datetime(2017, 1, 5, 11, 53, 26, tzinfo=UTC)),
        (2, datetime(2017, 1, 5, 11, 53, 31, tzinfo=UTC)),
    ]


def test_what_is_certain_is_not_asked_for(rough: RoughServer) -> None:
    moment = datetime(2017, 1, 5, tzinfo=UTC)
    certain = RemoteFile(
        interface="srs_customers", name="a.zip", size=1, modified=moment, path=f"{SRS}/a.zip"
    )
    assert listing.with_exact_times(rough, [certain])[0] == [certain]
    assert rough.commands == []


def test_what_is_gone_before_it_is_asked_for_has_no_size_and_stays_out(
    rough: RoughServer, merchant: Merchant
) -> None:
    remote_files = look(rough, merchant).remote_files
    rough.files.clear()
    assert [each.name for each in listing.with_exact_times(rough, remote_files)[0]] == [
        "TestShop_SRS_Customers_1.zip"
    ]


def test_a_folder_that_merchants_share_is_listed_once(server: MemoryServer, merchant: Merchant) -> None:
    server.place(f"{SRS}/TestShop_SRS_Customers_1.zip", "x")
    shared = listing.ListedOnce(server)
    first = listing.list_files(shared, merchant, interfaces_of(merchant))
    assert listing.list_files(shared, merchant, interfaces_of(merchant)) == first
    assert server.commands.count("listing") == 2  # srs and ErpCache


def test_what_was_meant_for_the_merchant_and_is_never_taken_is_told(
    server: MemoryServer, merchant: Merchant
) -> None:
    meant = [
        f"{CACHE}/TestShop_ErpCache_Customers.zip",
        f"{CACHE}/TestShop_ErpCache_Customers_2017-01-10.zip",
        f"{CACHE}/TestShop_SRS_Customers_1.zip",
        f"{SRS}/TESTSHOP_SRS_Purchases_1.zip",
        f"{SRS}/TestShop_srs_customers_2.XML",
    ]
    others = [
        f"{CACHE}/TestShop_ErpCache_CustomerPrices_1.zip",
        f"{CACHE}/TestShop_ErpCache_Customers_1.zip",
        f"{CACHE}/TestShop_ErpCache_Customers_1.pdf",
        f"{SRS}/TestShop-Staging_SRS_Customers_1.zip",
        f"{SRS}/TestShop_SRS_Customers_2.zip.part",
        f"{SRS}/TestShop_SRS_Customers_2_SRS_Customers_3.zip",
    ]
    for path in (*meant, *others):
        server.place(path, "x")
    assert look(server, merchant).misnamed == tuple(meant)


def test_each_file_that_no_run_takes_has_its_reason_and_each_other_shop_one_file(
    server: MemoryServer, merchant: Merchant
) -> None:
    only_customers = merchant.model_copy(
        update={"interfaces": {"srs_customers": merchant.interfaces["srs_customers"]}}
    )
    names = ("Other_SRS_Purchases_2.zip", "Other_SRS_Customers_1.zip", "Third_ErpCache_Customers_1.zip")
    for name in (*names, "TestShop_SRS_Purchases_1.zip", "TESTSHOP_SRS_Customers_1.zip", "readme.txt"):
        server.place(f"{SRS}/{name}", "x")
    server.place(f"{SRS}/TestShop_SRS_Customers_1.zip", "x")
    server.place(f"{SRS}/under way.zip.part", "x")
    found = look(server, only_customers).not_taken
    assert [(each.path.rpartition("/")[2], str(each.why), each.shop) for each in found] == [
        ("TESTSHOP_SRS_Customers_1.zip", "misnamed", ""),
        ("TestShop_SRS_Purchases_1.zip", "switched_off", ""),
        ("Other_SRS_Customers_1.zip", "other_shop", "Other"),
        ("Third_ErpCache_Customers_1.zip", "other_shop", "Third"),
        ("readme.txt", "unknown_name", ""),
    ]
