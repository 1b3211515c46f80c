"""Files from before the system existed: imported once, loaded when a replay asks, and by nothing else."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from airflow.sdk.io import attach
from typer.testing import CliRunner, Result

from erp_feeds.cli import app
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Retention
from erp_feeds.operations.erasure import PersonQuery, forget, unforget_person
from erp_feeds.operations.retention import delete_expired
from support.merchants import facts_of
from support.shop_files import account, export, person
from support.shop_fixtures import Shop
from support.store_feed import TABLES, dump, scalar

YEAR = (date(2017, 1, 1), date(2018, 1, 1))
PEOPLE = export("srs_customers", "20170102060000", person("7", "Ada"), person("8", "Bob"))
FIRST = export("erp_cache_customers", "20170104060000", account("1", PriceListName="FIRST"))
REVISED = export("erp_cache_customers", "20170104060000", account("1", PriceListName="REVISED"))
BROKEN, TRUNCATED = (INTERFACES["srs_customers"].file_name("TestShop", f"2017010{day}") for day in (5, 6))
NUMBERED = INTERFACES["srs_customers"].file_name("TestShop", "17")


class History:
    """A folder of old files, and the command line that imports it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        merchants = folder.parent / "merchants"
        merchants.mkdir()
        (merchants / "testshop.yaml").write_text(json.dumps(facts_of()), "utf-8")

    def put(self, path: str, content: bytes, second: int = 0) -> Path:
        """Write a file as somebody's backup holds it; its time is a day later in Amsterdam."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        moment = datetime(2017, 6, 1, 23, 30, second, tzinfo=UTC).timestamp()
        os.utime(place, (moment, moment))
        return place

    def fill(self) -> None:
        """Put good, revised, duplicate, broken and foreign files into folders."""
        self.put(f"b/{FIRST.name}", FIRST.content, second=1)
        self.put(f"a/{FIRST.name}", REVISED.content, second=2)
        self.put(f"a/deep/{FIRST.name}", FIRST.content, second=3)
        self.put(f"a/{PEOPLE.name}", PEOPLE.content)
        self.put(f"a/{BROKEN}", b"neither zip nor XML")
        self.put(f"a/{TRUNCATED}", PEOPLE.content[:-30])
        self.put(f"a/{NUMBERED}", PEOPLE.content)
        for name in ("readme.txt", "OtherShop_SRS_Customers_1.zip", f"{PEOPLE.name}.part"):
            self.put(f"a/{name}", b"x")

    def run(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(app, ["archive", "import", "testshop", *map(str, arguments)])

    def told(self, *arguments: str | Path) -> dict[str, Any]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        summary: dict[str, Any] = json.loads(result.stdout)
        return summary


@pytest.fixture
def history(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path / "merchants"))
    return History(tmp_path / "old files")


def ledger_rows(shop: Shop) -> list[tuple[Any, ...]]:
    shop.store.commit()
    query = "SELECT name, revision, day::text, state, code FROM files ORDER BY name, revision"
    return shop.store.execute(query).fetchall()


def test_an_imported_folder_waits_in_the_archive_until_a_replay_of_its_days(
    shop: Shop, history: History
) -> None:
    history.fill()
    told = history.told(history.folder)
    assert (told["imported"], told["known_already"], told["ignored"]) == (6, 1, 3)
    assert (told["first_day"], told["last_day"]) == ("2017-01-02", "2017-06-02")
    assert str(history.folder / "a" / "readme.txt") in told["ignored_examples"]
    assert "TestShop_SRS_Customers_<index>.zip" in told["expected"]
    since, until = "2017-01-02T00:00:00+01:00", "2017-06-02T23:59:00+02:00"
    assert told["backfill"].endswith(f"--dag-id testshop --from-date {since} --to-date {until}")
    assert ledger_rows(shop) == [
        (FIRST.name, 1, "2017-01-04", "archived", None),
        (FIRST.name, 2, "2017-01-04", "archived", None),
        (NUMBERED, 1, "2017-06-02", "archived", None),
        (PEOPLE.name, 1, "2017-01-02", "archived", None),
        (BROKEN, 1, "2017-01-05", "archived", None),
        (TRUNCATED, 1, "2017-01-06", "archived", None),
    ]

    before = dump(shop.store)
    again = history.told(history.folder)
    assert (again["imported"], again["known_already"]) == (0, 7)
    assert dump(shop.store) == before
    assert shop.run_tasks("live").files == ()

    shop.run_tasks("one day", (date(2017, 1, 2), date(2017, 1, 3)))
    assert scalar(shop.store, "SELECT count(*) FROM profiles") == 2
    assert shop.accounts() == {}
    shop.run_tasks("backfill", YEAR)
    assert shop.accounts() == {"1": "REVISED"}
    assert [(state, code) for *_, state, code in ledger_rows(shop)] == [
        *[("loaded", None)] * 4,
        ("quarantined", "not_a_zip"),
        ("quarantined", "truncated"),
    ]
    assert shop.sense("live again").files == ()  # nobody fetches what no server holds


def test_a_backfill_of_imported_files_ends_in_the_rows_of_live_processing(
    shop: Shop, history: History
) -> None:
    """A file that came live while its import waits loads at once."""
    for file in (PEOPLE, FIRST):
        history.put(file.name, file.content)
    history.told(history.folder)
    shop.place(PEOPLE, FIRST)
    assert len(shop.run_tasks("live").files) == 2
    tables = [table for table in TABLES if table not in {"files", "mappings"}]
    about_files = "ARRAY['file_id', 'sequence', 'field_versions', 'updated_at']"
    query = f"SELECT to_jsonb(t) - {about_files} FROM {{}} t ORDER BY 1"
    live = {table: shop.store.execute(query.format(table)).fetchall() for table in tables}
    assert shop.accounts() == {"1": "FIRST"}
    shop.run_tasks("backfill", YEAR)
    assert {table: shop.store.execute(query.format(table)).fetchall() for table in tables} == live
    assert {state for *_, state, _ in ledger_rows(shop)} == {"loaded"}
    assert history.told(history.folder)["known_already"] == 2


def test_an_imported_original_expires_and_may_be_brought_in_again(shop: Shop, history: History) -> None:
    history.put(PEOPLE.name, PEOPLE.content)
    history.told(history.folder)
    shop.store.execute("UPDATE files SET archived_at = archived_at - interval '31 days'")
    shop.store.commit()
    keeping = shop.merchant.model_copy(update={"retention": Retention(archive_days=30)})
    assert delete_expired(keeping) == 1
    assert shop.run_tasks("gone", YEAR).files == ()
    assert history.told(history.folder)["imported"] == 1
    assert len(shop.run_tasks("back", YEAR).files) == 1


def test_what_was_erased_does_not_come_back_by_an_import(shop: Shop, history: History) -> None:
    shop.place(PEOPLE)
    shop.run_tasks("live")
    ada = PersonQuery("srs", "7")
    forget(shop.store, "testshop", ada, INTERFACES)
    unforget_person(shop.store, "testshop", [ada])
    older = export("srs_customers", "20170101060000", person("7", "Ada"))
    history.put(older.name, older.content)
    history.told(history.folder)
    shop.run_tasks("backfill", YEAR)
    assert scalar(shop.store, "SELECT count(*) FROM identifiers WHERE value = '7'") == 0
    newer = export("srs_customers", "20170102070000", person("7", "Ada"))
    shop.place(newer)
    shop.run_tasks("newer")
    assert scalar(shop.store, "SELECT count(*) FROM identifiers WHERE value = '7'") == 1


def test_globs_urls_and_a_day_of_ones_own(shop: Shop, history: History) -> None:
    history.put(f"x/{NUMBERED}", PEOPLE.content)
    history.put(f"x/{PEOPLE.name}", PEOPLE.content)
    memory = fsspec.filesystem("memory")
    attach("memory", fs=memory)
    memory.pipe(f"/bucket/history/{FIRST.name}", FIRST.content)
    told = history.told(history.folder / "*" / "*_17.*", "memory://bucket/history", "--day", "2017-03-01")
    assert (told["imported"], told["ignored"]) == (2, 0)
    assert [row[:3] for row in ledger_rows(shop)] == [
        (FIRST.name, 1, "2017-01-04"),
        (NUMBERED, 1, "2017-03-01"),
    ]


@pytest.mark.parametrize(
    ("place", "code"), [("nowhere", "no_such_path"), ("nosuch://bucket/x", "unknown_storage")]
)
def test_a_wrong_path_is_said_before_anything_is_imported(
    shop: Shop, history: History, place: str, code: str
) -> None:
    history.put(PEOPLE.name, PEOPLE.content)
    result = history.run(history.folder, place, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stderr)["error"]["code"] == code
    assert ledger_rows(shop) == []


def test_the_summary_for_people_names_what_is_expected_and_what_comes_next(
    shop: Shop, history: History
) -> None:
    history.put("notes.txt", b"x")
    nothing = history.run(history.folder)
    assert nothing.exit_code == 1
    assert "notes.txt" in nothing.stdout
    assert "TestShop_SRS_Purchases_<index>.zip" in nothing.stdout
    history.put(INTERFACES["srs_customers"].file_name("TestShop", "20140101"), PEOPLE.content)
    said = history.run(history.folder).stdout
    assert "Nothing is loaded yet" in said
    assert "replay testshop --since 2014-01-01 --until 2014-01-01" in said
    assert "no backfill takes days before 2015-01-01" in said
