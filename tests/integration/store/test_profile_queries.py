"""What a profile says of itself: which rule linked each identifier, which file and record set each field."""

from __future__ import annotations

from typing import Any

import psycopg

from erp_feeds.store import queries
from support.store_feed import TESTSHOP, Feed, customer, customers, purchase

ONE, OTHER = "a@example.com", "b@example.com"
SHOP = TESTSHOP.name
CUSTOMERS = "TestShop_SRS_Customers_{}.zip"
PURCHASES = "TestShop_SRS_Purchases_{}.zip"


def linked(store: psycopg.Connection, **key: Any) -> list[tuple[Any, ...]]:
    """Type, value, rule, file and record of what leads to a profile."""
    found = queries.profile(store, SHOP, **key)
    assert found is not None
    known = queries.identifiers(store, SHOP, found.profile_id)
    return [(each.type, each.value, each.rule, each.file, each.record) for each in known]


def fields(store: psycopg.Connection, **key: Any) -> dict[str, tuple[str | None, str | None, int]]:
    """Field -> its value, and the file and record that set it."""
    found = queries.profile(store, SHOP, **key)
    assert found is not None
    rows = queries.profile_fields(store, SHOP, found.profile_id)
    return {each.field: (each.value, each.file, each.record) for each in rows}


def test_customers_1_a_known_number_keeps_the_rule_that_linked_it(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("9"), customer("1", ONE))
    before = linked(store, srs="1")
    feed.customers(2, customer("1", ONE, firstname="Ada"))
    feed.purchases(1, purchase("p1", 1, number="1"))
    assert linked(store, srs="1") == before == [("srs", "1", "customers 3", CUSTOMERS.format(1), 2)]


def test_customers_2_shows_that_the_email_was_looked_up(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    feed.customers(2, customer("2", ONE))
    feed.purchases(3, purchase("p1", 1, number="9"), purchase("p2", 1, number="3", email=ONE))
    assert linked(store, srs="1") == [
        ("srs", "1", "customers 3", CUSTOMERS.format(1), 1),
        ("srs", "2", "customers 2", CUSTOMERS.format(2), 1),
        ("srs", "3", "customers 2", PURCHASES.format(3), 2),
    ]


def test_customers_3_a_number_makes_a_profile_with_and_without_email(store: psycopg.Connection) -> None:
    Feed(store).customers(1, customer("1", ONE), customer("2"))
    assert [linked(store, srs=number)[0][2] for number in "12"] == ["customers 3", "customers 3"]


def test_customers_4_an_email_alone_finds_or_makes_a_profile(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    feed.customers(2, customer(None, ONE), customer(None, OTHER))
    assert linked(store, email=OTHER) == [("email", OTHER, "customers 4", CUSTOMERS.format(2), 2)]
    assert linked(store, email=ONE) == [
        ("srs", "1", "customers 3", CUSTOMERS.format(1), 1),
        ("email", ONE, "customers 4", CUSTOMERS.format(2), 1),
    ]


def test_customers_6_two_new_numbers_with_one_email_show_that_file_order_decided(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", ONE))
    assert [each[1:3] for each in linked(store, srs="1")] == [("1", "customers 3"), ("2", "customers 6")]
    feed.customers(2, customer("1", OTHER), customer("3", OTHER))
    assert linked(store, srs="3")[-1][1:3] == ("3", "customers 2")  # 1 has moved by then (customers 9)


def test_purchases_3_shows_that_a_purchase_made_the_profile(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(1, purchase("p1", 1, number="1"), purchase("p2", 1, email=ONE))
    assert linked(store, srs="1") == [("srs", "1", "purchases 3", PURCHASES.format(1), 1)]
    assert linked(store, email=ONE) == [("email", ONE, "purchases 3", PURCHASES.format(1), 2)]
    feed.purchases(2, purchase("p3", 1, email=ONE), purchase("p4", 1, email=ONE))
    assert linked(store, email=ONE) == [
        ("email", ONE, "purchases 3", PURCHASES.format(1), 2),
        ("email", ONE, "customers 4", PURCHASES.format(2), 1),
    ]


def test_every_field_says_which_file_and_record_set_it(store: psycopg.Connection) -> None:
    feed = Feed(store)
    street = {"custom_street": "Kerkstraat"}
    feed.customers(1, customer("1", ONE, firstname="Ada", city="Delft", newsletter=True, custom=street))
    feed.customers(3, customer("9"), customer("1", firstname="Adriana", cleared=",city,custom_street,"))
    feed.customers(2, customer("8"), customer("7"), customer("1", firstname="Late", phone="2"))
    first, third = CUSTOMERS.format(1), CUSTOMERS.format(3)
    assert fields(store, srs="1") == {
        "email": (ONE, first, 1),
        "firstname": ("Adriana", third, 2),
        "phone": ("2", CUSTOMERS.format(2), 3),
        "city": (None, third, 2),
        "newsletter": ("yes", first, 1),
        "custom_srs_customer_number": ("1", third, 2),
        "custom_street": (None, third, 2),
    }


def test_fields_come_in_their_order_and_of_one_merchant(store: psycopg.Connection) -> None:
    Feed(store).customers(1, customer("1", ONE, custom={"custom_a": "true"}, lastname="true", firstname="B"))
    assert list(fields(store, srs="1")) == [
        "email",
        "firstname",
        "lastname",
        "custom_a",
        "custom_srs_customer_number",
    ]
    assert fields(store, srs="1")["lastname"][0] == "true"
    found = queries.profile(store, SHOP, srs="1")
    assert found is not None
    assert queries.profile_fields(store, "othershop", found.profile_id) == []
    assert queries.identifiers(store, "othershop", found.profile_id) == []


def test_a_rerun_leaves_the_rules_alone(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file("srs_customers", 1)
    frames = customers(customer("1", ONE), customer("2", ONE), customer(None, OTHER))
    feed.load(file, frames)
    before = linked(store, srs="1"), linked(store, email=OTHER)
    feed.load(file, frames, "replay")
    assert (linked(store, srs="1"), linked(store, email=OTHER)) == before


def test_purchases_8_a_return_is_linked_to_its_order_whichever_came_first(store: psycopg.Connection) -> None:
    feed = Feed(store)
    back = {"order_number": "W1", "number": "1"}
    feed.purchases(1, purchase("W1-R20170105115326", -1, **back), purchase("W2", 1, number="1"))
    assert [each.return_of for each in queries.purchases(store, SHOP)] == [None, None]
    feed.purchases(2, purchase("W1", 5, **back))
    found = {each.purchase_id: each.return_of for each in queries.purchases(store, SHOP)}
    assert found == {"W1-R20170105115326": "W1", "W1": None, "W2": None}


def test_purchases_8_a_return_is_never_linked_to_a_receipt(
    store: psycopg.Connection,
) -> None:
    receipt = purchase("7|3|2017-01-05T11:53:26", 1, number="1", channel="offline")
    back = purchase("7|3|2017-01-05T11:53:26-R20170106115326", -1, number="1", order_number=receipt["key"])
    Feed(store).purchases(1, receipt, back)
    assert {each.return_of for each in queries.purchases(store, SHOP)} == {None}
