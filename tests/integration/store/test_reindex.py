"""A file under a wrong index, corrected afterwards: the store ends as if the index had been right at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_feeds.errors import FailError
from erp_feeds.store.reindex import reindex
from support.store_feed import TESTSHOP, Feed, accounts, customer, customers, emptied, purchase, purchases

FUTURE = 99991231235959
"""Beyond the year 2100, so that no file is registered under it today: tests load below the check."""

Frames = Mapping[str, pd.DataFrame]
UNTIMED = "- ARRAY['created_at', 'updated_at', 'opened_at', 'resolved_at']"


def rows(store: psycopg.Connection, *tables: str) -> dict[str, list[Any]]:
    """Every row, without when it was written."""
    return {
        table: store.execute(f"SELECT to_jsonb(t) {UNTIMED} FROM {table} AS t ORDER BY 1").fetchall()
        for table in tables
    }


def load(feed: Feed, interface: str, files: Sequence[tuple[int, Any]]) -> list[Any]:
    """Load files of (index, frames) in this order; return what the ledger knows of each, and its frames."""
    loaded = []
    for place, (index, frames) in enumerate(files):
        file = feed.file(interface, index, content=f"content {place}")
        feed.load(file, frames)
        loaded.append((file, frames))
    return loaded


def correct(feed: Feed, interface: str, index: int, loaded: list[Any]) -> None:
    """Give the future file its right index, and replay it and every later one, in index order."""
    (future,) = [file for file, _ in loaded if file.index_number == str(FUTURE)]
    reindex(feed.connection, feed.merchant, future.name, str(index), "ada")
    found = feed.connection.execute("SELECT file_id, index_number::text, sequence::text FROM files")
    known = {file_id: {"index_number": number, "sequence": sequence} for file_id, number, sequence in found}
    again = [(file.model_copy(update=known[file.file_id]), frames) for file, frames in loaded]
    for file, frames in sorted(again, key=lambda each: int(each[0].index_number)):
        if int(file.index_number) >= index:
            feed.load(file, frames, "replay")


def both(
    store: psycopg.Connection, interface: str, files: Sequence[tuple[int, Any]], wrong: int, *tables: str
) -> None:
    """Compare a store whose file at one place had a future index with one that never had."""
    load(emptied(store), interface, files)
    expected = rows(store, *tables)
    feed = emptied(store)
    under = [(FUTURE if place == wrong else index, frames) for place, (index, frames) in enumerate(files)]
    correct(feed, interface, files[wrong][0], load(feed, interface, under))
    assert rows(store, *tables) == expected


fields = st.fixed_dictionaries(
    {"account_number": st.sampled_from("12"), "price_list_name": st.sampled_from("AB")},
    optional={
        "invoice_to": st.sampled_from("78"),
        "cash_back": st.sampled_from([Decimal("1.00"), Decimal("2.00")]),
        "delivery_scheme_code": st.sampled_from("DE"),
        "cleared": st.sampled_from([",discount_percentage,", ",discount_percentage,delivery_scheme_code,"]),
    },
)
people = st.builds(
    lambda number, told, custom, cleared: customer(number, custom=custom, cleared=cleared, **told),
    st.sampled_from("12"),
    st.dictionaries(st.sampled_from(["firstname", "lastname", "city"]), st.sampled_from("abc")),
    st.dictionaries(st.just("custom_shoe"), st.sampled_from("xy")),
    st.none() | st.just(",phone,custom_hat,"),
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize(
    ("interface", "table", "record", "made"),
    [
        ("erp_cache_customers", "accounts", fields, accounts),
        ("srs_customers", "profiles", people, customers),
    ],
)
def test_files_10_a_corrected_index_ends_in_the_rows_of_a_right_one(  # noqa: PLR0917 - drawn and given
    store: psycopg.Connection,
    data: st.DataObject,
    interface: str,
    table: str,
    record: st.SearchStrategy[Any],
    made: Callable[..., Frames],
) -> None:
    """Each record brings some fields only: a row is of several files, in whatever order they come."""
    files = data.draw(st.lists(st.lists(record, min_size=1, max_size=3), min_size=2, max_size=4))
    order = data.draw(st.permutations(range(len(files))))
    wrong = data.draw(st.sampled_from(range(len(files))))
    numbered = [(20170101 + place, made(*files[place])) for place in order]
    both(store, interface, numbered, wrong, table)


def test_files_10_a_corrected_index_sets_addresses_and_purchases_right(
    store: psycopg.Connection,
) -> None:
    people = [
        (20170101, customers(customer("1", "a@x.nl", firstname="Ann"), customer("2", "b@x.nl"))),
        (20170102, customers(customer("1", "c@x.nl", firstname="Anna"), customer("2", "a@x.nl"))),
    ]
    both(store, "srs_customers", people, 0, "profiles", "email_conflicts", "identifiers")
    web = {"number": "1", "order_number": "1"}
    baskets = [
        (20170102, purchases(purchase("W1", 5.0, **web))),
        (20170101, purchases(purchase("W1", 1.0, **web), purchase("W2", 2.0, number="2"))),
        (20170103, purchases(purchase("W1", 7.0, 8.0, **web))),
    ]
    both(store, "srs_purchases", baskets, 1, "purchases", "purchase_lines")


def test_what_has_no_right_index_is_left_alone(store: psycopg.Connection) -> None:
    feed = emptied(store)
    feed.accounts(20170101, {"account_number": "1", "price_list_name": "A"})
    name = "TestShop_ErpCache_Customers_20170101.zip"
    before = rows(store, "files", "accounts")
    for file, index, code in [("X.zip", "1", "not_archived"), (name, str(FUTURE), "future_index")]:
        with pytest.raises(FailError) as refused:
            reindex(store, TESTSHOP, file, index, "ada")
        assert refused.value.code == code
    feed.file("erp_cache_customers", 20170102)
    with pytest.raises(FailError, match="a run is still loading"):
        reindex(store, TESTSHOP, "TestShop_ErpCache_Customers_20170102.zip", "3", "ada")
    assert rows(store, "files", "accounts")["accounts"] == before["accounts"]
