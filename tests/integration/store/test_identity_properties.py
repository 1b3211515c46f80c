"""Whatever customers files come, in whatever order: the store holds the profiles that a naive model holds."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.customers_model import Customers, Person, Warnings
from support.deliveries import CUSTOMERS, Delivery, File, Record
from support.homes import home  # noqa: F401 - a fixture
from support.intake import Intake, prepare

THOROUGH = settings.get_current_profile_name() == "thorough"
pytestmark = pytest.mark.timeout(3600 if THOROUGH else 120)

EXAMPLES = 600 if THOROUGH else 25  # each loads some files into the real store

NUMBERS = ("1", "2", "3", "4", "0012")
EMAILS = ("a@x.nl", "b@x.nl", "c@x.nl", "d@x.nl", "free@x.nl")
AT_HOME = tuple(
    {"CustomerNumber": number, "Email": email} for number, email in zip(NUMBERS[:4], EMAILS[:4], strict=True)
)
"""Everybody at an address of their own, so that moves, swaps and chains are drawn often."""

identified = st.fixed_dictionaries(
    {"CustomerNumber": st.sampled_from((*NUMBERS, *NUMBERS, "0", "", "1.5E+3"))},
    optional={"Email": st.sampled_from((*EMAILS, *EMAILS, " B@X.nl ", "no mail", ""))},
)
addressed = st.fixed_dictionaries({"Email": st.sampled_from((*EMAILS, *EMAILS, "no mail"))})
fields = st.fixed_dictionaries(
    {},
    optional={
        "FirstName": st.sampled_from(("Ada", "Bea", "")),
        "City": st.sampled_from(("Delft", "Oss", "")),
    },
)
people = st.tuples(st.one_of(identified, identified, addressed), fields).map(
    lambda drawn: drawn[0] | drawn[1]
)
files = st.lists(st.lists(people, min_size=1, max_size=7), min_size=1, max_size=3)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[Delivery, list[int]]:
    """Files in index order, and the order in which they come: an older one may be late."""
    first: list[list[Record]] = draw(st.sampled_from([[], [list(AT_HOME)], [list(AT_HOME[:2])]]))
    drawn = [*first, *draw(files)]
    delivery = tuple(File(CUSTOMERS, index, tuple(records)) for index, records in enumerate(drawn, 1))
    order = list(range(len(delivery)))
    late = draw(st.sampled_from([None, None, *order]))
    if late is not None:
        order.append(order.pop(late))
    return delivery, order


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=arrivals())
def test_customers_5_and_9_the_store_holds_what_the_model_holds(
    store: psycopg.Connection, drawn: tuple[Delivery, list[int]]
) -> None:
    delivery, order = drawn
    model, intake = Customers(), Intake(store, prepare(delivery))
    for place in order:
        file = delivery[place]
        warnings = model.load(file.index, list(file.records))
        intake.run(f"run{place}", [place])
        assert stored_people(store) == model.people()
        assert stored_warnings(intake, place) == warnings


def stored_people(store: psycopg.Connection) -> set[Person]:
    """What the store holds, in the model's terms."""
    rows = store.execute("""
        SELECT array_remove(array_agg(value), NULL), email, firstname, city
        FROM profiles LEFT JOIN identifiers USING (profile_id)
        GROUP BY profile_id
    """).fetchall()
    found = {(frozenset(numbers), *values) for numbers, *values in rows}
    assert len(found) == len(rows)
    return found


def stored_warnings(intake: Intake, place: int) -> Warnings:
    """What the ledger counts of one file."""
    file = intake.loaded()[place]
    query = "SELECT counts->'warnings' FROM files WHERE file_id = %s"
    [(counts,)] = intake.feed.connection.execute(query, [file.file_id]).fetchall()
    return Warnings(counts.get("email_owned_by_other", 0), counts.get("no_email", 0))
