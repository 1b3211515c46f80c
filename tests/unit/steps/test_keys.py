from __future__ import annotations

import pandas as pd
import pytest

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"
ERP = "erp_cache_customers"

NUMBER = "<CustomerNumber>{}</CustomerNumber>"
EMAIL = "<Email>{}</Email>"
BORN = "<BirthDate/><BirthDate/>"
TILL = "<ReceiptNumber>12|3</ReceiptNumber><Branch>4</Branch>"
ORDER = "<OrderNumber>W1</OrderNumber>"
MOMENT = "<DateTime>2017-01-05T10:00:00</DateTime>"
BAD_LINE = "<Lines><Line><Sku>a</Sku><Amount>x</Amount></Line></Lines>"


@pytest.fixture
def keys(read, xml):
    """The keys of the refused ones of some records."""

    def run(name, *records, **options):
        rejects = read(name, xml(name, *records), **options).frames["rejects"]
        return [None if pd.isna(key) else key for key in rejects["key"].tolist()]

    return run


def test_a_customer_is_known_by_number_else_by_email(keys):
    records = [
        NUMBER.format("007") + EMAIL.format("a@example.com") + BORN,
        NUMBER.format("0") + EMAIL.format(" A@Example.com ") + BORN,
        BORN,
    ]
    assert keys(CUSTOMERS, *records) == ["007", "a@example.com", None]


def test_a_number_that_is_itself_at_error_is_no_key(keys):
    assert keys(CUSTOMERS, NUMBER.format("1.23E+05")) == [None]


def test_an_account_is_known_by_its_number(keys):
    assert keys(ERP, "<AccountNumber>4711</AccountNumber>", "<PriceListName>A</PriceListName>") == [
        "4711",
        None,
    ]


def test_a_purchase_is_known_by_its_receipt_or_by_order_number_and_moment(keys):
    records = [TILL + MOMENT + BAD_LINE, ORDER + TILL + MOMENT + BAD_LINE, TILL + BAD_LINE]
    receipt, order = r"12\|3|4|2017-01-05T10:00:00", "W1@2017-01-05T10:00:00"
    found = keys(PURCHASES, *records)
    assert (found[0], found[1], set(found[2:])) == (receipt, order, {None})
