"""Uploads as they come: half, late, renamed, replaced, taken away; each content is loaded once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from erp_feeds import tasks
from erp_feeds.batch import Batch
from erp_feeds.demo.exports import Export
from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import FtpsHook, transfer
from erp_feeds.inbox import scan
from erp_feeds.settings import settings
from erp_feeds.store import waiting_files
from support import odd_servers
from support.cutting_proxy import CuttingProxy
from support.ftps_fixtures import RunningFtps
from support.shop_fixtures import STEPS, Shop
from support.srs_exports import customers, numbers, person
from support.store_feed import scalar

WHOLE = customers("20170101", *(person(str(number)) for number in range(1, 30)))


@pytest.fixture(params=["MLSD", "LIST", "LIST (DOS)"])
def any_listing(request: pytest.FixtureRequest, ftps: RunningFtps) -> str:
    """Let the server list in one of the three forms, two of which give times to the minute at best."""
    if request.param == "LIST":
        odd_servers.without(ftps.server, "MLSD")
    if request.param == "LIST (DOS)":
        odd_servers.lists_in_dos_form(ftps.server)
    return str(request.param)


def scanned(shop: Shop) -> scan.InboxScan:
    with FtpsHook(shop.merchant.ftps.connection) as hook:
        return scan.scan(hook, shop.store, shop.merchant)


def upload(shop: Shop, name: str, content: bytes, second: int = 0) -> Path:
    """Write in place, as a client without temporary names does."""
    folder = shop.inbox / "srs"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    moment = datetime(2017, 1, 5, 11, 53, second, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    return path


def part(content: bytes, count: int) -> Export:
    return Export(WHOLE.interface, WHOLE.name, WHOLE.day, content[:count])


def archived(shop: Shop) -> list[bytes]:
    """Every file below the archive's folder, which holds nothing but originals."""
    folder = Path(settings().archive.removeprefix("file://")) / shop.merchant.name
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def processed(shop: Shop, batch: Batch) -> Batch:
    for step in STEPS:
        batch = step(shop.merchant, batch)
    return batch


@pytest.mark.usefixtures("any_listing")
@pytest.mark.rule("files 1")
def test_a_file_that_grows_between_scans_is_not_stable_until_it_is_whole(shop: Shop) -> None:
    for count in (0, 100, 200):
        upload(shop, WHOLE.name, WHOLE.content[:count])  # within one second: the size alone tells
        found = scanned(shop)
        assert (found.registered, found.uploading) == ((), 1)
    upload(shop, WHOLE.name, WHOLE.content)
    assert scanned(shop).uploading == 1
    (remote_file,) = scanned(shop).registered
    assert remote_file.size == len(WHOLE.content)
    assert len(numbers_after(shop)) == 29


def numbers_after(shop: Shop) -> set[str]:
    shop.report(shop.run_tasks("run"))
    return numbers(shop)


def test_a_touched_file_must_become_stable_again(shop: Shop) -> None:
    for second in range(3):
        upload(shop, WHOLE.name, WHOLE.content, second)
        assert scanned(shop).registered == ()
    assert len(scanned(shop).registered) == 1


def test_a_file_is_stable_after_as_long_as_the_merchant_says(shop: Shop) -> None:
    patient = shop.merchant.ftps.model_copy(update={"stable_for": 60})
    shop.merchant = shop.merchant.model_copy(update={"ftps": patient})
    upload(shop, WHOLE.name, WHOLE.content)
    for _ in range(3):
        assert (scanned(shop).registered, scanned(shop).uploading) == ((), 1)
    shop.store.execute("UPDATE files SET first_seen_at = first_seen_at - interval '61 seconds'")
    shop.store.commit()
    assert len(scanned(shop).registered) == 1


@pytest.mark.usefixtures("any_listing")
@pytest.mark.rule("files 1")
def test_a_temporary_name_is_no_file_until_it_is_renamed(shop: Shop) -> None:
    path = upload(shop, WHOLE.name + ".part", WHOLE.content)
    for _ in range(3):
        assert (scanned(shop).registered, scanned(shop).uploading) == ((), 0)
    path.rename(path.with_suffix(""))
    assert len(numbers_after(shop)) == 29


@pytest.mark.usefixtures("any_listing")
def test_half_a_zip_of_a_dead_uploader_waits_and_loads_when_it_is_sent_again(shop: Shop) -> None:
    upload(shop, WHOLE.name, WHOLE.content[:-40])
    shop.report(shop.run_tasks("run"))
    assert shop.states() == {1: "waiting"}
    upload(shop, WHOLE.name, WHOLE.content, second=9)
    shop.report(shop.run_tasks("next run"))
    assert len(numbers(shop)) == 29
    assert shop.states() == {1: "replaced", 2: "loaded"}


def test_an_uploader_that_goes_on_while_its_half_is_fetched_loses_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(shop, WHOLE.name, WHOLE.content[:200])
    batch = shop.sense("run")
    fetched = transfer.blocks

    def growing(*arguments: Any) -> Iterator[bytes]:
        yield from fetched(*arguments)
        upload(shop, WHOLE.name, WHOLE.content, second=5)

    with monkeypatch.context() as patched:
        patched.setattr(transfer, "blocks", growing)
        processed(shop, batch)
    assert archived(shop) == []
    shop.report(shop.run_tasks("next run"))
    assert archived(shop) == [WHOLE.content]
    assert len(numbers(shop)) == 29


