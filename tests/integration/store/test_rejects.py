"""Rejects: what opens one, what mends it, who may read it, and when a whole file goes with it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from erp_feeds.batch import Counts
from erp_feeds.errors import FailError, QuarantineError
from erp_feeds.merchant import InterfaceSettings
from erp_feeds.store import incidents, queries, reject_queries
from erp_feeds.store.connection import transaction
from erp_feeds.store.load import load_within
from support.store_feed import (
    TESTSHOP,
    Feed,
    accounts,
    customer,
    customers,
    dump,
    frame,
    purchase,
    purchases,
    scalar,
)

ERP = "erp_cache_customers"


def reject(record: int, key: str | None = None, code: str = "invalid_decimal") -> dict[str, Any]:
    return {"record": record, "code": code, "field": "cash_back", "reason": "bad", "key": key}


def rejecting(frames: dict[str, Any], *rejects: dict[str, Any]) -> dict[str, Any]:
    return {**frames, "rejects": frame("rejects", list(rejects))}


def account(number: str = "good") -> dict[str, Any]:
    return {"account_number": number, "price_list_name": "A"}


def nothing(interface: str) -> dict[str, Any]:
    return {ERP: accounts(), "srs_customers": customers(), "srs_purchases": purchases()}[interface]


def opened(store: psycopg.Connection) -> list[tuple[Any, ...]]:
    query = "SELECT file_id, record, code FROM rejects WHERE resolved_at IS NULL ORDER BY 1, 2, 3"
    return store.execute(query).fetchall()


def closed(store: psycopg.Connection) -> list[tuple[Any, ...]]:
    query = """SELECT record, code, resolved_by_run, resolved_by_file FROM rejects
               WHERE resolved_at IS NOT NULL ORDER BY 1, 2"""
    return store.execute(query).fetchall()


def originals(numbers: Any) -> Iterator[tuple[int, int, str]]:
    return ((number, number * 10, f"<C>{number}</C>") for number in sorted(numbers))


@pytest.fixture
def feed(store: psycopg.Connection) -> Feed:
    return Feed(store)


def test_a_replay_resolves_what_it_takes_and_keeps_open_what_it_rejects_again(feed: Feed) -> None:
    file = feed.file(ERP, 1)
    feed.load(file, rejecting(accounts(), reject(1), reject(2), reject(2, code="out_of_range")), "first")
    feed.load(file, rejecting(accounts(account()), reject(2)), "replay")
    assert opened(feed.connection) == [(file.file_id, 2, "invalid_decimal")]
    assert closed(feed.connection) == [
        (1, "invalid_decimal", "replay", file.file_id),
        (2, "out_of_range", "replay", file.file_id),
    ]


def test_a_second_replay_writes_nothing(feed: Feed) -> None:
    file = feed.file(ERP, 1)
    feed.load(file, rejecting(accounts(), reject(1), reject(2)), "first")
    frames = rejecting(accounts(account()), reject(2))
    feed.load(file, frames, "replay 1")
    before = dump(feed.connection)
    feed.load(file, frames, "replay 2")
    assert dump(feed.connection) == before


def test_what_a_replay_had_resolved_and_is_rejected_again_opens_again(feed: Feed) -> None:
    file = feed.file(ERP, 1)
    for frames in (rejecting(accounts(), reject(1)), accounts(account()), rejecting(accounts(), reject(1))):
        feed.load(file, frames)
    assert opened(feed.connection) == [(file.file_id, 1, "invalid_decimal")]
    assert closed(feed.connection) == []


def test_a_newer_file_with_the_same_key_resolves_and_a_replay_of_the_older_leaves_it_resolved(
    feed: Feed,
) -> None:
    older, newer = feed.file(ERP, 1), feed.file(ERP, 2)
    bad = rejecting(accounts(account()), reject(2, key="4711"), reject(3, key="4712"), reject(4))
    feed.load(older, bad, "first")
    feed.load(newer, rejecting(accounts(account("4711")), reject(9, key="4712")), "second")
    assert closed(feed.connection) == [(2, "invalid_decimal", "second", newer.file_id)]
    before = dump(feed.connection)
    feed.load(older, bad, "replay of the older")
    assert dump(feed.connection) == before


def test_an_older_file_or_another_interface_or_merchant_resolves_nothing(feed: Feed) -> None:
    older, newer = feed.file(ERP, 1), feed.file(ERP, 2)
    feed.load(newer, rejecting(accounts(), reject(1, key="4711")))
    feed.load(older, accounts(account("4711")))
    feed.customers(3, customer("4711"))
    other = Feed(feed.connection, TESTSHOP.model_copy(update={"name": "othershop"}))
    other.accounts(9, account("4711"))
    assert len(opened(feed.connection)) == 1


def test_a_newer_revision_of_the_file_resolves_all_of_the_older(feed: Feed) -> None:
    feed.load(feed.file(ERP, 1, "a"), rejecting(accounts(), reject(1), reject(2, key="gone")))
    feed.load(feed.file(ERP, 1, "b"), accounts(account()))
    assert opened(feed.connection) == []


def test_a_customer_is_resolved_by_number_or_without_one_by_email(feed: Feed) -> None:
    file = feed.file("srs_customers", 1)
    keys = ("7", "ada@example.com", "bob@example.com")
    feed.load(file, rejecting(customers(), *(reject(n, key) for n, key in enumerate(keys, 1))))
    feed.customers(2, customer("7"), customer(None, "ada@example.com"), customer("8", "bob@example.com"))
    assert opened(feed.connection) == [(file.file_id, 3, "invalid_decimal")]


def test_a_return_is_not_resolved_by_its_order(feed: Feed) -> None:
    file = feed.file("srs_purchases", 1)
    keys = ("W1@2017-01-05T10:00:00", "W1@2017-01-09T10:00:00", "R|1|2017-01-05T10:00:00")
    feed.load(file, rejecting(purchases(), *(reject(n, key) for n, key in enumerate(keys, 1))))
    order = {"order_number": "W1", "local_time": "2017-01-05T10:00:00"}
    till = {"channel": "offline", "local_time": "2017-01-05T10:00:00"}
    feed.purchases(2, purchase("W1", 1, number="1", **order), purchase(keys[2] + "~2", 1, number="1", **till))
    assert opened(feed.connection) == [(file.file_id, 2, "invalid_decimal")]


def feed_of(feed: Feed, name: str, number: int) -> Feed:
    """The feed of another merchant, whose indexes begin anew."""
    return Feed(feed.connection, TESTSHOP.model_copy(update={"name": f"{name}{number}"}))


TILL = {"channel": "offline", "local_time": "2017-01-05T10:00:00"}
WEB = {"order_number": "W@1", "local_time": "2017-01-05T10:00:00"}
BOUGHT = [purchase("R|1|x", 1, number="1", **TILL), purchase("R|1|x~2", 2, number="1", **TILL)]
RESOLVED_BY_KEY: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (ERP, accounts(account("4711")), ["4711"], ["4712"]),
    (
        "srs_customers",
        customers(customer("7", "ada@example.com")),
        ["7"],
        ["8", "ada@example.com"],
    ),
    ("srs_customers", customers(customer(email="ada@example.com")), ["ada@example.com"], ["7"]),
    ("srs_purchases", purchases(*BOUGHT), ["R|1|x"], ["R|1|y"]),
    ("srs_purchases", purchases(purchase("W@1", 1, number="1", **WEB)), ["W@1@2017-01-05T10:00:00"], ["W@1"]),
]
"""Interface, what the newer file brings, the keys that this mends, and keys that it does not."""


@pytest.mark.parametrize(("interface", "brought", "resolved", "others"), RESOLVED_BY_KEY)
def test_erp_cache_6_whether_a_file_comes_in_time_or_late_the_same_of_its_rejects_are_open(
    feed: Feed, interface: str, brought: dict[str, Any], resolved: list[str], others: list[str]
) -> None:
    keys = [*resolved, *others]
    bad = rejecting(nothing(interface), *(reject(n, key) for n, key in enumerate(keys, 1)))
    wanted = [(n, "invalid_decimal") for n in range(len(resolved) + 1, len(keys) + 1)]
    for number, late in enumerate((False, True)):
        shop = feed_of(feed, "shop", number)
        older, newer = shop.file(interface, 1), shop.file(interface, 2)
        loads = [(older, bad), (newer, brought)]
        for file, frames in reversed(loads) if late else loads:
            shop.load(file, frames)
        assert [row[1:] for row in opened(shop.connection) if row[0] == older.file_id] == wanted
        before = dump(shop.connection)
        shop.load(older, bad, "replay")
        assert dump(shop.connection) == before
        mending = f"SELECT DISTINCT resolved_by_file FROM rejects WHERE file_id = {older.file_id} ORDER BY 1"
        assert scalar(shop.connection, mending) == newer.file_id  # nulls come last


def test_a_late_file_that_is_replayed_after_a_fix_resolves_its_own_rejects(feed: Feed) -> None:
    newer, late = feed.file(ERP, 2), feed.file(ERP, 1)
    feed.load(newer, accounts(account("other")))
    feed.load(late, rejecting(accounts(), reject(1, key="4711"), reject(2)))
    assert len(opened(feed.connection)) == 2
    feed.load(late, accounts(account("4711"), account("4712")), "replay")
    assert opened(feed.connection) == []
    assert [row[2:] for row in closed(feed.connection)] == [("replay", late.file_id)] * 2


def test_what_a_newer_file_did_not_say_of_a_person_resolves_no_late_reject(feed: Feed) -> None:
    feed.customers(1, customer("7", "ada@example.com"), customer("8", "eve@example.com"))
    feed.customers(9, customer("7"), customer(email="eve@example.com"))
    late = feed.file("srs_customers", 5)
    feed.load(late, rejecting(customers(), reject(1, key="ada@example.com"), reject(2, key="8")))
    assert [record for _, record, _ in opened(feed.connection)] == [1, 2]


def test_of_a_revision_that_comes_late_nothing_is_open(feed: Feed) -> None:
    older, newer = feed.file(ERP, 1, "a"), feed.file(ERP, 1, "b")
    feed.load(newer, accounts(account()))
    feed.load(older, rejecting(accounts(), reject(1), reject(2, key="gone")))
    assert opened(feed.connection) == []


def test_every_reject_has_line_and_original_also_one_that_only_the_store_finds(feed: Feed) -> None:
    feed.purchases(1, purchase("p1", 1, number="1", channel="offline"))
    frames = rejecting(purchases(purchase("p1", -1, number="1", channel="offline")), reject(5))
    load_with_originals(feed, feed.file("srs_purchases", 2), frames)
    query = (
        "SELECT record, code, line, raw FROM rejects JOIN rejected_records USING (file_id, record) ORDER BY 1"
    )
    assert feed.connection.execute(query).fetchall() == [
        (1, "class_changed", 10, "<C>1</C>"),
        (5, "invalid_decimal", 50, "<C>5</C>"),
    ]


def test_a_reject_that_a_newer_file_resolved_before_it_came_has_its_original_too(feed: Feed) -> None:
    feed.purchases(2, purchase("p1", 1, number="1", channel="offline"))
    frames = rejecting(purchases(purchase("p1", -1, number="1", channel="offline")))
    load_with_originals(feed, feed.file("srs_purchases", 1), frames)
    query = "SELECT code, line, raw FROM rejects JOIN rejected_records USING (file_id, record)"
    assert opened(feed.connection) == []
    assert feed.connection.execute(query).fetchall() == [("class_changed", 10, "<C>1</C>")]


def load_with_originals(feed: Feed, file: Any, frames: dict[str, Any], run: str = "run1") -> Counts:
    """Load as the task does: the texts of the steps' rejects come with the frames, others are added."""
    from erp_feeds.store import rejects

    known = [
        dict(zip(("record", "line", "text"), row, strict=True))
        for row in originals(frames["rejects"]["record"])
    ]
    try:
        return feed.load(file, {**frames, "originals": frame("originals", known)}, run)
    finally:
        if numbers := rejects.without_original(feed.connection, file):
            rejects.add_originals(feed.connection, file, feed.merchant, run, originals(numbers))


