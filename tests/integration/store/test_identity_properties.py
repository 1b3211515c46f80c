"""Whatever customers and accounts are delivered, in whatever order: what must always hold in the store."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.store_feed import accounts, customer, customers, dump, emptied, purchase, purchases

few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # every example loads into the real store

NUMBERS = st.sampled_from(["1", "2", "3", "4"])
EMAILS = st.sampled_from(["a@x.nl", "b@x.nl", "c@x.nl", "d@x.nl"])
identifiers = st.tuples(st.none() | NUMBERS, st.none() | EMAILS).filter(any)
people = st.lists(identifiers, max_size=6)

account = st.fixed_dictionaries(
    {"account_number": st.just("1"), "price_list_name": st.sampled_from("AB")},
    optional={
        "invoice_to": st.sampled_from(["7", "8"]),
        "cash_back": st.sampled_from([Decimal("1.00"), Decimal("2.00")]),
        "cleared": st.sampled_from([",delivery_scheme_code,", ",discount_percentage,delivery_scheme_code,"]),
        "delivery_scheme_code": st.sampled_from(["D", "E"]),
    },
)


def customer_rows(records: list[tuple[str | None, str | None]]) -> tuple[dict[str, Any], ...]:
    return tuple(
        customer(number, email, firstname=f"name{position}")
        for position, (number, email) in enumerate(records)
    )


@few
@given(files=st.lists(people, min_size=1, max_size=3))
def test_a_rerun_of_the_last_file_writes_nothing(store: psycopg.Connection, files: list[Any]) -> None:
    feed = emptied(store)
    for index, records in enumerate(files, 1):
        file, frames = feed.file("srs_customers", index), customers(*customer_rows(records))
        counts = feed.load(file, frames)
    before = dump(store)
    assert feed.load(file, frames, "again") == counts
    assert dump(store) == before


@few
@given(first=people, second=people)
def test_purchases_rerun_writes_nothing_and_leaves_profiles_alone(
    store: psycopg.Connection, first: list[Any], second: list[Any]
) -> None:
    feed = emptied(store)
    feed.customers(1, *customer_rows(first))
    known = set(dump(store, ("profiles",))["profiles"])
    rows = (purchase(f"p{n}", n, number=number, email=email) for n, (number, email) in enumerate(second, 1))
    file, frames = feed.file("srs_purchases", 1), purchases(*rows)
    counts = feed.load(file, frames)
    before = dump(store)
    assert feed.load(file, frames, "again") == counts
    assert dump(store) == before
    assert known <= set(before["profiles"])


@few
@given(files=st.lists(people, min_size=1, max_size=3))
def test_every_record_finds_one_profile_and_emails_come_from_the_files(
    store: psycopg.Connection, files: list[Any]
) -> None:
    feed = emptied(store)
    for index, records in enumerate(files, 1):
        feed.customers(index, *customer_rows(records))
    found = store.execute("SELECT profile_id, email FROM profiles").fetchall()
    numbers: dict[str, int] = dict(store.execute("SELECT value, profile_id FROM identifiers").fetchall())
    delivered = {record for records in files for record in records}
    assert set(numbers) == {number for number, _ in delivered if number}
    assert {email for _, email in found if email} <= {email for _, email in delivered}
    matched = {row[0] for row in store.execute("SELECT profile_id FROM email_matches")}
    assert {profile for profile, _ in found} == matched | set(numbers.values())


@few
@given(data=st.data(), rows=st.lists(account, min_size=2, max_size=5))
def test_any_order_of_accounts_files_ends_in_the_same_rows(
    store: psycopg.Connection, data: st.DataObject, rows: list[dict[str, Any]]
) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    ends = []
    for positions in (range(len(rows)), [*order, order[0]]):
        feed = emptied(store)
        files = [feed.file("erp_cache_customers", index) for index in range(1, len(rows) + 1)]
        for position in positions:
            feed.load(files[position], accounts(rows[position]))
        ends.append(
            store.execute("SELECT to_jsonb(a) - 'created_at' - 'updated_at' FROM accounts a").fetchall()
        )
    assert ends[0] == ends[1]


@few
@given(data=st.data(), records=st.lists(st.tuples(NUMBERS, st.none() | EMAILS), min_size=1, max_size=6))
def test_emails_of_known_numbers_follow_a_simple_model(
    store: psycopg.Connection, data: st.DataObject, records: list[tuple[str, str | None]]
) -> None:
    feed = emptied(store)
    held: dict[str, str | None] = {"1": "a@x.nl", "2": "b@x.nl", "3": "c@x.nl", "4": None}
    feed.customers(1, *(customer(number, email) for number, email in held.items()))
    feed.customers(2, *(customer(number, email) for number, email in records))
    stored: dict[str, str | None] = dict(
        store.execute(
            "SELECT i.value, p.email FROM identifiers i JOIN profiles p USING (profile_id)"
        ).fetchall()
    )
    assert stored == modelled(held, records)


def modelled(held: dict[str, str | None], records: list[tuple[str, str | None]]) -> dict[str, str | None]:
    """Assume that every wish comes true; take back, one by one, those that collide; until none does."""
    wishes = {number: email for number, email in records if email}
    first = {(number, email): n for n, (number, email) in reversed(list(enumerate(records)))}
    granted = dict(wishes)
    while True:
        now = {number: granted.get(number, email) for number, email in held.items()}
        losers = [
            number
            for number, email in granted.items()
            if held[number] != email
            and any(
                now[other] == email
                and (
                    other not in granted or held[other] == email or first[other, email] < first[number, email]
                )
                for other in held
                if other != number
            )
        ]
        if not losers:
            return now
        for number in losers:
            del granted[number]
