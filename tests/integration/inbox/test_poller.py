"""Merchants of one server, scanned together: one login, each folder listed once, and no error spreads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from erp_feeds.errors import FailError, RetryError
from erp_feeds.inbox.poller import scan_together
from erp_feeds.merchant import InterfaceSettings, Merchant
from erp_feeds.store import waiting_files
from support.ftps_fixtures import RunningFtps
from support.merchants import merchant_of

Connect = Callable[..., str]


def merchant(name: str, shop_name: str, root: str, **ftps: Any) -> Merchant:
    return merchant_of(
        name=name,
        shop_name=shop_name,
        ftps={"connection": "shared_ftps", "root": root, "stable_for": 0, **ftps},
    )


@pytest.fixture
def commands(ftps: RunningFtps, ftps_connection: Connect, store: psycopg.Connection) -> Counter[str]:
    """What the server is asked, command by command."""
    ftps_connection("shared_ftps")
    asked: Counter[str] = Counter()
    plain = ftps.server.handler.pre_process_command

    def counted(self: Any, line: str, command: str, argument: str) -> None:
        asked[command] += 1
        plain(self, line, command, argument)

    ftps.server.handler.pre_process_command = counted
    return asked


def test_merchants_share_a_login_and_the_listing_of_a_shared_folder(
    ftps: RunningFtps, commands: Counter[str]
) -> None:
    for folder in ("both/srs", "both/ErpCache", "third/srs"):
        (ftps.root / folder).mkdir(parents=True)
    for shop in ("Shop", "Shop-Staging"):
        (ftps.root / "both" / "srs" / f"{shop}_SRS_Customers_1.zip").write_bytes(b"x")
    merchants = [
        merchant("production", "Shop", "\\both\\"),
        merchant("staging", "Shop-Staging", "\\both\\"),
        merchant("third", "Third", "\\third\\"),
    ]
    first = scan_together("shared_ftps", merchants)
    assert {name: found.waiting for name, found in first.items()} == dict.fromkeys(
        ("production", "staging", "third"), frozenset()
    )
    assert (commands["PASS"], commands["MLSD"]) == (1, 4)
    second = scan_together("shared_ftps", merchants)
    assert second["production"].waiting == {("srs_customers", "Shop_SRS_Customers_1.zip", 1)}
    assert second["staging"].waiting == {("srs_customers", "Shop-Staging_SRS_Customers_1.zip", 1)}
    assert second["third"].waiting == frozenset()


def test_an_inbox_with_an_upload_is_scanned_again_soon(ftps: RunningFtps, commands: Counter[str]) -> None:
    (ftps.root / "srs").mkdir()
    shop = merchant("shop", "Shop", "/", stable_for=3, poll_interval=60)
    assert scan_together("shared_ftps", [shop])["shop"].pause == 0
    (ftps.root / "srs" / "Shop_SRS_Customers_1.zip").write_bytes(b"x")
    found = scan_together("shared_ftps", [shop])["shop"]
    assert (found.waiting, found.pause) == (frozenset(), 3)


def test_it_says_what_runs_have_taken_and_whether_the_next_one_has_enough(
    ftps: RunningFtps, store: psycopg.Connection, commands: Counter[str]
) -> None:
    (ftps.root / "srs").mkdir()
    names = [f"Shop_SRS_Customers_{number}.zip" for number in (1, 2, 3)]
    for name in names:
        (ftps.root / "srs" / name).write_bytes(b"12345")
    shop = merchant("shop", "Shop", "/", stable_for=3, poll_interval=60)
    shop = shop.model_copy(update={"limits": shop.limits.model_copy(update={"bytes_per_run": 6})})
    immediate = shop.model_copy(update={"ftps": shop.ftps.model_copy(update={"stable_for": 0})})
    for _ in range(2):
        found = scan_together("shared_ftps", [immediate])["shop"]
    first, second, third = (("srs_customers", name, 5) for name in names)
    assert (found.untaken, found.is_full, found.runs, found.pause) == ({first, second}, True, 0, 0)
    waiting_files.take(store, waiting_files.unfinished(store, shop), "run")
    found = scan_together("shared_ftps", [shop])["shop"]
    assert (found.untaken, found.is_full, found.runs, found.pause) == ({third}, False, 1, 0)
    (ftps.root / "srs" / "Shop_SRS_Customers_4.zip").write_bytes(b"12345")
    for _ in range(2):
        found = scan_together("shared_ftps", [immediate])["shop"]
    assert (len(found.untaken), found.is_full, found.runs) == (2, True, 1)


def test_a_missing_root_concerns_one_merchant(ftps: RunningFtps, commands: Counter[str]) -> None:
    (ftps.root / "good").mkdir()
    found = scan_together(
        "shared_ftps", [merchant("bad", "Bad", "/nowhere"), merchant("good", "Good", "/good")]
    )
    assert found["good"].waiting == frozenset()
    assert found["bad"].waiting is None
    assert "correct ftps.root" in found["bad"].error


def test_a_folder_whose_listing_breaks_concerns_one_merchant(
    ftps: RunningFtps, store: psycopg.Connection, commands: Counter[str]
) -> None:
    for folder in ("bad/srs", "half/srs", "half/ErpCache", "good/srs"):
        (ftps.root / folder).mkdir(parents=True)
    for name in ("half/ErpCache/Half_ErpCache_Customers_1.zip", "good/srs/Good_SRS_Customers_1.zip"):
        (ftps.root / name).write_bytes(b"x")
    plain = ftps.server.handler.ftp_MLSD

    def breaking(self: Any, path: str) -> None:
        self.close() if path.endswith(("bad/srs", "half/srs")) else plain(self, path)

    ftps.server.handler.ftp_MLSD = breaking
    shops = [merchant(name, name.title(), f"/{name}") for name in ("bad", "half", "good")]
    shops[0] = shops[0].model_copy(update={"interfaces": {"srs_customers": InterfaceSettings()}})
    scan_together("shared_ftps", shops)
    found = scan_together("shared_ftps", shops)
    assert found["bad"].waiting is None
    assert "connection broke" in found["bad"].error
    assert found["half"].waiting == {("erp_cache_customers", "Half_ErpCache_Customers_1.zip", 1)}
    assert found["good"].waiting == {("srs_customers", "Good_SRS_Customers_1.zip", 1)}
    failing = store.execute("SELECT merchant FROM inbox_scans WHERE failing_since IS NOT NULL ORDER BY 1")
    assert failing.fetchall() == [("bad",), ("half",)]


def test_errors_of_server_and_login_concern_all(
    ftps: RunningFtps, ftps_connection: Connect, commands: Counter[str]
) -> None:
    merchants = [merchant(name, name, "/") for name in ("a", "b")]
    ftps_connection("shared_ftps", password="changed")
    with pytest.raises(FailError, match="correct login and password"):
        scan_together("shared_ftps", merchants)
    assert commands["PASS"] == 1
    ftps_connection("shared_ftps", port=1)
    with pytest.raises(RetryError, match="is 'port' right"):
        scan_together("shared_ftps", merchants)
