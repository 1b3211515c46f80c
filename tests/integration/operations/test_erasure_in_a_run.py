"""Forgetting a person whose files lie in the archive: the command, the line, and a backfill of everything."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from erp_feeds.cli import app
from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES
from erp_feeds.store import audit
from support.merchants import facts_of
from support.shop_files import account, export
from support.shop_fixtures import Shop
from support.store_feed import TABLES, dump, scalar

JANUARY = (date(2017, 1, 1), date(2017, 2, 1))
PERSONAL = ("Adelheid", "adelheid@example.com", "847110035", "847120035", "0205550100")
MERCHANT_FILE = json.dumps(facts_of(excluded_emails=["kassa@example.com"]))


def elements(**fields: str) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())


def customers(day: str, *records: dict[str, str]) -> Export:
    inner = "".join(f"<Customer>{elements(**record)}</Customer>" for record in records)
    xml = f"<Export><Customers>{inner}</Customers></Export>"
    return packed(INTERFACES["srs_customers"], "TestShop", day, xml.encode())


def purchases(day: str, *records: dict[str, str]) -> Export:
    lines = "<Lines><Line><Sku>a</Sku><Amount>1.00</Amount></Line></Lines>"
    inner = "".join(f"<Purchase>{elements(**record)}{lines}</Purchase>" for record in records)
    xml = f"<Export><Purchases>{inner}</Purchases></Export>"
    return packed(INTERFACES["srs_purchases"], "TestShop", day, xml.encode())


ADA = {
    "CustomerNumber": "847110035",
    "Email": "Adelheid@Example.com",
    "FirstName": "Adelheid",
    "Phone": "0205550100",
}
BOB = {"CustomerNumber": "5", "Email": "bob@example.com", "FirstName": "Bob"}
BOUGHT = {"DateTime": "2017-01-04T10:00:00"}
HISTORY = (
    customers("20170101", ADA, BOB),
    customers("20170102", {**ADA, "CustomerNumber": "847120035"}, {**BOB, "Email": ADA["Email"]}),
    customers("20170103", {**ADA, "City": "<b>Delft</b>"}, {"Email": ADA["Email"], "City": "Delft"}),
    purchases("20170104", {**BOUGHT, "OrderNumber": "W1", "CustomerNumber": "847110035"}),
    purchases("20170105", {**BOUGHT, "OrderNumber": "W2", "Email": ADA["Email"]}),
    purchases("20170106", {**BOUGHT, "OrderNumber": "W3", "CustomerNumber": "5"}),
)


class Desk:
    """The operator's command line."""

    def __init__(self, runner: CliRunner) -> None:
        self._runner = runner

    def forget(self, *options: str, answer: str | None = None) -> Result:
        return self._runner.invoke(app, ["forget", "testshop", *options], input=answer)

    def unforget(self, *options: str) -> Result:
        return self._runner.invoke(app, ["unforget", "testshop", *options])

    def told(self, *options: str) -> Any:
        result = self.forget(*options, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def desk(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The command line beside a shop whose history is loaded."""
    folder = tmp_path / "merchants"
    folder.mkdir()
    (folder / "testshop.yaml").write_text(MERCHANT_FILE, "utf-8")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    shop.place(*HISTORY)
    shop.run_tasks("first")
    return Desk(CliRunner())


def stored(shop: Shop) -> str:
    """Every row as one text, with the transaction that wrote it; the counts of the ledger may change."""
    shop.store.commit()
    tables = tuple(table for table in TABLES if table != "files")
    return json.dumps(dump(shop.store, (*tables, "suppressed")))


def test_forget_and_a_backfill_of_everything(
    shop: Shop, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    assert all(personal in stored(shop) for personal in PERSONAL)
    with caplog.at_level(logging.DEBUG):
        receipt = desk.told("--email", " Adelheid@EXAMPLE.com", "--yes")
        assert receipt["erased"] == {
            "profiles": 1,
            "identifiers": 2,
            "email_matches": 2,
            "email_conflicts": 1,
            "purchases_made_anonymous": 2,
            "reject_payloads": 1,
            "identifiers_suppressed": 3,
        }
        before = stored(shop)
        batch = shop.run_tasks("backfill", JANUARY)
        again = shop.run_tasks("backfill again", JANUARY)
    assert stored(shop) == before
    assert not [personal for personal in PERSONAL if personal in before + caplog.text + json.dumps(receipt)]
    left_out = [file.counts.skipped.get("suppressed", 0) for file in batch.files]
    assert left_out == [1, 1, 1, 1, 1, 0]
    assert [file.counts for file in again.files] == [file.counts for file in batch.files]
    for file in batch.files:
        counts = file.counts
        assert counts.read == counts.loaded + sum(counts.skipped.values()) + sum(counts.rejected.values())
    assert scalar(shop.store, "SELECT sum(total)::text FROM purchases") == "3.00"
    assert scalar(shop.store, "SELECT count(*) FROM profiles") == 1


def test_the_audit_says_that_a_person_was_forgotten_and_let_back_without_the_person(
    shop: Shop, desk: Desk
) -> None:
    desk.told("--srs", "847110035", "--dry-run")
    desk.told("--srs", "847110035", "--yes")
    assert desk.unforget("--srs", "847110035", "--srs", "847120035").exit_code == 0
    assert [(each.action, each.subject) for each in audit.listed(shop.store, "testshop")] == [
        ("suppression lifted", "2 values"),
        ("person forgotten", "by srs"),
    ]


def test_a_new_file_about_the_suppressed_loads_the_others(shop: Shop, desk: Desk) -> None:
    desk.told("--srs", "847120035", "--yes")
    shop.place(customers("20170201", ADA, {**BOB, "City": "Delft"}, {"CustomerNumber": "6"}))
    (file,) = shop.run_tasks("february").files
    assert (file.counts.loaded, file.counts.skipped) == (2, {"suppressed": 1})
    assert scalar(shop.store, "SELECT city FROM profiles WHERE firstname = 'Bob'") == "Delft"


def test_the_command_asks_first(shop: Shop, desk: Desk) -> None:
    before = stored(shop)
    asked = desk.forget("--srs", "847110035", answer="n\n")
    assert asked.exit_code == 1
    assert "Would be erased from testshop" in asked.stdout
    assert "Forget this person for good?" in asked.stdout
    assert stored(shop) == before
    answered = desk.forget("--srs", "847110035", answer="y\n")
    assert answered.exit_code == 0
    assert "Erased from testshop" in answered.stdout
    assert HISTORY[0].name in answered.stdout
    assert not [personal for personal in PERSONAL if personal in stored(shop) + answered.stdout]


def test_a_dry_run_erases_nothing(shop: Shop, desk: Desk) -> None:
    before = stored(shop)
    told = desk.told("--srs", "847110035", "--dry-run")
    assert stored(shop) == before
    assert told["dry_run"] is True
    assert [each["file"] for each in told["originals"]] == [export.name for export in HISTORY[:5]]


def test_placeholders_are_nobody(shop: Shop, desk: Desk) -> None:
    for options in (["--srs", "0"], ["--email", "KASSA@example.com"]):
        result = desk.forget(*options, "--yes")
        assert result.exit_code == 1
        assert result.stderr == "error: this value means 'no customer' in the files of testshop\n"


def test_a_profile_of_the_erased_is_not_found(shop: Shop, desk: Desk) -> None:
    desk.told("--srs", "847110035", "--yes")
    runner = CliRunner()
    assert runner.invoke(app, ["profile", "testshop", "--srs", "847110035"]).exit_code == 1
    orders = json.loads(runner.invoke(app, ["orders", "testshop", "--json"]).stdout)
    assert [(each["purchase_id"], each["profile_id"] is None) for each in orders] == [
        ("W1", True),
        ("W2", True),
        ("W3", False),
    ]


def test_a_search_of_the_archive_lists_what_no_row_remembers(shop: Shop, desk: Desk) -> None:
    shop.place(
        customers("20170107", {**BOB, "City": "Delft"}),
        customers("20170108", {"CustomerNumber": "847110035", "FirstName": "Ada", "Phone": "1"}),
        customers("20170109", {"CustomerNumber": "847110035", "FirstName": "Adelheid", "Phone": "2"}),
        customers("20170110", {**BOB, "FirstName": "847110035", "Phone": "847110035"}),
    )
    shop.place(
        export("erp_cache_customers", "20170106", account("847110035")),
        export("erp_cache_customers", "20170112", account("9", Contact="adelheid@example.com")),
    )
    broken = customers("20170111", BOB)
    shop.place(Export(broken.interface, broken.name, broken.day, broken.content.replace(b"PK", b"XX")))
    shop.run_tasks("more")
    known = desk.told("--srs", "847120035", "--dry-run")["originals"]
    assert "TestShop_SRS_Customers_20170108.zip" not in {each["file"] for each in known}
    found = desk.told("--srs", "847120035", "--search-archive", "--yes")["originals"]
    added = {each["file"][-12:-4]: each["found_by"] for each in found if each not in known}
    assert added == {"20170108": "search", "20170111": "unreadable", "20170112": "search"}
    again = desk.told("--srs", "847120035", "--search-archive", "--yes")["originals"]
    assert {each["file"][-12:-4] for each in again} == {"20170102", "20170111"}


def test_the_command_that_brings_back_tells_no_personal_data(shop: Shop, desk: Desk) -> None:
    shop.place(*HISTORY)
    shop.run_tasks("run")
    desk.forget("--srs", "847110035", "--yes")
    numbers = ["--srs", "847110035", "--srs", "847120035"]
    named = [*numbers, "--email", " Adelheid@example.com", "--email", "x@y.nl"]
    shown = desk.unforget(*named)
    assert shown.exit_code == 0, shown.output
    assert "replay it" in shown.stdout
    assert not [each for each in PERSONAL if each in shown.output.lower() or each in shown.output]
    told = json.loads(desk.unforget(*named, "--json").stdout)
    assert told == {"merchant": "testshop", "named": 4, "unsuppressed": 0}
    shop.run_tasks("backfill", JANUARY)
    assert not [each for each in PERSONAL if each in stored(shop)]
    shop.place(customers("20170201", ADA))
    shop.run_tasks("next run")
    assert [each for each in PERSONAL if each in stored(shop)]
