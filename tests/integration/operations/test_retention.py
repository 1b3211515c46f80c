"""Originals past their days are deleted, said to be, and missed by nothing that runs later."""

from __future__ import annotations

import logging
import os
from datetime import date
from pathlib import Path

import psycopg
import pytest

from erp_feeds import tasks
from erp_feeds.demo.exports import Export, packed
from erp_feeds.demo.testshop import ACCOUNTS_1_0, Record, erp_cache_xml
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant, Retention
from erp_feeds.operations.retention import delete_expired
from erp_feeds.storage import archive
from erp_feeds.store import queries, retention
from support.shop_fixtures import STEPS, Shop
from support.store_feed import dump, scalar

JANUARY = (date(2017, 1, 1), date(2017, 2, 1))


def erp_cache(index: str, *accounts: Record) -> Export:
    return packed(INTERFACES["erp_cache_customers"], "TestShop", index, erp_cache_xml(accounts, "1.1"))


OLD, YOUNG = erp_cache("20170102060000", *ACCOUNTS_1_0), erp_cache("20170103060000", *ACCOUNTS_1_0[:1])


def keeping(merchant: Merchant, days: int | None) -> Merchant:
    return merchant.model_copy(update={"retention": Retention(archive_days=days)})


def age(store: psycopg.Connection, name: str, days: int) -> None:
    """Let the files of a name have come some days earlier."""
    query = "UPDATE files SET archived_at = archived_at - make_interval(days => %s) WHERE name = %s"
    store.execute(query, [days, name])
    store.commit()


def originals(store: psycopg.Connection) -> dict[str, bool]:
    """Name -> whether its original is there."""
    store.commit()
    found = store.execute("SELECT name, archived FROM files WHERE archived IS NOT NULL ORDER BY file_id")
    return {name: Path(url.removeprefix("file://")).exists() for name, url in found}


def test_originals_are_deleted_after_their_days_and_rows_stay(shop: Shop) -> None:
    shop.place(OLD, YOUNG)
    shop.run_tasks("run1")
    age(shop.store, OLD.name, 31)
    before = dump(shop.store, ("accounts",))
    assert delete_expired(keeping(shop.merchant, None)) == 0
    assert delete_expired(keeping(shop.merchant, 32)) == 0
    assert delete_expired(keeping(shop.merchant, 30)) == 1
    assert delete_expired(keeping(shop.merchant, 30)) == 0
    assert originals(shop.store) == {OLD.name: False, YOUNG.name: True}
    assert dump(shop.store, ("accounts",)) == before
    deleted = {each.name: each.archive_deleted_at for each in queries.files(shop.store, "testshop")}
    assert deleted[OLD.name] is not None
    assert deleted[YOUNG.name] is None


def test_a_replay_says_what_was_deleted_and_takes_the_rest(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.place(OLD, YOUNG)
    shop.run_tasks("run1")
    age(shop.store, OLD.name, 31)
    delete_expired(keeping(shop.merchant, 30))
    with caplog.at_level(logging.WARNING):
        batch = shop.run_tasks("backfill", JANUARY)
    assert [file.name for file in batch.files] == [YOUNG.name]
    assert f"Deleted by retention, cannot be replayed: {OLD.name}" in caplog.text
    assert shop.report(batch)["files"] == 1
    assert set(shop.states().values()) == {"loaded"}


def test_deleted_in_the_middle_of_a_replay_quarantines_no_file(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.place(OLD, YOUNG)
    shop.run_tasks("run1")
    age(shop.store, OLD.name, 31)
    batch = tasks.download(shop.merchant, shop.sense("backfill", JANUARY))
    delete_expired(keeping(shop.merchant, 30))
    with caplog.at_level(logging.WARNING):
        for step in STEPS[1:]:
            batch = step(shop.merchant, batch)
    assert [file.name for file in batch.files] == [YOUNG.name]
    assert f"{OLD.name} was deleted by retention" in caplog.text
    assert set(shop.states().values()) == {"loaded"}


def test_what_is_not_done_with_stays(shop: Shop) -> None:
    shop.place(OLD)
    tasks.download(shop.merchant, shop.sense("run1"))
    age(shop.store, OLD.name, 99)
    assert delete_expired(keeping(shop.merchant, 1)) == 0
    assert shop.report(shop.run_tasks("run2"))["files"] == 1
    assert delete_expired(keeping(shop.merchant, 1)) == 1


def test_two_sightings_of_the_same_bytes_share_one_original(shop: Shop) -> None:
    shop.place(OLD)
    shop.run_tasks("run1")
    age(shop.store, OLD.name, 31)
    shop.place(OLD, minute=1)
    shop.run_tasks("run2")
    assert sorted(shop.states().values()) == ["duplicate", "loaded"]
    assert delete_expired(keeping(shop.merchant, 30)) == 0
    age(shop.store, OLD.name, 31)
    assert delete_expired(keeping(shop.merchant, 30)) == 1
    assert scalar(shop.store, "SELECT count(*) FROM files WHERE archive_deleted_at IS NOT NULL") == 2
    shop.place(OLD, minute=2)
    shop.run_tasks("run3")
    assert sorted(shop.states().values()) == ["duplicate", "duplicate", "loaded"]


def test_a_storage_that_is_away_leaves_the_original_to_the_next_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.place(OLD)
    shop.run_tasks("run1")
    age(shop.store, OLD.name, 31)

    def away(url: str) -> None:
        raise OSError("the bucket is away")

    with monkeypatch.context() as patch:
        patch.setattr(archive, "delete", away)
        with pytest.raises(OSError, match="away"):
            delete_expired(keeping(shop.merchant, 30))
    assert originals(shop.store) == {OLD.name: True}
    assert delete_expired(keeping(shop.merchant, 30)) == 1


def test_an_original_that_is_wanted_again_meanwhile_stays(shop: Shop) -> None:
    shop.place(OLD)
    shop.run_tasks("run1")
    url = scalar(shop.store, "SELECT archived FROM files")
    shop.store.execute("ALTER TABLE files DISABLE TRIGGER USER; UPDATE files SET state = 'archived'")
    shop.store.commit()
    assert not retention.drop_original(shop.store, "testshop", url, archive.delete)
    assert originals(shop.store) == {OLD.name: True}


def test_the_report_says_how_many_unfinished_originals_it_removed(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop.place(OLD)
    batch = shop.run_tasks("run1")
    folder = tmp_path / "home/archive/testshop/erp_cache_customers"
    young, old = folder / ".arriving-young", folder / ".arriving-old"
    for path in (young, old):
        path.write_bytes(b"PK")
    os.utime(old, (0, 0))
    with caplog.at_level(logging.INFO):
        shop.report(batch)
    assert "Removed 1 incomplete originals of killed tasks from the archive" in caplog.text
    assert sorted(folder.iterdir()) == sorted([young, Path(batch.files[0].archived.removeprefix("file://"))])
