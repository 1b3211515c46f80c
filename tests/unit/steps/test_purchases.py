from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

PURCHASES = "srs_purchases"


@pytest.fixture
def one(process):
    """Walk one purchase to the end and return its row."""

    def run(record, **options):
        return process(PURCHASES, record, **options).frames["purchases"].iloc[0]

    return run


LINE = ("a", "1.00")


def test_purchases_1_online_by_order_number_offline_by_receipt_branch_and_time(one, purchase):
    online = one(purchase(LINE, OrderNumber="W1"))
    assert (online["purchase_id"], online["channel"]) == ("W1", "online")
    offline = one(purchase(LINE))
    assert (offline["purchase_id"], offline["channel"]) == ("17|3|2017-01-05T11:53:26", "offline")


def test_purchases_1_ids_never_meet(process, purchase):
    parts = [
        ("1|23", "4"),
        ("1", "23|4"),
        ("12", "3"),
        ("1", "23"),
        ("1\\", "|2"),
        ("1\\|", "2"),
        ("1", "\\|2"),
    ]
    frame = process(PURCHASES, *(purchase(LINE, ReceiptNumber=a, Branch=b) for a, b in parts)).frames[
        "purchases"
    ]
    assert frame["purchase_id"].nunique() == len(parts)
    assert frame["purchase_id"][0] == r"1\|23|4|2017-01-05T11:53:26"


@pytest.mark.parametrize(
    ("amounts", "kind", "total"),
    [
        (["-1.00"], "return", "-1.00"),
        (["-1.00", "-2.50"], "return", "-3.50"),
        (["0", "-1.00"], "return", "-1.00"),
        (["1.00", "-5.00"], "order", "-4.00"),
        (["1.00", "0.00"], "order", "1.00"),
        (["0"], "order", "0.00"),
        (["0.10"] * 3, "order", "0.30"),
    ],
)
def test_purchases_2_the_signs_of_the_lines_decide(one, purchase, amounts, kind, total):
    row = one(purchase(*((str(n), amount) for n, amount in enumerate(amounts))))
    assert (row["kind"], row["total"], row["line_count"]) == (kind, Decimal(total), len(amounts))


def test_purchases_9_excluded_skus_do_not_decide_but_count_in_the_total(one, purchase, make_merchant):
    owner = make_merchant({PURCHASES: {"excluded_skus": ["deposit", "voucher"]}})
    row = one(purchase(("deposit", "0.25"), ("a", "-3.00")), owner=owner)
    assert (row["kind"], row["total"], row["line_count"]) == ("return", Decimal("-2.75"), 2)
    assert one(purchase(("voucher", "-5.00"), ("a", "3.00")), owner=owner)["kind"] == "order"
    assert one(purchase(("voucher", "-5.00")), owner=owner)["kind"] == "return"
    assert one(purchase(("voucher", "-5.00"), ("deposit", "1.00")), owner=owner)["kind"] == "order"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("2017-01-05T11:53:26", "20170105115326"),
        ("2017-01-05 11:53", "20170105115300"),
        ("2017-01-05", "20170105000000"),
        ("2017-01-05T11:53:26.123+01:00", "20170105115326"),
        ("2017-01-05T11:53Z", "20170105115300"),
        ("2017-01-05T11:53:26-0500", "20170105115326"),
    ],
)
def test_purchases_8_a_return_with_an_order_number_has_an_id_of_its_own(one, purchase, text, digits):
    row = one(purchase(("a", "-1.00"), OrderNumber="W1", DateTime=text))
    assert (row["purchase_id"], row["order_number"], row["kind"]) == (f"W1-R{digits}", "W1", "return")


@pytest.mark.parametrize(
    ("text", "moment", "warnings"),
    [
        ("2017-07-05T11:53", datetime(2017, 7, 5, 9, 53, tzinfo=UTC), {}),
        ("2017-01-05", datetime(2017, 1, 4, 23, 0, tzinfo=UTC), {}),
        ("2017-01-05T11:53:26.1234567Z", datetime(2017, 1, 5, 11, 53, 26, 123456, tzinfo=UTC), {}),
        ("2017-01-05 11:53-05:00", datetime(2017, 1, 5, 16, 53, tzinfo=UTC), {}),
        ("2017-10-29T02:30", datetime(2017, 10, 29, 0, 30, tzinfo=UTC), {"ambiguous_time": 1}),
        ("2017-10-29T02:30+01:00", datetime(2017, 10, 29, 1, 30, tzinfo=UTC), {}),
        ("2017-03-26T02:30", datetime(2017, 3, 26, 1, 0, tzinfo=UTC), {"nonexistent_time": 1}),
    ],
)
def test_purchases_5_moments_in_the_merchants_zone(process, purchase, text, moment, warnings):
    outcome = process(PURCHASES, purchase(LINE, OrderNumber="W1", DateTime=text))
    row = outcome.frames["purchases"].iloc[0]
    assert (row["occurred_at"].to_pydatetime(), row["local_time"]) == (moment, text)
    assert outcome.counts.warnings == warnings


def test_currencies_and_quantities_have_defaults(process, purchase):
    outcome = process(
        PURCHASES,
        purchase(LINE, OrderNumber="1"),
        purchase(LINE, OrderNumber="2", Currency="usd"),
        purchase(LINE, OrderNumber="3", Currency="euro"),
    )
    assert outcome.frames["purchases"]["currency"].tolist() == ["EUR", "USD", "EUR"]
    assert outcome.counts.warnings == {"unknown_value:currency": 1}
    assert outcome.frames["lines"]["quantity"].tolist() == [Decimal(1)] * 3


def test_the_hash_is_of_the_content_alone(one, purchase):
    first = one(purchase(LINE, OrderNumber="W1"))["content_hash"]
    assert first == one(purchase(LINE, OrderNumber="W2", ReceiptNumber="9"))["content_hash"]
    # A new hash would rewrite every purchase of every merchant.
    assert first == "548a68a1b6699dea4ff741403bfb0f97fb994d998d2a3df826fe2991a50b60ee"
    assert first == one(purchase(LINE, OrderNumber="W1", CustomerNumber="1002"))["content_hash"]
    assert first == one(purchase(LINE, OrderNumber="W1", Email="a@b.nl"))["content_hash"]
    others = [
        purchase(("b", "1.00"), OrderNumber="W1"),
        purchase(("a", "1.01"), OrderNumber="W1"),
        purchase(LINE, LINE, OrderNumber="W1"),
        purchase(LINE, OrderNumber="W1", Currency="USD"),
        purchase(LINE, OrderNumber="W1", DateTime="2017-01-05T11:53:27"),
    ]
    hashes = {one(other)["content_hash"] for other in others}
    assert len(hashes | {first}) == len(others) + 1
