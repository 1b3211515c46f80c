"""The demo's exports carry every receipt of the data set once, in files that the interfaces declare."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from lxml import etree

from erp_feeds.demo import exports
from erp_feeds.demo.exports import Export
from erp_feeds.interfaces import INTERFACES

SHOP = "CompleteJourney"
DAYS = 2


@pytest.fixture(scope="module")
def files() -> list[Export]:
    return list(exports.exports(SHOP, DAYS))


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return exports.receipts(DAYS)


def records(export: Export) -> list[etree._Element]:
    interface = INTERFACES[export.interface]
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        (member,) = archive.namelist()
        assert member == export.name.replace(".zip", ".xml")
        root = etree.fromstring(archive.read(member))
    return root.findall("/".join(interface.record_path[1:]))


def of(files: list[Export], interface: str) -> Iterator[Export]:
    return (export for export in files if export.interface == interface)


def test_a_day_has_a_customers_and_a_purchases_file_whose_index_is_that_day(files: list[Export]) -> None:
    assert [(export.interface, export.day) for export in files] == [
        ("srs_customers", date(2017, 1, 1)),
        ("srs_purchases", date(2017, 1, 1)),
        ("srs_customers", date(2017, 1, 2)),
        ("srs_purchases", date(2017, 1, 2)),
    ]
    for export in files:
        name = INTERFACES[export.interface].match(export.name)
        assert name is not None
        assert (name.shop_name, name.day()) == (SHOP, export.day)


def test_every_household_of_the_day_is_in_the_customers_file_once(
    files: list[Export], lines: pd.DataFrame
) -> None:
    for export in of(files, "srs_customers"):
        numbers = [record.findtext("CustomerNumber") for record in records(export)]
        wanted = lines.loc[lines["day"] == export.day, "household_id"].unique()
        assert sorted(map(int, filter(None, numbers))) == sorted(wanted)


def test_every_line_and_cent_of_the_day_is_in_the_purchases_file(
    files: list[Export], lines: pd.DataFrame
) -> None:
    for export in of(files, "srs_purchases"):
        today = lines[lines["day"] == export.day]
        found = records(export)
        amounts = [
            Decimal(amount.text or "") for record in found for amount in record.iterfind("Lines/Line/Amount")
        ]
        assert len(found) == today["basket_id"].nunique()
        assert len(amounts) == len(today)
        assert sum(amounts) == Decimal(str(round(today["sales_value"].sum(), 2)))


def test_a_receipt_says_who_bought_where_and_when(files: list[Export]) -> None:
    first = records(next(of(files, "srs_purchases")))[0]
    values = {child.tag: child.text for child in first if child.tag != "Lines"}
    assert values == {
        "ReceiptNumber": "31198570044",
        "Branch": "330",
        "DateTime": "2017-01-01T11:53:26",
        "CustomerNumber": "900",
        "Currency": "USD",
    }
    assert {child.tag: child.text for child in first.find("Lines/Line")} == {
        "Sku": "1095275",
        "Description": "ROLLS: BAGELS",
        "Quantity": "1",
        "Amount": "0.50",
    }


def test_names_are_known_without_building_the_files(files: list[Export]) -> None:
    assert exports.export_names(SHOP, DAYS) == [export.name for export in files]


def test_the_same_export_has_the_same_bytes(files: list[Export]) -> None:
    assert next(exports.exports(SHOP, 1)) == files[0]


def test_the_year_ends_with_the_receipts_of_new_years_night() -> None:
    names = exports.export_names(SHOP, 365)
    assert names[-1] == "CompleteJourney_SRS_Purchases_20171231235900.zip"
    assert len(names) == 2 * 364  # closed on Christmas Day


@pytest.mark.parametrize(("days", "count"), [(0, 0), (1, 1), (31, 31), (365, 365), (400, 365)])
def test_a_demo_has_at_most_the_days_of_the_year(days: int, count: int) -> None:
    assert len(exports.export_days(days)) == count