def test_a_load_that_fails_while_it_resolves_rejects_leaves_nothing(
    feed: Feed, store: psycopg.Connection
) -> None:
    file = feed.file(ERP, 1)
    feed.load(file, rejecting(accounts(), reject(1)))
    store.execute(
        """CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'power cut'; END $$;
           CREATE TRIGGER crash BEFORE UPDATE ON rejects FOR EACH ROW EXECUTE FUNCTION crash()"""
    )
    store.commit()
    before = dump(store)
    with pytest.raises(FailError):
        feed.load(file, accounts(account()), "replay")
    assert dump(store) == before
    store.execute("DROP TRIGGER crash ON rejects")
    feed.load(file, accounts(account()), "replay again")
    assert opened(store) == []
    assert scalar(store, "SELECT count(*) FROM accounts") == 1


def strict(feed: Feed, interface: str, percent: float) -> None:
    interfaces = {**feed.merchant.interfaces, interface: InterfaceSettings(max_reject_percent=percent)}
    feed.merchant = feed.merchant.model_copy(update={"interfaces": interfaces})


def tallied(feed: Feed, interface: str, read: int, **rejected: int) -> Any:
    file = feed.file(interface, 9)
    return file.model_copy(update={"counts": Counts(read=read, rejected=rejected)})


