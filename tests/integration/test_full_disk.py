"""A full disk is an error of the machine: the file that meets it waits, and the others load."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from erp_feeds.demo.exports import Export, packed
from erp_feeds.demo.testshop import ACCOUNTS_1_1, erp_cache_xml
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.storage import archive, staging
from support.shop_fixtures import Shop

MEGABYTE = 1024 * 1024
LARGE, SMALL = "20170101060000", "20170102060000"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def exports() -> tuple[Export, Export]:
    """One file that takes more than a megabyte unzipped, and a small one."""
    interface = INTERFACES["erp_cache_customers"]
    xml = erp_cache_xml(ACCOUNTS_1_1, "1.1")
    large = xml.replace(
        b"</Customers>", os.urandom(MEGABYTE // 2).hex().join(("<!--", "--></Customers>")).encode()
    )
    return packed(interface, "TestShop", LARGE, large), packed(interface, "TestShop", SMALL, xml)


def assert_only_the_large_one_waits(shop: Shop, disk: Path) -> None:
    batch = shop.run_tasks("run1")
    assert [file.index_number for file in batch.files] == [SMALL]
    query = "SELECT index_number::text, state, code, attempts FROM files ORDER BY index_number"
    large, small = shop.store.execute(query).fetchall()
    assert (large[0], large[2], large[3]) == (LARGE, None, 0)
    assert large[1] in {"registered", "archived"}
    assert small[:2] == (SMALL, "loaded")
    assert {path.suffix for path in disk.rglob("*") if path.is_file()} <= {".xml", ".arrow", ".zip"}
    with pytest.raises(FailError, match=f"TestShop_ErpCache_Customers_{LARGE}.zip: waiting, no_space: "):
        shop.report(batch)


def assert_it_loads_where_there_is_room(shop: Shop) -> None:
    batch = shop.run_tasks("run2")
    assert [file.index_number for file in batch.files] == [LARGE]
    assert set(shop.states().values()) == {"loaded"}


def test_a_file_that_does_not_fit_into_staging_waits_for_room(
    shop: Shop, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_FEEDS_STAGING", f"file://{small_disk}")
    shop.place(*exports())
    assert_only_the_large_one_waits(shop, small_disk)
    monkeypatch.delenv("ERP_FEEDS_STAGING")
    assert_it_loads_where_there_is_room(shop)


def test_a_disk_that_fills_while_a_file_is_unzipped_leaves_nothing_of_it(
    shop: Shop, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_FEEDS_STAGING", f"file://{small_disk}")
    monkeypatch.setattr(staging, "free_bytes", lambda _folder: None)  # as if others took it meanwhile
    shop.place(*exports())
    assert_only_the_large_one_waits(shop, small_disk)
    monkeypatch.delenv("ERP_FEEDS_STAGING")
    assert_it_loads_where_there_is_room(shop)


def test_an_original_for_which_the_archive_has_no_room_is_fetched_by_a_later_run(
    shop: Shop, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_disk / "filler").write_bytes(bytes(MEGABYTE * 3 // 4))
    monkeypatch.setenv("ERP_FEEDS_ARCHIVE", f"file://{small_disk}")
    shop.place(*exports())
    batch = shop.run_tasks("run1")
    assert [file.index_number for file in batch.files] == [SMALL]
    assert archive.purge("testshop") == 0
    with pytest.raises(FailError, match="waiting, no_space"):
        shop.report(batch)
    (small_disk / "filler").unlink()
    assert_it_loads_where_there_is_room(shop)