@pytest.mark.usefixtures("any_listing")
def test_a_name_replaced_between_scan_and_download_brings_the_newer_bytes_once(shop: Shop) -> None:
    upload(shop, WHOLE.name, WHOLE.content)
    batch = shop.sense("run")
    newer = customers("20170101", person("100"))
    upload(shop, WHOLE.name, newer.content, second=30)
    processed(shop, batch)
    shop.report(shop.run_tasks("next run"))
    shop.report(shop.run_tasks("one more"))
    assert numbers(shop) == {"100"}  # the older was written over before anybody had fetched it
    assert archived(shop) == [newer.content]
    assert sorted(shop.states().values()) in [["duplicate", "loaded"], ["loaded", "replaced"]]


def test_a_file_taken_away_between_scan_and_download_is_skipped_and_comes_back(shop: Shop) -> None:
    path = upload(shop, WHOLE.name, WHOLE.content)
    shop.place(customers("20170102", person("100")))
    batch = shop.sense("run")
    path.unlink()
    processed(shop, batch)
    assert numbers(shop) == {"100"}
    upload(shop, WHOLE.name, WHOLE.content)
    shop.report(shop.run_tasks("next run"))
    assert len(numbers(shop)) == 30


def test_a_file_taken_away_behind_its_last_byte_is_loaded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = upload(shop, WHOLE.name, WHOLE.content)
    batch = shop.sense("run")
    fetched = transfer.blocks

    def emptied(*arguments: Any) -> Iterator[bytes]:
        yield from fetched(*arguments)
        path.unlink()  # by an ERP party that clears up what was fetched

    with monkeypatch.context() as patched:
        patched.setattr(transfer, "blocks", emptied)
        shop.report(processed(shop, batch))
    assert len(numbers(shop)) == 29
    assert archived(shop) == [WHOLE.content]


@pytest.mark.parametrize("form", ["MLSD", "LIST"])
def test_erp_cache_6_the_same_name_and_size_at_another_time_is_fetched(
    shop: Shop, ftps: RunningFtps, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    if form == "LIST":
        odd_servers.without(ftps.server, "MLSD")
    xml = "<Export><Customers><Customer><CustomerNumber>{}</CustomerNumber></Customer></Customers></Export>"
    name = "TestShop_SRS_Customers_20170101.xml"
    upload(shop, name, xml.format(1).encode())
    shop.report(shop.run_tasks("run"))
    upload(shop, name, xml.format(2).encode(), second=59)
    if form == "LIST":  # the minute is the same, so only a recent file is asked for again
        shop.store.execute("UPDATE files SET listed = ''")
        shop.store.commit()
    (file,) = shop.run_tasks("next run").files
    assert file.sequence == "20170101.0002"
    assert numbers(shop) == {"1", "2"}
    upload(shop, name, xml.format(2).encode(), second=58)
    assert shop.run_tasks("the same bytes again").files == ()


@pytest.mark.usefixtures("any_listing")
def test_two_files_of_one_second_and_size_both_load(shop: Shop) -> None:
    first, second = customers("20170101", person("1")), customers("20170102", person("2"))
    assert len(first.content) == len(second.content)
    for export in (second, first):
        upload(shop, export.name, export.content)
    batch = shop.run_tasks("run")
    assert [file.index_number for file in batch.files] == ["20170101", "20170102"]
    assert numbers(shop) == {"1", "2"}


@pytest.mark.usefixtures("any_listing")
def test_erp_cache_6_a_file_with_an_old_time_and_index_that_arrives_late_loads(shop: Shop) -> None:
    shop.place(customers("20170102", person("1", name="Newer"), person("2")))
    shop.report(shop.run_tasks("run"))
    late = customers("19990105", person("1", name="Older"), person("3"))
    path = upload(shop, late.name, late.content)
    moment = datetime(1999, 1, 5, 11, 53, 26, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    shop.report(shop.run_tasks("next run"))
    assert numbers(shop) == {"1", "2", "3"}
    query = "SELECT firstname FROM profiles JOIN identifiers USING (profile_id) WHERE value = '1'"
    assert scalar(shop.store, query) == "Newer"
    assert scanned(shop).uploading == 0


def test_files_of_nothing_wait_and_are_quarantined_in_the_end(shop: Shop) -> None:
    upload(shop, WHOLE.name, b"")
    for run in ("run 1", "run 2"):
        shop.report(shop.run_tasks(run))
        assert shop.states() == {1: "waiting"}
    with pytest.raises(FailError, match=f"{WHOLE.name}: quarantined, truncated"):
        shop.report(shop.run_tasks("run 3"))


def test_a_run_through_cuts_loads_everything_once(
    shop: Shop, ftps: RunningFtps, ftps_connection: Callable[..., str]
) -> None:
    exports = [customers(f"201701{day:02}", person(str(day))) for day in range(1, 21)]
    shop.place(*exports)
    with CuttingProxy(ftps.server, seed=6) as proxy:
        ftps_connection(port=proxy.port, extra={"timeout": 0.25})
        for attempt in range(60):  # each task is tried again as Airflow would, until nothing is left to do
            try:
                batch = processed(shop, shop.sense(f"run {attempt}"))
                tasks.report(shop.merchant, batch)
            except RetryError:
                continue
            if len(numbers(shop)) == len(exports):
                break
    assert numbers(shop) == {str(day) for day in range(1, 21)}
    assert sorted(archived(shop)) == sorted(export.content for export in exports)
    assert set(shop.states().values()) == {"loaded"}
    assert proxy.happened.total() > 5
    assert waiting_files.unfinished(shop.store, shop.merchant) == []