@pytest.mark.parametrize(("percent", "loads"), [(100, True), (50, True), (49.9, False), (0, False)])
def test_above_max_reject_percent_nothing_of_the_file_loads(feed: Feed, percent: float, loads: bool) -> None:
    strict(feed, ERP, percent)
    file = tallied(feed, ERP, 2, invalid_decimal=1)
    frames = rejecting(accounts(account()), reject(2))
    if loads:
        assert feed.load(file, frames).loaded == 1
        return
    with pytest.raises(QuarantineError, match="too_many_rejects: 1 of 2 records are rejected"):
        feed.load(file, frames)
    assert scalar(feed.connection, "SELECT count(*) FROM accounts") == 0
    state = "SELECT state || ' ' || code || ' ' || (counts->>'read') FROM files"
    assert scalar(feed.connection, state) == "quarantined too_many_rejects 2"
    assert opened(feed.connection) == [(file.file_id, 2, "invalid_decimal")]  # visible: they say why
    before = dump(feed.connection)
    with pytest.raises(QuarantineError):
        feed.load(file, frames, "replay")
    assert dump(feed.connection) == before


def test_too_many_rejects_counts_those_that_only_the_store_finds(feed: Feed) -> None:
    feed.purchases(1, purchase("p1", 1, number="1", channel="offline"))
    strict(feed, "srs_purchases", 40)
    file = tallied(feed, "srs_purchases", 3, missing_field=1)
    flipped = purchase("p1", -1, number="1", channel="offline")
    frames = rejecting(purchases(flipped, purchase("o1", 1, number="2")), reject(3))
    before = dump(feed.connection, ("purchases", "purchase_lines", "profiles", "identifiers"))
    with pytest.raises(QuarantineError, match=r"2 of 3 .*1 class_changed, 1 missing_field.*40 %"):
        load_with_originals(feed, file, frames)
    assert dump(feed.connection, ("purchases", "purchase_lines", "profiles", "identifiers")) == before
    assert [row[1:] for row in opened(feed.connection)] == [(1, "class_changed"), (3, "invalid_decimal")]
    strict(feed, "srs_purchases", 100)
    assert load_with_originals(feed, file, frames, "replay").loaded == 1
    assert scalar(feed.connection, f"SELECT state FROM files WHERE file_id = {file.file_id}") == "loaded"


