"""The inbox on a real server: which files are a merchant's, and which of them are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from erp_feeds.errors import FailError
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox import listing
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from support.ftps_fixtures import RunningFtps
from support.merchants import merchant_of


@pytest.fixture
def merchant() -> Merchant:
    """A merchant whose root is a folder below the login folder."""
    return merchant_of(shop_name="Test_Shop")


@pytest.fixture
def root(ftps: RunningFtps) -> Path:
    """The merchant's root folder on the server, still empty."""
    folder = ftps.root / "testshop"
    folder.mkdir()
    return folder


@pytest.fixture
def hook(ftps_connection: Callable[..., str]) -> Iterator[FtpsHook]:
    """An open client."""
    with FtpsHook(ftps_connection()) as client:
        yield client


def names(hook: FtpsHook, merchant: Merchant) -> list[str]:
    return [
        remote_file.name
        for remote_file in listing.list_files(hook, merchant, interfaces_of(merchant)).remote_files
    ]


def test_nothing_there_yet_is_no_error(root: Path, hook: FtpsHook, merchant: Merchant) -> None:
    assert names(hook, merchant) == []
    (root / "srs").mkdir()
    assert names(hook, merchant) == []


def test_missing_root_is_an_error(hook: FtpsHook, merchant: Merchant) -> None:
    with pytest.raises(FailError, match=r"correct ftps\.root"):
        names(hook, merchant)


def test_files_come_in_load_order_and_others_stay(root: Path, hook: FtpsHook, merchant: Merchant) -> None:
    for folder, files in {
        "srs": (
            "Test_Shop_SRS_Purchases_1.zip",
            "Test_Shop_SRS_Customers_10.zip",
            "Test_Shop_SRS_Customers_9.ZIP",
            "Other_SRS_Customers_1.zip",
            "test_shop_SRS_Customers_1.zip",
            "Test_Shop_SRS_Customers_11.zip.part",
            ".Test_Shop_SRS_Customers_11.zip",
            "Test_Shop_SRS_Customers_11.csv",
            "Test_Shop_ErpCache_Customers_8.zip",
        ),
        "ErpCache": ("Test_Shop_ErpCache_Customers_2.xml", "Test_Shop_ErpCache_CustomerPrices_1.zip"),
    }.items():
        (root / folder / "Test_Shop_SRS_Customers_12.zip").mkdir(parents=True)
        for name in files:
            (root / folder / name).write_bytes(b"x")
    remote_files = listing.list_files(hook, merchant, interfaces_of(merchant)).remote_files
    assert [(each.interface, each.path, each.size) for each in remote_files] == [
        ("erp_cache_customers", "/testshop/ErpCache/Test_Shop_ErpCache_Customers_2.xml", 1),
        ("srs_customers", "/testshop/srs/Test_Shop_SRS_Customers_9.ZIP", 1),
        ("srs_customers", "/testshop/srs/Test_Shop_SRS_Customers_10.zip", 1),
        ("srs_purchases", "/testshop/srs/Test_Shop_SRS_Purchases_1.zip", 1),
    ]
    assert b"".join(hook.fetch(remote_files[0].path)) == b"x"


def test_upload_is_seen_when_it_is_renamed(root: Path, hook: FtpsHook, merchant: Merchant) -> None:
    (root / "srs").mkdir()
    upload = root / "srs" / "Test_Shop_SRS_Customers_1.zip.tmp"
    upload.write_bytes(b"all of it")
    assert names(hook, merchant) == []
    upload.rename(upload.with_suffix(""))
    assert names(hook, merchant) == ["Test_Shop_SRS_Customers_1.zip"]
