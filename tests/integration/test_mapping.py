"""A merchant's own mapping, from the FTPS server to the rows: overrides, extras, clearing, unlinking."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from erp_feeds.cli import app
from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES, mapping_of
from erp_feeds.merchant_file import read_merchant
from erp_feeds.store import queries
from support.shop_fixtures import Shop
from support.store_feed import dump, scalar

CUSTOMERS, PURCHASES = "srs_customers", "srs_purchases"
JANUARY = (date(2017, 1, 1), date(2017, 2, 1))

MAPPINGS: dict[str, dict[str, Any]] = {
    CUSTOMERS: {
        "extra_elements": ["LoyaltyCard", "MayCall"],
        "mapping": {
            "firstname": {"join": ["first_name", "infix"]},
            "lastname": {"from": "last_name"},
            "birthdate": {"from": "birth_date", "date_form": "%d-%m-%Y"},
            "city": {"from": "city", "empty": "clear"},
            "marketing": {"from": "MayCall"},
            "custom_loyalty": {"from": "LoyaltyCard", "empty": "clear"},
            "phone": None,
        },
    },
    PURCHASES: {
        "extra_elements": ["Cashier"],
        "mapping": {
            "currency": None,
            "products.name": {"join": ["description", "sku"]},
            "custom_cashier": {"from": "Cashier"},
            "custom_till": {"from": "branch"},
        },
    },
}
ADA = {
    "CustomerNumber": "1001",
    "FirstName": "Ada",
    "Infix": "van",
    "LastName": "Dijk",
    "BirthDate": "12-04-1985",
    "Phone": "020 5550100",
    "City": "Delft",
    "Newsletter": "ja",
    "MayCall": "nee",
    "LoyaltyCard": 'A "1"',
}
RECEIPT = {
    "ReceiptNumber": "17",
    "Branch": "3",
    "DateTime": "2017-01-05T11:53:26",
    "CustomerNumber": "1001",
    "Currency": "USD",
    "Cashier": "Bob",
    "Lines": "<Line><Sku>95</Sku><Description>Bread</Description><Amount>1.00</Amount></Line>",
}


def export(interface: str, day: int, *records: dict[str, str]) -> Export:
    root, container, record = INTERFACES[interface].record_path
    rows = ("".join(f"<{name}>{text}</{name}>" for name, text in each.items()) for each in records)
    inner = "".join(f"<{record}>{row}</{record}>" for row in rows)
    xml = f"<{root}><{container}>{inner}</{container}></{root}>"
    return packed(INTERFACES[interface], "TestShop", f"201701{day:02d}060000", xml.encode())


def use(shop: Shop, folder: Path, mappings: dict[str, Any]) -> None:
    """Give the shop these mappings the way a merchant does: by its file, which is read and checked."""
    data = shop.merchant.model_dump(mode="json", exclude_defaults=True)
    data["interfaces"] = {name: mappings.get(name, {}) for name in INTERFACES}
    path = folder / "testshop.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    shop.merchant = read_merchant(path)


def ada(store: psycopg.Connection) -> queries.Profile:
    found = queries.profile(store, "testshop", srs="1001")
    assert found is not None
    return found


def receipt(store: psycopg.Connection) -> tuple[queries.Purchase, list[queries.PurchaseLine]]:
    (found,) = queries.purchases(store, "testshop")
    return found, queries.lines(store, "testshop", [found.purchase_id])[found.purchase_id]


def test_a_mapping_fills_profiles(shop: Shop, tmp_path: Path) -> None:
    use(shop, tmp_path, MAPPINGS)
    shop.place(export(CUSTOMERS, 1, ADA))
    assert shop.report(shop.run_tasks("run1"))["loaded"] == 1
    found = ada(shop.store)
    assert (found.firstname, found.lastname, found.birthdate) == ("Ada van", "Dijk", date(1985, 4, 12))
    assert (found.phone, found.city) == (None, "Delft")
    assert (found.newsletter, found.marketing, found.service) == (True, False, None)
    assert found.custom == {"custom_srs_customer_number": "1001", "custom_loyalty": 'A "1"'}
    assert found.mapping_version == mapping_of(shop.merchant, CUSTOMERS).version

    empty = {"CustomerNumber": "1001", "City": "", "FirstName": "", "Infix": "", "LoyaltyCard": ""}
    shop.place(export(CUSTOMERS, 2, empty))
    shop.report(shop.run_tasks("run2"))
    found = ada(shop.store)
    assert found.city is None  # rule: customers 10, only where the mapping says so
    assert found.firstname == "Ada van"
    assert found.custom == {"custom_srs_customer_number": "1001"}


def test_a_mapping_fills_purchases(shop: Shop, tmp_path: Path) -> None:
    use(shop, tmp_path, MAPPINGS)
    shop.place(export(PURCHASES, 1, RECEIPT))
    shop.report(shop.run_tasks("run1"))
    found, (line,) = receipt(shop.store)
    version = mapping_of(shop.merchant, PURCHASES).version
    assert (found.currency, line.description) == ("EUR", "Bread 95")
    assert found.custom == {"custom_cashier": "Bob", "custom_till": "3"}
    assert found.mapping_version == version
    assert ada(shop.store).mapping_version == version  # made by the purchase
    assert scalar(shop.store, "SELECT custom->>'custom_cashier' FROM orders") == "Bob"


def test_a_replay_rewrites_only_after_a_change_of_the_mapping(shop: Shop, tmp_path: Path) -> None:
    shop.place(export(PURCHASES, 1, {**RECEIPT, "ReceiptNumber": "16", "CustomerNumber": "2"}))
    shop.place(export(CUSTOMERS, 1, {**ADA, "BirthDate": "1985-04-12"}), export(PURCHASES, 2, RECEIPT))
    shop.report(shop.run_tasks("run1"))
    before = dump(shop.store)
    assert ada(shop.store).phone == "0205550100"
    shop.run_tasks("same", JANUARY)
    assert dump(shop.store) == before

    changed = json.loads(json.dumps(MAPPINGS))
    del changed[CUSTOMERS]["mapping"]["birthdate"]
    use(shop, tmp_path, changed)
    shop.run_tasks("changed", JANUARY)
    found, (bought, line) = ada(shop.store), (queries.purchases(shop.store, "testshop")[0], _line(shop.store))
    assert (found.firstname, found.custom["custom_loyalty"]) == ("Ada van", 'A "1"')
    assert found.phone == "0205550100"  # unlinking stops filling and empties nothing
    assert (bought.currency, bought.custom["custom_cashier"], line) == ("EUR", "Bob", "Bread 95")
    versions = [mapping_of(shop.merchant, name).version for name in (CUSTOMERS, PURCHASES)]
    profiles = shop.store.execute("SELECT mapping_version FROM profiles ORDER BY profile_id DESC").fetchall()
    assert sorted(profiles) == sorted((version,) for version in versions)
    assert scalar(shop.store, "SELECT DISTINCT mapping_version FROM purchases") == versions[1]

    after = dump(shop.store)
    shop.run_tasks("changed again", JANUARY)
    assert dump(shop.store) == after


def _line(store: psycopg.Connection) -> str:
    return str(scalar(store, "SELECT DISTINCT description FROM purchase_lines"))


def test_an_older_file_fills_a_gap_but_not_the_version(shop: Shop, tmp_path: Path) -> None:
    shop.place(export(CUSTOMERS, 5, {"CustomerNumber": "1001", "City": "Delft"}))
    shop.run_tasks("run1")
    first = ada(shop.store).mapping_version
    use(shop, tmp_path, MAPPINGS)
    shop.place(export(CUSTOMERS, 2, {"CustomerNumber": "1001", "LastName": "Dijk", "City": "Leiden"}))
    shop.run_tasks("run2")
    found = ada(shop.store)
    assert (found.city, found.lastname) == ("Delft", "Dijk")
    assert found.mapping_version == first  # of the newest write, as the file and the record are


@pytest.fixture
def told(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a command tells machines, of the shop with two mappings in its history."""
    shop.place(export(CUSTOMERS, 1, {"CustomerNumber": "2", "City": "Delft"}))
    shop.run_tasks("run1")
    use(shop, tmp_path, MAPPINGS)
    shop.place(export(CUSTOMERS, 2, ADA), export(PURCHASES, 2, RECEIPT))
    shop.run_tasks("run2")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        assert CliRunner().invoke(app, list(arguments)).exit_code == 0
        return json.loads(result.stdout)

    return run


def test_the_commands_tell_which_mapping_filled_a_row(shop: Shop, told: Any) -> None:
    answer = told("mapping", "testshop", "--rows")
    versions = {each["interface"]: each["version"] for each in answer["mappings"]}
    assert versions == {name: mapping_of(shop.merchant, name).version for name in (CUSTOMERS, PURCHASES)}
    assert told("profile", "testshop", "--srs", "1001")["mapping_version"] == versions[CUSTOMERS]
    assert told("orders", "testshop")[0]["mapping_version"] == versions[PURCHASES]
    rows = [
        (row["table"], row["interface"], row["version"] in versions.values(), row["rows"])
        for row in answer["rows"]
    ]
    assert rows == [
        ("profiles", CUSTOMERS, True, 1),
        ("profiles", CUSTOMERS, False, 1),
        ("purchases", PURCHASES, True, 1),
    ]
    newest, oldest = (row["links"] for row in answer["rows"][:2])
    assert {"custom_loyalty"} == {link["target"] for link in newest if link["sources"] == ["LoyaltyCard"]}
    assert next(link for link in oldest if link["target"] == "phone")["sources"] == ["phone"]