def test_the_original_of_a_reject_is_for_the_owner_alone(feed: Feed, store: psycopg.Connection) -> None:
    load_with_originals(feed, feed.file(ERP, 1), rejecting(accounts(), reject(1, key="4711")))
    role = f"reader_{scalar(store, 'SELECT pg_backend_pid()')}"
    store.execute(
        f"""CREATE ROLE {role}; GRANT USAGE ON SCHEMA erp_feeds TO {role};
            GRANT SELECT ON ALL TABLES IN SCHEMA erp_feeds TO {role}; SET ROLE {role};
            SET LOCAL row_security = on"""  # as on a connection of the reader, which has loaded nothing
    )
    assert scalar(store, "SELECT code FROM rejects") == "invalid_decimal"
    assert scalar(store, "SELECT count(*) FROM rejected_records") == 0
    [seen] = reject_queries.rejects(store, "testshop")
    assert seen.raw is None
    store.rollback()
    [seen] = reject_queries.rejects(store, "testshop", with_raw=True)
    assert seen.raw == "<C>1</C>"


def test_open_rejects_are_shown_and_counted_and_resolved_ones_on_demand(feed: Feed) -> None:
    file = feed.file(ERP, 1)
    feed.load(file, rejecting(accounts(), reject(1), reject(2)), "first")
    feed.load(file, rejecting(accounts(account()), reject(2)), "replay")
    [shown] = reject_queries.rejects(feed.connection, "testshop")
    assert (shown.record, shown.run_id, shown.resolved_at) == (2, "first", None)
    every = reject_queries.rejects(feed.connection, "testshop", with_all=True)
    assert [(each.record, each.resolved_by_run) for each in every] == [(1, "replay"), (2, None)]
    assert every[0].resolved_by_file == file.name
    assert queries.status(feed.connection)[0].rejects == {"invalid_decimal": 1}


