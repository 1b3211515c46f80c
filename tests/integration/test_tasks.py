"""The line processed by hand, sense to report, between a real FTPS server and a real store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from erp_feeds import tasks
from erp_feeds.batch import Batch
from erp_feeds.demo.exports import Export, packed
from erp_feeds.demo.testshop import ACCOUNTS_1_0, ACCOUNTS_1_1, BROKEN_INDEX, Record, erp_cache_xml
from erp_feeds.demo.testshop import testshop_exports as everything
from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import FtpsHook
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Feedback, Merchant
from erp_feeds.store.connection import lock_merchant, one_at_a_time, open_uri
from support.shop_fixtures import STEPS, Shop
from support.store_feed import TABLES, dump, scalar

ERP_CACHE = INTERFACES["erp_cache_customers"]
SRS_CUSTOMERS = INTERFACES["srs_customers"]
NOBODY_LISTENS = 1
BROKEN = ERP_CACHE.file_name("TestShop", BROKEN_INDEX)
GOOD = [export for export in everything("TestShop") if export.name != BROKEN]


def erp_cache(index: str, *accounts: Record) -> Export:
    """An ERP cache file of these accounts."""
    return packed(ERP_CACHE, "TestShop", index, erp_cache_xml(accounts, "1.1"))


def rows(shop: Shop) -> dict[str, list[str]]:
    """Every row of the store, those about runs too, with the transaction that wrote it."""
    return dump(shop.store, (*TABLES, "file_runs"))


def test_an_empty_inbox_is_a_batch_without_files(shop: Shop) -> None:
    assert shop.sense("run1") == Batch(merchant="testshop", run="run1")
    (shop.inbox / "srs").mkdir()
    assert shop.sense("run2").files == ()


def test_two_runs_never_scan_at_once_and_so_never_take_one_file(shop: Shop, store_uri: str) -> None:
    shop.place(*GOOD)
    with open_uri(store_uri, autocommit=True) as other, ThreadPoolExecutor() as pool:
        with one_at_a_time(other, "scan", "testshop"):
            sensing = pool.submit(shop.sense, "run1")
            with pytest.raises(TimeoutError):
                sensing.result(0.5)
            assert shop.states() == {}
        assert len(sensing.result(30).files) == len(GOOD)


def test_a_long_load_holds_up_no_download_of_another_run(shop: Shop, store_uri: str) -> None:
    shop.place(*GOOD)
    batch = shop.sense("run1")
    with open_uri(store_uri) as other:
        lock_merchant(other, "testshop")  # as a load does, until its end
        assert tasks.download(shop.merchant, batch).all_archived


def test_every_good_file_loads(shop: Shop) -> None:
    shop.place(*GOOD)
    batch = shop.run_tasks("run1")
    assert {file.name for file in batch.files} == {export.name for export in GOOD}
    assert shop.report(batch) == {
        "files": 7,
        "read": 21,
        "loaded": 20,
        "collapsed": 0,
        "skipped": 1,
        "rejected": 0,
    }
    assert set(shop.states().values()) == {"loaded"}
    assert shop.accounts() == {
        "00123": "STAFF",
        "100000": "WHOLESALE",
        "100001": "RETAIL",
        "100002": "WHOLESALE",
        "100003": "EXPORT",
        "100004": "RETAIL",
    }
    kinds = "SELECT kind, count(*), sum(total)::text FROM purchases GROUP BY 1 ORDER BY 1"
    assert shop.store.execute(kinds).fetchall() == [("order", 3, "12.72"), ("return", 1, "-1.99")]
    assert scalar(shop.store, "SELECT count(*) FROM profiles") == 4
    assert shop.sense("run2").files == ()


def test_purchases_10_customers_of_a_run_load_before_its_purchases(shop: Shop) -> None:
    """Index order alone would load the purchase first, and let it make the profile."""
    bought = (
        "<Export><Purchases><Purchase><OrderNumber>W1</OrderNumber><CustomerNumber>7</CustomerNumber>"
        "<DateTime>2017-01-01T10:00:00</DateTime>"
        "<Lines><Line><Sku>a</Sku><Amount>1.00</Amount></Line></Lines></Purchase></Purchases></Export>"
    )
    person = "<Export><Customers><Customer><CustomerNumber>7</CustomerNumber></Customer></Customers></Export>"
    shop.place(
        packed(INTERFACES["srs_purchases"], "TestShop", "20170101060000", bought.encode()),
        packed(SRS_CUSTOMERS, "TestShop", "20170109060000", person.encode()),
    )
    shop.run_tasks("run1")
    assert scalar(shop.store, "SELECT rule FROM identifiers") == "customers 3"
    assert scalar(shop.store, "SELECT count(*) FROM purchases JOIN profiles USING (profile_id)") == 1


def test_the_good_load_around_a_broken_file(shop: Shop) -> None:
    shop.place(*everything("TestShop"))
    batch = shop.run_tasks("run1")
    assert BROKEN not in {file.name for file in batch.files}
    assert len(shop.accounts()) == 6
    with pytest.raises(FailError, match=f"(?s)all good files.*- {BROKEN}: quarantined, not_well_formed: "):
        shop.report(batch)
    again = shop.run_tasks("run2")
    assert shop.report(again)["files"] == 0  # told once, in the run that refused it


@pytest.mark.rule("files 17")
def test_a_rejected_record_is_kept_as_delivered_and_reported_without_its_person(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {"account_number": "100009", "price_list_name": "RETAIL", "cash_back": "1.234,50"}
    cache = erp_cache("20170103060000", ACCOUNTS_1_0[0], bad, ACCOUNTS_1_0[1])
    xml = (
        "<Export><Customers>\n"
        "<Customer><FirstName>Ada</FirstName><Email>lovelace-at-example.com</Email></Customer>\n"
        "<Customer><CustomerNumber>7</CustomerNumber><Email>seven@example.com</Email></Customer>\n"
        "</Customers></Export>"
    )
    people = packed(SRS_CUSTOMERS, "TestShop", "20170103060000", xml.encode())
    shop.place(cache, people)
    with caplog.at_level(logging.DEBUG):
        batch = shop.run_tasks("run1")
        with pytest.raises(FailError) as refused:
            shop.report(batch)

    query = (
        "SELECT name, record, rejects.code, field, line, raw "
        "FROM rejects JOIN rejected_records USING (file_id, record) JOIN files USING (file_id) ORDER BY name"
    )
    account, person = shop.store.execute(query).fetchall()
    lines = erp_cache_xml((ACCOUNTS_1_0[0], bad), "1.1").decode().splitlines()
    opened = [number for number, text in enumerate(lines, 1) if "<Customer>" in text]
    assert account[:5] == (cache.name, 2, "invalid_decimal", "cash_back", opened[1])
    assert account[5].startswith("<Customer>")
    assert account[5].endswith("</Customer>")
    assert "<CashBack>1.234,50</CashBack>" in account[5]
    assert person == (people.name, 1, "invalid_email", "email", 2, xml.splitlines()[1])
    assert shop.accounts() == {"100000": "WHOLESALE", "100001": "RETAIL"}
    assert scalar(shop.store, "SELECT email FROM profiles") == "seven@example.com"

    said = str(refused.value)
    assert f"- {cache.name}: 1 record rejected (1 invalid_decimal)" in said
    assert f"- {people.name}: 1 record rejected (1 invalid_email)" in said
    assert "rejects testshop" in said
    for personal in ("Ada", "lovelace", "seven@", "1.234,50"):
        assert personal not in said + caplog.text
    assert people.name in caplog.text


@pytest.mark.rule("files 3")
def test_a_truncated_zip_waits_and_then_is_quarantined(shop: Shop) -> None:
    whole = erp_cache("20170103060000", *ACCOUNTS_1_0)
    shop.place(Export(whole.interface, whole.name, whole.day, whole.content[:-30]), *GOOD[:1])
    told = []
    for run in ("run1", "run2"):
        batch = shop.run_tasks(run)
        told.append(shop.report(batch)["files"])
        assert shop.states()[2] == "waiting"
    assert told == [1, 0]  # the good one loaded, and waiting is no failure
    with pytest.raises(FailError, match=f"{whole.name}: quarantined, truncated: "):
        shop.report(shop.run_tasks("run3"))
    assert sorted(shop.states().values()) == ["loaded", "quarantined"]
    assert shop.sense("run4").files == ()


def test_an_upload_that_was_finished_late_loads(shop: Shop) -> None:
    whole = erp_cache("20170103060000", *ACCOUNTS_1_0)
    shop.place(Export(whole.interface, whole.name, whole.day, whole.content[:-30]))
    assert shop.run_tasks("run1").files == ()
    shop.place(whole, minute=1)
    (file,) = shop.run_tasks("run2").files
    assert file.counts.loaded == len(ACCOUNTS_1_0)
    assert file.sequence == "20170103060000.0001"  # half an upload is no revision
    assert shop.states() == {1: "replaced", 2: "loaded"}


@pytest.mark.rule("files 2")
def test_a_missing_file_is_left_out_until_it_is_back(shop: Shop) -> None:
    export = erp_cache("20170103060000", *ACCOUNTS_1_0)
    path = shop.place(export)
    sensed = shop.sense("run1")
    path.unlink()
    left = tasks.download(shop.merchant, sensed)
    assert left.files == ()
    assert shop.states() == {1: "missing"}
    assert shop.report(left)["files"] == 0
    shop.place(export)
    assert shop.report(shop.run_tasks("run2"))["loaded"] == len(ACCOUNTS_1_0)
    assert shop.states() == {1: "missing", 2: "loaded"}


def test_the_same_bytes_again_are_a_duplicate(shop: Shop) -> None:
    export = erp_cache("20170103060000", *ACCOUNTS_1_0)
    shop.place(export)
    shop.run_tasks("run1")
    before = dump(shop.store, ("accounts", "rejects", "file_runs"))
    shop.place(export, minute=1)
    assert shop.run_tasks("run2").files == ()
    assert shop.states() == {1: "loaded", 2: "duplicate"}
    assert dump(shop.store, ("accounts", "rejects", "file_runs")) == before


def test_other_bytes_under_the_same_name_are_a_new_revision(shop: Shop) -> None:
    shop.place(erp_cache("20170103060000", {"account_number": "1", "price_list_name": "OLD"}))
    shop.run_tasks("run1")
    shop.place(erp_cache("20170103060000", {"account_number": "1", "price_list_name": "NEWER"}), minute=1)
    (file,) = shop.run_tasks("run2").files
    assert file.sequence == "20170103060000.0002"
    assert file.counts.warnings == {"new_revision": 1}
    assert shop.accounts() == {"1": "NEWER"}
    assert shop.states() == {1: "loaded", 2: "loaded"}


def test_files_10_an_index_in_the_future_shuts_no_later_file_out(shop: Shop) -> None:
    shop.place(erp_cache("20991231235959", {"account_number": "1", "price_list_name": "FUTURE"}))
    refused = shop.run_tasks("run1")
    assert (refused.files, shop.states()) == ((), {1: "quarantined"})
    assert scalar(shop.store, "SELECT code FROM files") == "future_index"
    shop.place(erp_cache("20170103060000", {"account_number": "1", "price_list_name": "HONEST"}))
    (file,) = shop.run_tasks("run2").files
    assert file.counts.warnings == {}
    assert shop.accounts() == {"1": "HONEST"}


def test_a_backfill_asks_the_server_for_nothing(
    shop: Shop, ftps_connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for what it owes there: moved files and result files are left to the next other run."""
    shop.place(*GOOD)
    shop.run_tasks("run1")
    before = dump(shop.store)
    shop.merchant = shop.merchant.model_copy(
        update={
            "ftps": shop.merchant.ftps.model_copy(update={"after_load": "move"}),
            "feedback": Feedback(format="csv", folder="results"),
        }
    )
    ftps_connection(port=NOBODY_LISTENS)
    with pytest.raises((RetryError, FailError)):
        shop.sense("run2")
    monkeypatch.setattr(FtpsHook, "get_conn", None)  # whoever asks fails, and not for a warning only

    days = (date(2017, 1, 5), date(2017, 1, 10))
    batch = shop.run_tasks("backfill1", days)
    assert [file.name[-18:-4] for file in batch.files] == [
        "20170105060000",
        "20170106235900",
        "20170106235900",
    ]
    assert shop.report(batch)["loaded"] == 2 + 4 + 4
    assert dump(shop.store) == before


