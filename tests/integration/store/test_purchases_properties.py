"""Whatever purchases come, in whatever order and again: the store holds the orders of a naive model."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from erp_feeds.merchant import InterfaceSettings
from erp_feeds.store import queries
from support.deliveries import CUSTOMERS, PURCHASES, Delivery, File, Record
from support.homes import home  # noqa: F401 - a fixture
from support.intake import SHOP, Intake, prepare
from support.purchases_model import Person, Purchases, Sold, read

THOROUGH = settings.get_current_profile_name() == "thorough"
pytestmark = pytest.mark.timeout(7200 if THOROUGH else 600)

EXAMPLES = 600 if THOROUGH else 12  # each loads some files into the real store

DEPOSIT = SHOP.model_copy(
    update={
        "interfaces": {
            **SHOP.interfaces,
            PURCHASES: InterfaceSettings.model_validate({"excluded_skus": ["DEP"]}),
        }
    }
)
"""The merchant file after somebody excluded deposits."""
SHOPS = {frozenset[str](): SHOP, frozenset({"DEP"}): DEPOSIT}

NUMBERS = ("1", "2", "3", "0012")
EMAILS = ("a@x.nl", "b@x.nl", "c@x.nl")
MOMENT = "2017-01-05T11:53:26"

people = st.sampled_from(
    (
        (),
        (("1", "a@x.nl"),),
        (("1", ""), ("2", "a@x.nl")),
        (("1", "a@x.nl"), ("2", "b@x.nl"), ("3", "")),
    )
)
numbers = st.sampled_from((*NUMBERS, *NUMBERS, "0", "1.5E+3")).map(lambda number: {"CustomerNumber": number})
emails = st.sampled_from((*EMAILS, *EMAILS, " B@X.nl ", "no mail", "")).map(lambda email: {"Email": email})
buyers = st.one_of(numbers, emails, st.tuples(numbers, emails).map(lambda drawn: drawn[0] | drawn[1]))
names = st.sampled_from(
    (
        *({"OrderNumber": number} for number in ("W1", "W1", "W2", "W1-R20170105115326", f"7|3|{MOMENT}")),
        *({"ReceiptNumber": number, "Branch": "3"} for number in ("7", "7", "8")),
    )
)
moments = st.sampled_from(
    (MOMENT,) * 5 + ("2017-01-05T11:53:27", "2017-10-29T02:30:00", "2017-03-26T02:30:00", "2017-01-05")
)
line = st.tuples(
    st.sampled_from(("A", "A", "B", "DEP")), st.sampled_from(("1.00", "-1.00", "-1.00", "0.00", "2.50"))
).map(lambda drawn: {"Sku": drawn[0], "Amount": drawn[1]})
baskets = st.one_of(
    st.tuples(line), st.tuples(line), st.tuples(line, line), st.tuples(line, line), st.just(())
)


@st.composite
def purchases(draw: st.DrawFn) -> Record:
    """A purchase of anybody."""
    currency = draw(st.sampled_from(({}, {}, {"Currency": "usd"})))
    return {
        **draw(names),
        "DateTime": draw(moments),
        **draw(buyers),
        **currency,
        "Lines": list(draw(baskets)),
    }


@dataclass(frozen=True)
class Arrivals:
    """Who is known, the files in index order, and which come when, under which excluded skus."""

    people: tuple[tuple[str, str], ...]
    delivery: Delivery
    loads: list[tuple[int, frozenset[str]]]


@st.composite
def arrivals(draw: st.DrawFn) -> Arrivals:
    """Files that come once in any order; then, after a change of the excluded skus, some once more."""
    sizes = draw(st.sampled_from([(3,), (6,), (1, 4), (3, 3), (4, 2), (1, 1, 1), (2, 3, 2)]))
    drawn = _collisions_in_one_file([[draw(purchases()) for _ in range(size)] for size in sizes])
    delivery = tuple(File(PURCHASES, index, tuple(records)) for index, records in enumerate(drawn, 1))
    order = draw(st.permutations(range(len(delivery))))
    before, after = draw(st.permutations(list(SHOPS)))
    again = draw(st.permutations(range(len(delivery))))[: draw(st.integers(0, 3))]
    loads = [(place, before) for place in order] + [(place, after) for place in again]
    return Arrivals(draw(people), delivery, loads)


def _collisions_in_one_file(files: list[list[Record]]) -> list[list[Record]]:
    """Leave a receipt, or a return of one moment, that collides in a file to that file (purchases 7)."""
    baskets: dict[tuple[Any, ...], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for place, records in enumerate(files):
        for each in records:
            baskets[_receipt(each)][place].add(repr((each.get("Currency"), each["Lines"])))
    owner = {
        receipt: place
        for receipt, found in baskets.items()
        for place, different in found.items()
        if len(different) > 1
    }
    return [
        [each for each in records if owner.get(_receipt(each), place) == place]
        for place, records in enumerate(files)
    ]


def _receipt(record: Record) -> tuple[Any, ...]:
    if record.get("OrderNumber") and all(
        getattr(read(0, {**record, "Email": "a@x.nl"}, excluded), "kind", "order") == "order"
        for excluded in SHOPS
    ):
        return (id(record),)
    return tuple(record.get(name) for name in ("OrderNumber", "ReceiptNumber", "DateTime"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=tuple(Phase) if THOROUGH else (Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=arrivals())
def test_purchases_1_to_12_the_store_holds_what_the_model_holds(
    store: psycopg.Connection, drawn: Arrivals
) -> None:
    model = Purchases()
    for number, email in drawn.people:
        model.know(number, email or None)
    known = tuple({"CustomerNumber": number, "Email": email} for number, email in drawn.people)
    delivery = (*drawn.delivery, File(CUSTOMERS, 1, known))
    prepared = {
        excluded: prepare(delivery, SHOPS[excluded]) for excluded in {each for _, each in drawn.loads}
    }
    intake = Intake(store, next(iter(prepared.values())))
    first = [len(drawn.delivery)] if known else []
    for number, (place, excluded) in enumerate(drawn.loads):
        file = drawn.delivery[place]
        counted = model.load(file.index, list(file.records), excluded)
        intake.prepared_as(prepared[excluded])
        intake.run(f"run{number}", [place, *(first if not number else [])])
        assert stored_people(store) == model.people()
        assert stored_purchases(store) == model.sold()
        assert stored_counts(intake, place) == counted
        assert kept_totals(store) == counted_totals(store)


def stored_people(store: psycopg.Connection) -> set[Person]:
    """Who the store knows, in the model's terms."""
    return set(_people(store).values())