def test_a_record_with_two_errors_of_one_code_counts_once_in_status_and_incident(feed: Feed) -> None:
    bad = reject(1)
    feed.load(feed.file(ERP, 1), rejecting(accounts(), bad, {**bad, "field": "discount_percentage"}))
    assert len(reject_queries.rejects(feed.connection, "testshop")) == 2
    assert queries.status(feed.connection)[0].rejects == {"invalid_decimal": 1}
    assert [each.number for each in incidents.causes(feed.connection, "testshop")] == [1]


def test_whatever_the_order_of_replays_the_same_rejects_are_open(feed: Feed) -> None:
    files = [feed.file(ERP, index) for index in (1, 2, 3)]
    frames = [
        rejecting(accounts(account("a")), reject(2, key="b"), reject(3, key="c")),
        rejecting(accounts(account("b")), reject(2, key="c")),
        rejecting(accounts(account("a")), reject(2, key="b")),
    ]
    for file, data in zip(files, frames, strict=True):
        feed.load(file, data)
    wanted = opened(feed.connection)
    for order in itertools.permutations(range(3)):
        for number in order:
            feed.load(files[number], frames[number], "replay")
        assert opened(feed.connection) == wanted


def test_erp_cache_6_whatever_the_order_of_files_the_same_rejects_are_open(feed: Feed) -> None:
    frames = [
        rejecting(accounts(account("a")), reject(2, key="b"), reject(3, key="c"), reject(4)),
        rejecting(accounts(account("b")), reject(2, key="c")),
        rejecting(accounts(account("a"), account("d")), reject(2, key="b")),
    ]
    results = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        shop = feed_of(feed, "shop", number)
        files = [shop.file(ERP, index) for index in (1, 2, 3)]
        for place in order:
            shop.load(files[place], frames[place])
        places = {file.file_id: place for place, file in enumerate(files)}
        found = opened(shop.connection)
        results.add(tuple((places[each[0]], each[1]) for each in found if each[0] in places))
    assert results == {((0, 3), (0, 4), (1, 2), (2, 2))}


MANY = 1_000
GOOD = {
    ERP: lambda: accounts(*(account(str(number)) for number in range(MANY))),
    "srs_customers": lambda: customers(*(customer(str(number)) for number in range(MANY))),
    "srs_purchases": lambda: purchases(*(purchase(f"p{number}", 1, number="1") for number in range(MANY))),
}


@pytest.mark.parametrize("interface", GOOD)
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1)])
def test_the_work_of_a_load_is_in_proportion_to_its_rejects_also_where_files_before_it_had_them(
    store: psycopg.Connection, interface: str, order: tuple[int, ...]
) -> None:
    """The statistics are of the first file alone, as they may be until autovacuum comes."""
    allowed = {interface: InterfaceSettings(max_reject_percent=100)}
    merchant = TESTSHOP.model_copy(update={"interfaces": allowed})
    feed = Feed(store, merchant)
    bad = [reject(MANY + number, key=f"bad{number}") for number in range(1, MANY + 1)]
    frames = rejecting(GOOD[interface](), *bad)
    for index in order:
        file = feed.file(interface, index)
        with transaction(store, "loading"):
            load_within(store, [file], merchant, "run", [frames])
            read = scalar(
                store, "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            )
        assert read < 200 * MANY  # each with each would be a thousand times as many
        if index == order[0]:
            store.execute("ANALYZE rejects, rejected_records")
