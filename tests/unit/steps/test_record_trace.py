"""What became of one record: the same answer as the counts of the steps give for the whole file."""

from __future__ import annotations

import pytest

from erp_feeds.interfaces import interface_of
from erp_feeds.steps.record_trace import StepTrace, trace_steps

CUSTOMERS, PURCHASES, ACCOUNTS = "srs_customers", "srs_purchases", "erp_cache_customers"


@pytest.fixture
def told(read, xml, merchant):
    """Follow every record of a file."""

    def tell(name: str, *records: str) -> list[StepTrace]:
        frames = read(name, xml(name, *records)).frames
        interface = interface_of(merchant, name)
        return [trace_steps(frames, number, interface, merchant) for number, _ in enumerate(records, 1)]

    return tell


def test_a_rejected_record_names_each_of_its_errors(told):
    bad = "<AccountNumber>1</AccountNumber><CashBack>x</CashBack>"
    good = "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName>"
    refused, kept = told(ACCOUNTS, bad, good)
    assert refused.fate == "rejected"
    assert sorted((error.code, error.field) for error in refused.errors) == [
        ("invalid_decimal", "cash_back"),
        ("missing_field", "price_list_name"),
    ]
    assert kept == StepTrace("kept", keys={"account_number": "1"})


def test_a_collapsed_customer_goes_by_the_last_of_its_number_or_address(told):
    number, email = "<CustomerNumber>1</CustomerNumber>", "<Email>A@Example.com</Email>"
    first, alone, last, again = told(CUSTOMERS, number + email, email, number, email.replace("A@", "a@"))
    assert (first.fate, first.into) == ("collapsed", 3)
    assert (alone.fate, alone.into) == ("collapsed", 4)
    assert last.keys["number"] == "1"
    assert again.keys == {"email": "a@example.com"}


def test_a_repeated_receipt_goes_by_its_basket_and_another_basket_has_a_suffix(told, purchase):
    till = {"ReceiptNumber": "1", "Branch": "2", "DateTime": "2017-01-01T10:00:00", "CustomerNumber": "7"}
    one, other = purchase(("a", "1.00"), **till), purchase(("b", "2.00"), **till)
    first, second, repeated, third = told(PURCHASES, one, other, other, one)
    assert first.keys["purchase_id"] == "1|2|2017-01-01T10:00:00"
    assert second.keys["purchase_id"] == "1|2|2017-01-01T10:00:00~2"
    assert (repeated.fate, repeated.into) == ("collapsed", 2)
    assert (third.fate, third.into) == ("collapsed", 1)


def test_the_last_online_order_of_a_number_stands_for_it_and_its_return_beside_it(told, purchase):
    web = {"OrderNumber": "W1", "DateTime": "2017-01-01T10:00:00", "CustomerNumber": "7"}
    order, changed = purchase(("a", "1.00"), **web), purchase(("a", "2.00"), **web)
    back = purchase(("a", "-1.00"), **web)
    stories = told(PURCHASES, order, back, changed, back)
    assert [(each.fate, each.into) for each in stories] == [
        ("collapsed", 3), ("kept", None), ("kept", None), ("collapsed", 2)
    ]  # fmt: skip
    assert stories[1].keys["purchase_id"] == "W1-R20170101100000"


def test_a_skipped_record_tells_why(told, purchase):
    nobody = purchase(("a", "1.00"), OrderNumber="W1", CustomerNumber=None)
    empty = purchase(OrderNumber="W2", CustomerNumber="7")
    assert told(PURCHASES, nobody, empty) == [
        StepTrace("skipped", code="no_identifier"),
        StepTrace("skipped", code="no_lines"),
    ]
    assert told(CUSTOMERS, "<FirstName>Ada</FirstName>") == [StepTrace("skipped", code="no_identifier")]


def test_a_record_that_is_not_in_the_file_is_no_story(read, xml, merchant):
    frames = read(CUSTOMERS, xml(CUSTOMERS, "<CustomerNumber>1</CustomerNumber>")).frames
    with pytest.raises(KeyError):
        trace_steps(frames, 2, interface_of(merchant, CUSTOMERS), merchant)
