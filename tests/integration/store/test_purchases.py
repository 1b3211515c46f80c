"""SRS purchases in the real store: whose they are, what changes them, by rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from erp_feeds.codes import RejectCode, WarningCode
from support.store_feed import TESTSHOP, Feed, customer, dump, frame, profiles, purchase, purchases, scalar

ONE, OTHER = "a@example.com", "b@example.com"


def stored(store: psycopg.Connection, *columns: str) -> list[tuple[Any, ...]]:
    return store.execute(f"SELECT purchase_id, {', '.join(columns)} FROM purchases ORDER BY 1").fetchall()


def owners(store: psycopg.Connection) -> dict[str, int]:
    return dict(stored(store, "profile_id"))


def test_a_purchase_and_its_lines_arrive(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    counts = feed.purchases(1, purchase("p1", 3.98, -1, number="1"), purchase("p2", -5, number="1"))
    assert stored(store, "kind", "total", "line_count") == [
        ("p1", "order", Decimal("2.98"), 2),
        ("p2", "return", Decimal("-5.00"), 1),
    ]
    lines = store.execute(
        "SELECT purchase_id, line_no, sku, amount FROM purchase_lines ORDER BY 1, 2"
    ).fetchall()
    assert lines == [
        ("p1", 1, "sku1", Decimal("3.98")),
        ("p1", 2, "sku2", Decimal("-1.00")),
        ("p2", 1, "sku1", Decimal("-5.00")),
    ]
    assert scalar(store, "SELECT count(*) FROM orders") == 1
    assert scalar(store, "SELECT count(*) FROM returns") == 1
    assert counts.loaded == 2
    assert set(owners(store).values()) == {profiles(store, "profile_id")["1"]}


def test_purchases_3_unknown_number_creates_a_profile(store: psycopg.Connection) -> None:
    counts = Feed(store).purchases(1, purchase("p1", 1, number="77"), purchase("p2", 1, number="77"))
    custom = {"custom_srs_customer_number": "77"}
    assert profiles(store, "email", "custom", "sequence") == {"77": (None, custom, 0)}
    assert scalar(store, "SELECT count(*) FROM profiles") == 1
    assert counts.warnings == {WarningCode.NO_EMAIL: 1}


def test_purchases_3_unknown_number_joins_the_owner_of_its_email(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    feed.purchases(1, purchase("p2", 1, number="2", email=ONE), purchase("p3", 1, number="2"))
    ids = profiles(store, "profile_id")
    assert ids["1"] == ids["2"]
    assert set(owners(store).values()) == {ids["1"]}


def test_purchases_4_number_wins_over_email(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2", OTHER))
    feed.purchases(1, purchase("p1", 1, number="1", email=OTHER))
    assert owners(store) == {"p1": profiles(store, "profile_id")["1"]}
    assert profiles(store, "email") == {"1": ONE, "2": OTHER}


def test_email_only_purchases_share_one_new_profile(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(
        1,
        purchase("p1", 1, email=ONE),
        purchase("p2", 1, email=ONE),
        purchase("p3", 1, number="5", email=ONE),
    )
    assert len(set(owners(store).values())) == 1
    assert profiles(store, "email", "custom") == {"5": (ONE, {"custom_srs_customer_number": "5"})}


def test_purchases_12_a_purchase_fills_an_empty_email_and_number_once(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", None, firstname="Ada"), customer(None, OTHER))
    file = feed.file("srs_purchases", 9)
    frames = purchases(purchase("p1", 1, number="1", email=ONE), purchase("p2", 1, number="2", email=OTHER))
    feed.load(file, frames)
    assert profiles(store, "email", "custom", "firstname") == {
        "1": (ONE, {"custom_srs_customer_number": "1"}, "Ada"),
        "2": (OTHER, {"custom_srs_customer_number": "2"}, None),
    }
    before = dump(store)
    feed.load(file, frames)
    assert dump(store) == before


def test_purchases_12_a_purchase_never_replaces_a_value_nor_takes_an_owned_one(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE), customer("2"), customer("3", OTHER))
    before = dump(store, ("profiles",))
    feed.purchases(
        9,
        purchase("p1", 1, number="1", email="new@example.com"),
        purchase("p2", 1, number="2", email=OTHER),
        purchase("p3", 1, number="4", email=ONE),
    )
    assert dump(store, ("profiles",)) == before


def test_purchases_12_of_several_wishes_the_earlier_record_is_met(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1"), customer("2"), customer("3"))
    file = feed.file("srs_purchases", 2)
    frames = purchases(
        purchase("p1", 1, number="1", email="a@x.nl"),
        purchase("p2", 1, number="1", email="b@x.nl"),
        purchase("p3", 1, number="2", email="b@x.nl"),
        purchase("p4", 1, number="3", email="a@x.nl"),
    )
    feed.load(file, frames)
    assert profiles(store, "email") == {"1": "a@x.nl", "2": "b@x.nl", "3": None}
    before = dump(store)
    feed.load(file, frames)
    assert dump(store) == before


@pytest.mark.parametrize("index", [1, 9])
def test_purchases_12_any_customers_file_replaces_what_a_purchase_filled(
    store: psycopg.Connection, index: int
) -> None:
    feed = Feed(store)
    feed.customers(5, customer("1", None, firstname="Ada"))
    feed.purchases(7, purchase("p1", 1, number="1", email=ONE))
    feed.customers(index, customer("1", OTHER))
    assert profiles(store, "email", "firstname") == {"1": (OTHER, "Ada")}


def test_purchases_6_same_content_changes_nothing_but_the_version(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(1, purchase("p1", 1, number="1"))
    before = stored(store, "updated_at", "content_hash")
    feed.purchases(3, purchase("p1", 1, number="1"))
    assert stored(store, "updated_at", "content_hash") == before
    feed.purchases(2, purchase("p1", 2, 3, number="1"))
    assert stored(store, "updated_at", "content_hash") == before
    assert scalar(store, "SELECT sum(amount) FROM purchase_lines") == 1


def test_purchases_6_newer_content_replaces_purchase_and_lines(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(1, purchase("p1", 1, 2, 3, number="1"), purchase("p2", 4, number="1"))
    feed.purchases(2, purchase("p1", 5, number="1"))
    assert stored(store, "total", "line_count") == [("p1", Decimal("5.00"), 1), ("p2", Decimal("4.00"), 1)]
    assert scalar(store, "SELECT array_agg(amount ORDER BY 1) FROM purchase_lines") == [
        Decimal(4),
        Decimal(5),
    ]


def test_purchases_6_files_of_a_new_merchant_take_no_quadratic_time(store: psycopg.Connection) -> None:
    """PostgreSQL, whose statistics know another merchant alone, expected one row of it: minutes."""
    other = Feed(store, TESTSHOP.model_copy(update={"name": "other"}))
    other.purchases(1, *(purchase(str(number), 5.0, number=str(number)) for number in range(200)))
    store.execute("ANALYZE")
    store.execute("SET statement_timeout = '8s'")
    store.commit()
    feed = Feed(store)
    names = [str(number) for number in range(20_000)]
    for index in (1, 2):
        feed.purchases(index, *(purchase(each, 5.0, 3.0, number=each, channel="offline") for each in names))
    assert scalar(store, "SELECT sum(amount) FROM purchase_lines WHERE merchant = 'testshop'") == 8 * 20_000


def test_purchases_6_offline_class_flip_is_rejected(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(1, purchase("p1", 1, number="1", channel="offline"), purchase("o1", 1, number="1"))
    file = feed.file("srs_purchases", 2)
    frames = purchases(
        purchase("p1", -1, number="2", channel="offline"),
        purchase("o1", -1, number="1"),
        purchase("p3", 1, number="1", channel="offline"),
    )
    counts = feed.load(file, frames)
    assert counts.rejected == {RejectCode.CLASS_CHANGED: 1}
    assert counts.loaded == 2
    assert stored(store, "kind") == [("o1", "return"), ("p1", "order"), ("p3", "order")]
    assert store.execute("SELECT record, code FROM rejects").fetchall() == [(1, "class_changed")]
    assert "2" not in profiles(store, "profile_id")
    before = dump(store)
    assert feed.load(file, frames) == counts
    assert dump(store) == before


def test_a_rerun_writes_nothing(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.customers(1, customer("1", ONE))
    file = feed.file("srs_purchases", 1)
    frames = purchases(
        purchase("p1", 1, number="1"),
        purchase("p2", 1, 2, number="2", email=ONE),
        purchase("p3", -1, email=OTHER),
        purchase("p4", 1, number="3"),
        purchase("p5", 1, number="4", email="new@example.com"),
        purchase("p6", 1, number="1", email="spare@example.com"),
        purchase("p7", 1, email="spare@example.com"),
    )
    counts = feed.load(file, frames)
    before = dump(store)
    assert feed.load(file, frames, "again") == counts
    assert dump(store) == before
    ids = owners(store)
    assert ids["p7"] != ids["p1"]  # the address is not that of number 1


def test_a_replay_keeps_the_owner_when_addresses_have_moved_on(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file("srs_purchases", 1)
    frames = purchases(purchase("p1", 1, email=ONE))
    feed.load(file, frames)
    feed.customers(1, customer("1", ONE))
    feed.customers(2, customer("1", OTHER), customer("2", ONE))
    before = dump(store)
    feed.load(file, frames, "replay")
    assert dump(store) == before


def test_text_keeps_quotes_commas_and_line_breaks(store: psycopg.Connection) -> None:
    feed = Feed(store)
    text = 'a "quoted", \\N\n;\'{}% é'
    frames = purchases(purchase("p1", 1, number="1"))
    frames["lines"] = frame(
        "lines",
        [
            {"record": 1, "line_no": 1, "sku": "", "description": text},
            {"record": 1, "line_no": 2, "sku": "1"},
        ],
    )
    feed.load(feed.file("srs_purchases", 1), frames)
    found = store.execute("SELECT sku, description FROM purchase_lines ORDER BY line_no").fetchall()
    assert found == [("", text), ("1", None)]


@pytest.mark.parametrize(
    ("arriving", "expected"),
    [
        ([(2, (2,)), (1, (1, 2))], {"r": (2, 2), "r~2": (1, 1)}),
        ([(1, (1, 2, 3)), (2, (3, 1))], {"r": (1, 2), "r~2": (2, 1), "r~3": (3, 2)}),
        ([(1, (1, 2)), (2, (2, 1))], {"r": (1, 2), "r~2": (2, 2)}),
        ([(1, (1,)), (2, (-1, 1))], {"r": (1, 2), "r~2": (-1, 2)}),
        ([(1, (1, 2)), (2, (3, 1))], {"r": (1, 2), "r~2": (3, 2)}),
        ([(1, (1, 2)), (2, (2,)), (3, (3,))], {"r": (3, 3), "r~2": (2, 2)}),
        ([(2, (2,)), (1, (1, 2)), (3, (3,))], {"r": (2, 2), "r~2": (3, 3)}),
        ([(1, (-1,)), (2, (1, 2))], {"r": (-1, 1), "r~2": (1, 2), "r~3": (2, 2)}),
        ([(1, (1,)), (2, (-2, 2)), (3, (-3,))], {"r": (2, 2), "r~2": (-3, 3)}),
    ],
    ids=[
        "a late file",
        "another order",
        "the places swapped",
        "beside another class",
        "changed beside it",
        "in place of the older one",
        "in place of the older one, which came late",
        "two beside another class",
        "in place of the one of its class",
    ],
)
def test_purchases_7_a_stored_basket_keeps_its_id_and_is_never_stored_twice(
    store: psycopg.Connection,
    arriving: list[tuple[int, tuple[int, ...]]],
    expected: dict[str, tuple[int, int]],
) -> None:
    feed = Feed(store)
    for index, amounts in arriving:
        receipt = {"number": "1", "channel": "offline"}
        ids = ["r", "r~2", "r~3"]
        file = feed.file("srs_purchases", index)
        frames = purchases(*(purchase(id_, n, **receipt) for id_, n in zip(ids, amounts, strict=False)))
        counts = feed.load(file, frames)
        assert counts.rejected == {}
    found = store.execute("SELECT purchase_id, total::int, trunc(sequence)::int FROM purchases")
    assert {purchase_id: facts for purchase_id, *facts in found} == {
        purchase_id: list(facts) for purchase_id, facts in expected.items()
    }
    before = dump(store)
    assert feed.load(file, frames, "again") == counts
    assert dump(store) == before


def facts(id_: str, order_number: str | None, amount: float) -> dict[str, Any]:
    channel = "online" if order_number else "offline"
    return purchase(id_, amount, number="1", channel=channel, order_number=order_number)


BACK, RECEIPT = "W-R20260106100000", "7|3|2026-01-05T11:53:26"
ALIKE = [
    (facts(BACK, "W", -1), facts(BACK, BACK, 2)),
    (facts(RECEIPT, None, 1), facts(RECEIPT, RECEIPT, 2)),
]
BOTH_WAYS = [*ALIKE, *(pair[::-1] for pair in ALIKE)]


@pytest.mark.parametrize(("first", "later"), BOTH_WAYS)
@pytest.mark.parametrize("files", [1, 2])
def test_purchases_11_the_later_of_two_purchases_that_would_share_an_id_is_rejected(
    store: psycopg.Connection, first: dict[str, Any], later: dict[str, Any], files: int
) -> None:
    feed = Feed(store)
    frames = (
        [purchases(first, later)] if files == 1 else [purchases(first), purchases({**later, "record": 2})]
    )
    arrived = [(feed.file("srs_purchases", index), frame) for index, frame in enumerate(frames, 1)]
    for run in ("first", "again"):
        counts = [feed.load(file, frame, run) for file, frame in arrived]
        assert sum(each.rejected.get(RejectCode.ID_TAKEN, 0) for each in counts) == 1
        assert stored(store, "total::int") == [(first["purchase_id"], int(first["total"]))]
        assert store.execute("SELECT record, code FROM rejects").fetchall() == [(2, "id_taken")]


def test_purchases_7_a_basket_with_the_buyer_added_is_the_same_purchase(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.purchases(1, purchase("r", 1, email=ONE, channel="offline"))
    before = stored(store, "profile_id")
    feed.purchases(2, purchase("r", 1, number="5", email=ONE, channel="offline"))
    assert stored(store, "profile_id") == before
    assert profiles(store, "email") == {"5": ONE}
    feed.purchases(3, purchase("r", 1, email=OTHER, channel="offline"))
    assert stored(store, "profile_id") == before  # the number is known, and wins


def test_purchases_7_a_number_without_an_address_is_added_to_the_address_that_bought_the_basket(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    feed.purchases(1, purchase("r", 1, email=ONE, channel="offline"))
    before = stored(store, "profile_id")
    feed.purchases(2, purchase("r", 1, number="5", channel="offline"))
    assert stored(store, "profile_id") == before
    assert profiles(store, "email") == {"5": ONE}


def test_purchases_6_of_one_order_number_the_last_record_of_those_who_load_stands(
    store: psycopg.Connection,
) -> None:
    counts = Feed(store).purchases(1, purchase("W", 1, number="1"), purchase("W", 2, number="2"))
    assert stored(store, "total::int", "record") == [("W", 2, 2)]
    assert (counts.loaded, counts.collapsed, counts.warnings["repeated_key"]) == (1, 1, 1)
