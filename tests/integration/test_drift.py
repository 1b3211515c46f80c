"""Elements that come and go with an ERP's release, as the ledger, `status` and `files` show them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from erp_feeds.cli import app
from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES
from erp_feeds.store import queries
from support.shop_fixtures import Shop


def customers(day: int, *people: str) -> Export:
    xml = "".join(f"<Customer>{person}</Customer>" for person in people)
    text = f"<Export><Customers>{xml}</Customers></Export>"
    return packed(INTERFACES["srs_customers"], "TestShop", f"2017010{day}", text.encode())


def person(number: int, *elements: str) -> str:
    return f"<CustomerNumber>{number}</CustomerNumber>" + "".join(f"<{name}>x</{name}>" for name in elements)


def people(number: int, *elements: str) -> list[str]:
    return [person(each, *elements) for each in range(100, 100 + number)]


RELEASES = (
    customers(1, *people(20, "City", "Shoe"), person(2, "City")),
    customers(2, person(1, "City", "Shoe", "Phone")),
    customers(3),
    customers(4, *people(20, "City", "Shoe"), person(2, "Shoe", "Club")),
    customers(5, *people(20, "Club", "FirstName")),
)


def drifts(store: psycopg.Connection) -> dict[str, object]:
    found = queries.files(store, "testshop")
    for each in found:  # one file by itself says the same
        assert queries.drift(store, "testshop", each.file_id).get(each.interface, {}) == each.drift
    return {each.name.rpartition("_")[2]: each.drift for each in reversed(found)}


@pytest.mark.rule("files 14")
def test_each_file_tells_what_is_unknown_new_and_gone(shop: Shop, store: psycopg.Connection) -> None:
    shop.place(*RELEASES)
    shop.run_tasks("run")
    assert drifts(store) == {
        "20170101.zip": {"unknown": {"Shoe": 20}, "new": [], "gone": []},
        "20170102.zip": {"unknown": {"Shoe": 1}, "new": [], "gone": []},
        "20170103.zip": {},
        "20170104.zip": {"unknown": {"Shoe": 21, "Club": 1}, "new": ["Club"], "gone": []},
        "20170105.zip": {"unknown": {"Club": 20}, "new": [], "gone": ["City", "Shoe"]},
    }
    (status,) = queries.status(store, "testshop")
    assert queries.drift(store, "testshop") == status.drift
    assert status.drift == {"srs_customers": {"unknown": {"Club": 20}, "new": [], "gone": ["City", "Shoe"]}}
    assert [(each.interface, each.unknown_elements) for each in status.drifting()] == [
        ("srs_customers", "Club 20, gone: City Shoe")
    ]


@pytest.mark.rule("files 14")
@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        ([(20, 10)], 20, True),
        ([(20, 9)], 20, False),  # fewer than half of its records had it
        ([(20, 20), (20, 9), (20, 20)], 20, False),
        ([(20, 20), (20, 20), (20, 9)], 20, False),
        ([(20, 0), (20, 20), (20, 20), (20, 20)], 20, True),  # only three files count
        ([(18, 18), (1, 1), (1, 1)], 20, True),
        ([(20, 20)], 19, False),  # too few records
        ([(19, 19)], 20, False),
    ],
)
def test_an_element_is_gone_only_where_it_is_missed(
    shop: Shop, store: psycopg.Connection, *, before: list[tuple[int, int]], now: int, gone: bool
) -> None:
    files = [people(records, "City") for records, _ in before]
    for records, (_, number) in zip(files, before, strict=True):
        records[:number] = people(number, "City", "Email")
    files.append(people(now, "City"))
    shop.place(*(customers(day, *records) for day, records in enumerate(files, 1)))
    shop.run_tasks("run")
    expected = {"unknown": {}, "new": [], "gone": ["Email"]} if gone else {}
    assert list(drifts(store).values()) == [{}] * len(before) + [expected]


def accounts(day: int, *records: str) -> Export:
    head = "<ImportSettings><Importer>ErpCache_Customers</Importer><Version>1.1</Version></ImportSettings>"
    xml = "".join(f"<Customer>{record}</Customer>" for record in records)
    text = f"<Import>{head}<Release>{day}</Release><Customers>{xml}</Customers></Import>"
    return packed(INTERFACES["erp_cache_customers"], "TestShop", f"2017010{day}", text.encode())


def test_a_file_in_which_no_element_is_known_tells_so_and_one_without_records_nothing(
    shop: Shop, store: psycopg.Connection
) -> None:
    good = [f"<AccountNumber>{each}</AccountNumber><PriceListName>A</PriceListName>" for each in range(20)]
    renamed = [f"<Nummer>{each}</Nummer><Prijslijst>A</Prijslijst>" for each in range(20)]
    shop.place(accounts(1, *good), accounts(2, *renamed))
    shop.run_tasks("run")
    drift = {
        "unknown": {"Import/Release": 1, "Nummer": 20, "Prijslijst": 20},
        "new": ["Nummer", "Prijslijst"],
        "gone": ["AccountNumber", "PriceListName"],
    }
    assert drifts(store)["20170102.zip"] == drift
    (status,) = queries.status(store, "testshop")
    assert status.drift == queries.drift(store, "testshop") == {"erp_cache_customers": drift}
    shop.place(accounts(3), accounts(4, *good))
    shop.run_tasks("next run")
    found = drifts(store)
    assert found["20170103.zip"] == {}
    assert found["20170104.zip"] == {"unknown": {"Import/Release": 1}, "new": [], "gone": []}


def test_people_and_machines_see_a_new_element_at_once(
    shop: Shop, store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop.place(*RELEASES[:2], RELEASES[3])
    shop.run_tasks("run")
    (tmp_path / "merchants").mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path / "merchants"))
    runner = CliRunner()
    for command in (["status"], ["files", "testshop"]):
        shown = runner.invoke(app, command)
        assert shown.exit_code == 0, shown.output
        assert "Club 1 (new), Shoe 21" in " ".join(shown.output.replace("│", " ").split()), shown.output
    told = json.loads(runner.invoke(app, ["files", "testshop", "--json"]).stdout)
    assert told[0]["drift"] == {"unknown": {"Club": 1, "Shoe": 21}, "new": ["Club"], "gone": []}


def test_a_replay_of_the_same_file_keeps_its_drift(shop: Shop, store: psycopg.Connection) -> None:
    shop.place(*RELEASES)
    shop.run_tasks("run")
    before = drifts(store)
    shop.run_tasks("replay", (date(2015, 1, 1), date(2100, 1, 1)))
    assert drifts(store) == before


def test_files_loaded_before_elements_were_tallied_say_nothing(shop: Shop, store: psycopg.Connection) -> None:
    shop.place(RELEASES[0])
    shop.run_tasks("run")
    store.execute("UPDATE files SET counts = counts - 'elements' - 'unknown'")
    store.commit()
    shop.place(RELEASES[1])
    shop.run_tasks("next run")
    assert drifts(store) == {
        "20170101.zip": {},
        "20170102.zip": {"unknown": {"Shoe": 1}, "new": [], "gone": []},
    }
