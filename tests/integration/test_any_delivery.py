"""Whatever is delivered, in whatever order and runs, at once or again: the same rows, all accounted for.

What depends on the first arrival, by the rules themselves:

- Which profile a record belongs to (customers 2 to 6, purchases 3 and 4). A number known from one record
  and an address known from another make two profiles when they come apart first, and one when a record that
  holds both comes first; profiles are never merged. So do: which of several claimants keeps an e-mail
  (customers 5), and what a profile has that only purchases made, since they fill a new profile and never an
  existing one.
- Which class a till receipt keeps whose class flips between two files (purchases 6).
- Which basket has which id where one file brings several under one receipt and another file brings some of
  them, and which of them a third file replaces (purchases 7).
- Which of two contents of one file name is the first revision, and which of two names that bear the same
  index is the older one (ERP cache 6).
- Where a row came first: file, record and rule of an identifier, the rule of an e-mail's match, file and
  record of a profile that only purchases know; the warnings that tell what was there before (late_file,
  unknown_debtor, no_email, email_owned_by_other); and whether a reject is closed: a newer file mends what
  is open when it loads.

The tests of settled deliveries leave these cases out and compare every row (`deliveries.settled_delivery`);
the tests of arbitrary deliveries prove what holds all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from support import deliveries
from support.deliveries import Delivery, Runs
from support.delivery_checks import (
    check_accounting,
    check_baskets,
    check_fields,
    check_owners,
    independent_rows,
)
from support.homes import home  # noqa: F401 - a fixture
from support.intake import Intake, Prepared, named_rows, prepare
from support.store_feed import dump

Drawn = tuple[Delivery, Runs]
Take = Callable[[psycopg.Connection, list[Prepared], Runs], Intake]
"""How a delivery is taken in."""

THOROUGH = settings.get_current_profile_name() == "thorough"
pytestmark = pytest.mark.timeout(7200 if THOROUGH else 300)


def examples(number: int) -> settings:
    """Few examples, not made smaller when they fail, since each loads files twice; or as `thorough` says."""
    return settings(
        settings() if THOROUGH else settings(max_examples=number, phases=(Phase.reuse, Phase.generate)),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def in_one_run(store: psycopg.Connection, prepared: list[Prepared]) -> Intake:
    """The reference: everything at once, in index order."""
    intake = Intake(store, prepared)
    intake.run("whole", range(len(prepared)))
    return intake


def at_once(store: psycopg.Connection, prepared: list[Prepared], runs: Runs) -> Intake:
    """Two loads at the same moment; where nothing comes twice, each of them loads the last file."""
    intake = Intake(store, prepared)
    places = [place for run in runs for place in run]
    for place in places:
        intake.arrived(place)
    intake.run_at_once([*places[::2], *places[-1:]], [*places[1::2], *places[-1:]])
    return intake


def run_by_run(store: psycopg.Connection, prepared: list[Prepared], runs: Runs) -> Intake:
    """One run after the other."""
    intake = Intake(store, prepared)
    intake.run_all(runs)
    return intake


either_way = pytest.mark.parametrize("take", [run_by_run, at_once])


def check(intake: Intake, delivery: Delivery) -> None:
    """Check what holds after any delivery."""
    check_accounting(intake, delivery)
    check_owners(intake)
    check_fields(intake)
    check_baskets(intake)


@either_way
@examples(8)
@given(drawn=deliveries.settled_and_arrivals)
def test_settled_deliveries_end_in_the_same_rows_in_any_order_and_runs(
    store: psycopg.Connection, take: Take, drawn: Drawn
) -> None:
    delivery, runs = drawn
    prepared = prepare(delivery)
    in_one_run(store, prepared)
    expected = named_rows(store)
    intake = take(store, prepared, runs)
    assert named_rows(store) == expected
    check(intake, delivery)


@either_way
@examples(8)
@given(drawn=deliveries.delivery_and_arrivals)
def test_any_delivery_is_accounted_for_and_only_who_is_who_depends_on_arrival(
    store: psycopg.Connection, take: Take, drawn: Drawn
) -> None:
    delivery, runs = drawn
    prepared = prepare(delivery)
    check(in_one_run(store, prepared), delivery)
    expected = independent_rows(store)
    check(take(store, prepared, runs), delivery)
    assert independent_rows(store) == expected


@examples(5)
@given(drawn=deliveries.delivery_and_arrivals)
def test_a_replay_of_everything_writes_nothing_whatever_the_order_of_arrival(
    store: psycopg.Connection, drawn: Drawn
) -> None:
    delivery, runs = drawn
    intake = run_by_run(store, prepare(delivery), runs)
    before = dump(store)
    intake.run("replay", sorted(intake.known))
    assert dump(store) == before
    check(intake, delivery)


@examples(10)
@given(drawn=deliveries.receipt_and_arrivals)
def test_purchases_7_no_basket_of_a_receipt_is_lost_or_stored_twice(
    store: psycopg.Connection, drawn: Drawn
) -> None:
    delivery, runs = drawn
    intake = run_by_run(store, prepare(delivery), runs)
    check_baskets(intake)
    check_accounting(intake, delivery)


@examples(10)
@given(drawn=deliveries.receipt_and_arrivals)
def test_purchases_7_a_replay_rejects_no_basket_that_loaded(store: psycopg.Connection, drawn: Drawn) -> None:
    delivery, runs = drawn
    intake = run_by_run(store, prepare(delivery), runs)
    rejected = set(store.execute("SELECT file_id, record FROM rejects").fetchall())
    for place in sorted(intake.known):
        intake.run(f"replay {place}", [place])
        assert set(store.execute("SELECT file_id, record FROM rejects").fetchall()) <= rejected
    check_baskets(intake)


@examples(4)
@given(delivery=deliveries.orders_and_accounts)
def test_one_file_or_one_for_each_record_ends_in_the_same_orders_and_accounts(
    store: psycopg.Connection, delivery: Delivery
) -> None:
    ends = []
    for cut in (deliveries.one_file_an_interface(delivery), deliveries.one_file_a_record(delivery)):
        in_one_run(store, prepare(cut))
        found = independent_rows(store)
        orders = {row["purchase_id"]: without_place(row) for row in found["orders"]}
        accounts = [without_place(json.loads(row)) for row in found["accounts"]]
        ends.append((orders, sorted(accounts, key=lambda row: row["account_number"]), found["lines"]))
    assert ends[0] == ends[1]


@examples(6)
@given(delivery=deliveries.one_person)
def test_customers_6_one_file_or_one_for_each_record_ends_in_the_same_profiles(
    store: psycopg.Connection, delivery: Delivery
) -> None:
    ends = []
    for cut in (deliveries.one_file_an_interface(delivery), deliveries.one_file_a_record(delivery)):
        in_one_run(store, prepare(cut))
        ends.append([without_place(json.loads(row)) for row in named_rows(store)["profiles"]])
    assert ends[0] == ends[1]


def without_place(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out which file wrote a row, and which one each field."""
    return {key: row[key] for key in row.keys() - {"sequence", "file_id", "record", "field_versions"}}