def test_a_replay_brings_lost_rows_back(shop: Shop, ftps_connection: Callable[..., str]) -> None:
    shop.place(erp_cache("20170102060000", *ACCOUNTS_1_0), erp_cache("20170110060000", *ACCOUNTS_1_1))
    shop.run_tasks("run1")
    before = shop.accounts()
    shop.store.execute("DELETE FROM accounts")
    shop.store.commit()
    ftps_connection(port=NOBODY_LISTENS)
    shop.run_tasks("backfill1", (date(2017, 1, 2), date(2017, 1, 3)))
    assert shop.accounts() == {
        account["account_number"]: account["price_list_name"] for account in ACCOUNTS_1_0
    }
    shop.run_tasks("backfill2", (date(2017, 1, 10), date(2017, 1, 11)))
    assert shop.accounts() == before


def test_what_a_run_has_taken_is_left_to_it_until_it_ends(shop: Shop) -> None:
    first, second = GOOD[:2]
    shop.place(first)
    at_work = ["run1"]

    def sensed(run: str) -> list[str]:
        files = tasks.sense(shop.merchant, run, None, set(at_work).intersection).batch.files
        return sorted(file.name for file in files)

    shop.sense("run1")
    assert sensed("run1") == [first.name]  # tried again
    shop.place(second)
    sensed("run2")  # finds it for the first time
    assert sensed("run2") == [second.name]
    at_work.clear()
    assert sensed("run3") == sorted([first.name, second.name])