def _people(store: psycopg.Connection) -> dict[int, Person]:
    rows = store.execute("""
        SELECT profile_id, array_remove(array_agg(value), NULL), email
        FROM profiles LEFT JOIN identifiers USING (profile_id)
        GROUP BY profile_id
    """).fetchall()
    found = {profile_id: (frozenset(numbers), email) for profile_id, numbers, email in rows}
    assert len(set(found.values())) == len(found)
    return found


def stored_purchases(store: psycopg.Connection) -> dict[str, Sold]:
    """What was sold to whom, in the model's terms."""
    people = _people(store)
    return {
        each.purchase_id: Sold(
            each.kind,
            each.channel == "online",
            people[each.profile_id or 0],
            each.occurred_at.astimezone(UTC),
            each.currency,
            tuple(
                (line.sku, line.amount)
                for line in queries.lines(store, SHOP.name, [each.purchase_id])[each.purchase_id]
            ),
            each.return_of,
        )
        for each in queries.purchases(store, SHOP.name)
    }


def stored_counts(intake: Intake, place: int) -> Counter[str]:
    """What the ledger counts of one file, by code."""
    file = intake.loaded()[place]
    [(counts,)] = intake.feed.connection.execute(
        "SELECT counts FROM files WHERE file_id = %s", [file.file_id]
    ).fetchall()
    collisions = counts["warnings"].get("receipt_collision", 0)
    return Counter(
        {
            **counts["skipped"],
            **counts["rejected"],
            "loaded": counts["loaded"],
            "collapsed": counts["collapsed"],
            "receipt_collision": collisions,
        }
    )


def kept_totals(store: psycopg.Connection) -> list[tuple[Any, ...]]:
    """What `status` is answered from."""
    return store.execute(
        "SELECT kind, number, lines, revenue FROM totals WHERE number > 0 ORDER BY 1"
    ).fetchall()


def counted_totals(store: psycopg.Connection) -> list[tuple[Any, ...]]:
    """The same, from the rows themselves."""
    return store.execute("""
        SELECT kind, count(*), sum(line_count), sum(total) FROM purchases GROUP BY kind
        UNION ALL SELECT 'profile', count(*), 0, 0 FROM profiles HAVING count(*) > 0
        ORDER BY 1
    """).fetchall()
