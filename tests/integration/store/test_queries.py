"""Questions to a real store whose rows the test knows."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from erp_feeds.store import queries, reject_queries
from support.known_rows import DAY, fill


@pytest.fixture
def filled(store: psycopg.Connection) -> psycopg.Connection:
    fill(store)
    return store


def test_status_adds_up_rows_and_tallies(filled: psycopg.Connection) -> None:
    (shop,) = queries.status(filled, "shop")
    assert (shop.profiles, shop.orders, shop.returns, shop.lines, shop.accounts) == (2, 1, 1, 3, 5)
    assert shop.revenue == Decimal("8.01")
    assert shop.files == {"loaded": 2, "quarantined": 1, "waiting": 1}
    assert shop.skipped == {"no_identifier": 3, "no_lines": 1}
    assert (shop.open_rejects, shop.rejects) == (3, {"invalid_decimal": 1, "missing_field": 2})
    assert shop.quarantined == {"doctype": 1}
    assert shop.warnings == {"no_email": 2}
    json.dumps(shop.files)


def test_status_names_merchants_without_rows_once(filled: psycopg.Connection) -> None:
    rows = queries.status(filled, known=["empty", "shop"])
    assert [row.merchant for row in rows] == ["empty", "other", "shop"]
    empty = rows[0]
    assert (empty.profiles, empty.revenue, empty.files, empty.rejects) == (0, Decimal(0), {}, {})


def test_status_and_pages_count_the_same_open_rejects(filled: psycopg.Connection) -> None:
    reject = (
        "INSERT INTO rejects (file_id, record, code, field, reason) "
        "SELECT file_id, %s, 'missing_field', 'city', 'is wrong' FROM files "
        "WHERE merchant = 'shop' AND interface = 'srs_customers' AND state = %s"
    )
    filled.execute(reject, [7, "loaded"])  # has another code already
    filled.execute(reject, [8, "quarantined"])  # the file as a whole is open
    (shop,) = queries.status(filled, "shop")
    assert (shop.open_rejects, shop.rejects) == (3, {"invalid_decimal": 1, "missing_field": 3})
    counted = reject_queries.open_rejects(filled, ["shop", "other"])
    assert {name: each.records for name, each in counted.items()} == {"shop": 3}


def test_merchants_are_those_with_files(filled: psycopg.Connection) -> None:
    assert queries.merchants(filled) == ["other", "shop"]


def test_open_files_are_counted_by_merchant_and_interface(filled: psycopg.Connection) -> None:
    assert queries.open_files(filled, ["shop", "other", "none"]) == {
        ("shop", "srs_customers"): (0, 1),
        ("shop", "srs_purchases"): (1, 0),
    }
    assert queries.open_files(filled, ["other"]) == {}


def test_rejects_that_come_some_at_a_time_are_all_of_them(
    filled: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reject_queries, "REJECTS_AT_A_TIME", 2)
    found = [*reject_queries.each_reject(filled, "shop")]
    assert [each.raw for each in found] == ["<Customer/>"] * 3
    assert found == reject_queries.rejects(filled, "shop", with_raw=True)
    assert len([*reject_queries.each_reject(filled, "shop", code="missing_field")]) == 2


def test_files_can_be_narrowed(filled: psycopg.Connection) -> None:
    assert len(queries.files(filled, "shop")) == 4
    assert [each.code for each in queries.files(filled, "shop", states=["quarantined"])] == ["doctype"]
    assert {each.interface for each in queries.files(filled, "shop", interface="srs_purchases")} == {
        "srs_purchases"
    }
    assert len(queries.files(filled, "shop", limit=1)) == 1
    loaded = queries.files(filled, "shop", states=["loaded", "waiting"], interface="srs_customers")
    assert [(each.name, each.day, each.counts["read"]) for each in loaded] == [
        ("Shop_SRS_Customers_20170101.zip", DAY, 10)
    ]


def test_progress_tells_state_records_and_seconds(filled: psycopg.Connection) -> None:
    every = queries.progress(filled)
    rows = [each for each in every if each.merchant == "shop"]
    assert [(each.interface, each.state, each.read, each.rejected) for each in rows] == [
        ("srs_customers", "loaded", 10, 3),
        ("srs_purchases", "loaded", 3, 0),
        ("srs_customers", "quarantined", 0, 0),
        ("srs_purchases", "waiting", 0, 0),
    ]
    assert rows[0].seconds == pytest.approx(2.5)
    assert rows[3].seconds > 100
    assert len(every) == 5


def test_customers_7_a_profile_is_asked_for_without_folding_unicode(filled: psycopg.Connection) -> None:
    kelvin = "\N{KELVIN SIGN}@example.com"
    filled.execute("UPDATE profiles SET email = %s WHERE profile_id = 1", [kelvin])
    found = queries.profile(filled, "shop", email=kelvin.replace("example", "EXAMPLE"))
    assert found is not None
    assert found.profile_id == 1
    assert queries.profile(filled, "shop", email="k@example.com") is None


@pytest.mark.parametrize("key", [{"srs": "00123"}, {"email": " ADA@example.com "}, {"profile_id": 1}])
def test_a_profile_is_found_by_each_key(filled: psycopg.Connection, key: dict[str, object]) -> None:
    found = queries.profile(filled, "shop", **key)  # type: ignore[arg-type]  # one key a case
    assert found is not None
    assert (found.profile_id, found.firstname, found.newsletter) == (1, "Ada", None)
    assert found.custom == {"custom_srs_customer_number": "00123"}
    assert (found.file, found.record) == ("Shop_SRS_Customers_20170101.zip", 4)


def test_a_profile_of_another_merchant_is_not_found(filled: psycopg.Connection) -> None:
    assert queries.profile(filled, "other", srs="00123") is None
    assert queries.profile(filled, "other", profile_id=1) is None
    assert queries.profile(filled, "shop", srs="123") is None


def test_identifiers_of_a_profile(filled: psycopg.Connection) -> None:
    found = queries.identifiers(filled, "shop", 1)
    assert [(each.type, each.value, each.record) for each in found] == [("srs", "00123", 4), ("srs", "77", 4)]


def test_purchases_can_be_narrowed(filled: psycopg.Connection) -> None:
    both = queries.purchases(filled, "shop")
    assert [each.purchase_id for each in both] == ["R|1", "W-1"]
    assert [each.kind for each in queries.purchases(filled, "shop", kind="return")] == ["return"]
    assert len(queries.purchases(filled, "shop", srs="77")) == 2
    assert queries.purchases(filled, "shop", srs="unknown") == []
    assert queries.purchases(filled, "shop", profile_id=2) == []
    (order,) = queries.purchases(filled, "shop", purchase_id="W-1")
    assert order.occurred_at == datetime(2017, 1, 5, 10, 0, tzinfo=UTC)
    assert (order.total, order.channel, order.line_count) == (Decimal("10.00"), "online", 2)


def test_lines_of_a_purchase(filled: psycopg.Connection) -> None:
    rows = queries.lines(filled, "shop", ["W-1"])["W-1"]
    assert [(each.line_no, each.sku, each.amount) for each in rows] == [
        (1, "A", Decimal("4.00")),
        (2, "B", Decimal("6.00")),
    ]


@pytest.mark.parametrize(
    ("number", "price_list", "debtor", "note"),
    [
        ("own", "RETAIL", None, None),
        ("child", "WHOLESALE", "debtor", "debtor is itself invoiced to own: not followed"),
        ("self", "RETAIL", None, "invoiced to itself"),
        ("orphan", "RETAIL", None, "invoice debtor nobody is unknown"),
        ("debtor", "RETAIL", "own", None),
    ],
)
def test_erp_cache_7_an_account_gets_its_debtors_price_list_in_one_step(
    filled: psycopg.Connection, number: str, price_list: str, debtor: str | None, note: str | None
) -> None:
    found = queries.account(filled, "shop", number)
    assert found is not None
    assert (found.price_list_name, found.debtor) == (price_list, debtor)
    assert found.note is None if note is None else note in (found.note or "")
    assert found.discount_percentage == Decimal("2.50")


def test_an_unknown_account_is_none(filled: psycopg.Connection) -> None:
    assert queries.account(filled, "other", "own") is None


def test_erp_cache_7_a_debtor_that_arrives_later_counts_from_then_on(filled: psycopg.Connection) -> None:
    filled.execute("UPDATE accounts SET account_number = 'nobody' WHERE account_number = 'own'")
    found = queries.account(filled, "shop", "orphan")
    assert found is not None
    assert (found.debtor, found.note) == ("nobody", None)


def test_erp_cache_7_the_invoice_graph_names_what_is_odd(filled: psycopg.Connection) -> None:
    found = queries.invoice_graph(filled, "shop")
    assert [(chain.path, chain.ends) for chain in found.chains] == [(["child", "debtor", "own"], "debtor")]
    assert [(each.debtor, each.accounts) for each in found.unknown_debtors] == [("nobody", 1)]
    assert [each.account for each in found.self_references] == ["self"]
    assert found.cycles == []
    filled.execute("UPDATE accounts SET invoice_to = 'child' WHERE account_number = 'own'")
    (cycle,) = queries.invoice_graph(filled, "shop").cycles
    assert cycle.path == ["child", "debtor", "own"]
    assert set(queries.invoice_graph(filled, "other").counts.values()) == {0}


@pytest.mark.parametrize("known", ["known merchant", "big"])
def test_erp_cache_7_the_invoice_graph_of_100000_accounts_is_found(
    filled: psycopg.Connection, known: str
) -> None:
    """Also of a merchant that PostgreSQL's statistics do not know."""
    insert = (
        "INSERT INTO accounts"
        " (merchant, account_number, price_list_name, invoice_to, sequence, file_id, record)"
        " SELECT %s, n, 'A', CASE WHEN n %% 10 > 0 THEN n / 10 WHEN n > 50000 THEN n + 10 END, 1, 1, 1"
        " FROM generate_series(%s::int, %s) AS n"
    )
    filled.execute(insert, [known, 200_000, 201_000])
    filled.execute("ANALYZE accounts")
    filled.execute(insert, ["big", 1, 100_000])
    filled.execute("DELETE FROM accounts WHERE account_number LIKE '20____'")
    filled.execute("SET LOCAL statement_timeout = '10s'")
    found = queries.invoice_graph(filled, "big", limit=20)
    assert found.counts["invoiced_to_another"] == 95_000
    assert len(found.chains) == 20


def test_rejects_show_the_raw_record_only_when_asked(filled: psycopg.Connection) -> None:
    rows = reject_queries.rejects(filled, "shop")
    assert [(each.record, each.code, each.raw) for each in rows] == [
        (2, "missing_field", None),
        (5, "missing_field", None),
        (7, "invalid_decimal", None),
    ]
    (raw,) = reject_queries.rejects(filled, "shop", code="invalid_decimal", with_raw=True)
    assert raw.raw == "<Customer/>"
    assert reject_queries.rejects(filled, "shop", file="other.zip") == []
    assert len(reject_queries.rejects(filled, "shop", limit=2)) == 2


def test_quarantined_files_carry_code_and_reason(filled: psycopg.Connection) -> None:
    (refused,) = queries.quarantined(filled, "shop")
    assert (refused.code, refused.reason) == ("doctype", "a document type is declared")
    assert queries.quarantined(filled, "shop", code="truncated") == []
    assert refused.at.date() == date(2017, 1, 2)