def test_a_run_that_died_is_taken_up_by_the_next(shop: Shop) -> None:
    shop.place(*GOOD)
    tasks.unzip(shop.merchant, tasks.download(shop.merchant, shop.sense("run1")))
    assert set(shop.states().values()) == {"archived"}
    for path in shop.inbox.rglob("*.zip"):
        path.unlink()  # the ERP party has cleared up meanwhile
    assert shop.report(shop.run_tasks("run2"))["files"] == len(GOOD)


def test_walking_any_single_step_again_changes_no_row(shop: Shop) -> None:
    bad = {"account_number": "100009", "price_list_name": "RETAIL", "cash_back": "NaN"}
    shop.place(*everything("TestShop"), erp_cache("20170103060000", bad, *ACCOUNTS_1_0))
    processed: list[tuple[Callable[[Merchant, Batch], Batch], Batch, Batch]] = []
    batch = shop.sense("run1")
    for step in STEPS:
        result = step(shop.merchant, batch)
        processed.append((step, batch, result))
        batch = result
    said = _refusal(shop, batch)

    before = rows(shop)
    assert shop.sense("run1").files == ()
    for step, given, result in processed:
        assert _of(step(shop.merchant, given)) == _of(result), step.__name__
        assert rows(shop) == before, step.__name__
    assert _refusal(shop, batch) == said
    assert rows(shop) == before


def _refusal(shop: Shop, batch: Batch) -> str:
    with pytest.raises(FailError) as refused:
        shop.report(batch)
    return str(refused.value)


def _of(batch: Batch) -> list[dict[str, Any]]:
    """What a step made of each file, but for what this very attempt changed, and how long it took."""
    return [file.model_dump(exclude={"rows", "seconds"}) for file in batch.files]


def test_a_run_that_an_upgrade_interrupts_says_what_to_clear(shop: Shop) -> None:
    shop.place(GOOD[0])
    batch = shop.sense("run")
    for step in (tasks.download, tasks.unzip, tasks.parse):
        batch = step(shop.merchant, batch)
    earlier = batch.to_xcom()
    for file in earlier["files"]:
        del file["unzipped"]
    for step in (tasks.deduplicate, tasks.load):
        with pytest.raises(FailError, match="earlier version: clear task 'unzip'"):
            step(shop.merchant, Batch.from_xcom(earlier))
    assert set(shop.states().values()) == {"archived"}
