"""Accounts of the ERP cache in the real store: rules of the contract, by name."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import pandas as pd
import psycopg
import pytest

from erp_feeds.codes import WarningCode
from erp_feeds.errors import QuarantineError
from erp_feeds.merchant import InterfaceSettings
from erp_feeds.store import connection as connections
from erp_feeds.store import ledger, queries
from erp_feeds.store.load import load_files
from support.store_feed import TESTSHOP, Feed, accounts, dump, frame, scalar

FULL = {
    "account_number": "00123",
    "price_list_name": "WHOLESALE",
    "invoice_to": "100",
    "delivery_scheme_code": "DAILY",
    "cumulative_sales_volume": Decimal("1234.50"),
    "cash_back": Decimal("1.00"),
    "cash_back_calculate_to_date": date(2017, 1, 31),
    "discount_percentage": Decimal("2.50"),
}
STATE = ("price_list_name", "invoice_to", "cash_back", "sequence", "file_id", "record", "field_versions")


def rows(store: psycopg.Connection) -> list[tuple[Any, ...]]:
    return store.execute(f"SELECT account_number, {', '.join(STATE)} FROM accounts ORDER BY 1").fetchall()


def test_every_field_arrives_as_delivered(store: psycopg.Connection) -> None:
    counts = Feed(store).accounts(1, FULL, {**FULL, "account_number": "100", "invoice_to": None})
    stored = store.execute(f"SELECT {', '.join(FULL)} FROM accounts ORDER BY account_number").fetchone()
    assert stored == tuple(FULL.values())
    assert counts.loaded == 2
    assert counts.warnings == {}


def test_a_frame_whose_first_chunk_is_empty_arrives(store: psycopg.Connection) -> None:
    frames = accounts(FULL)
    frames["accounts"] = pd.concat([frames["accounts"].head(0), frames["accounts"]], ignore_index=True)
    feed = Feed(store)
    feed.load(feed.file("erp_cache_customers", 1), frames)
    assert scalar(store, "SELECT price_list_name FROM accounts") == FULL["price_list_name"]


def test_numbers_that_look_alike_differ(store: psycopg.Connection) -> None:
    Feed(store).accounts(1, FULL, {**FULL, "account_number": "123"})
    assert scalar(store, "SELECT count(*) FROM accounts") == 2


def test_erp_cache_2_missing_keeps_and_empty_clears(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.accounts(1, FULL)
    feed.accounts(2, {"account_number": "00123", "price_list_name": "B", "cleared": ",cash_back,"})
    [(_, price_list, invoice_to, cash_back, *_)] = rows(store)
    assert (price_list, invoice_to, cash_back) == ("B", "100", None)


def test_erp_cache_6_what_a_newer_file_confirms_is_written_nowhere_and_no_late_file_wins_over_it(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    emptied = {**FULL, "cash_back": None, "cleared": ",cash_back,"}
    early, late = feed.file("erp_cache_customers", 1), feed.file("erp_cache_customers", 2)
    feed.load(early, accounts(emptied))
    before = store.execute("SELECT xmin, * FROM accounts").fetchall()
    feed.accounts(3, {**FULL, "account_number": "9"}, emptied)
    assert store.execute("SELECT xmin, * FROM accounts WHERE account_number <> '9'").fetchall() == before
    feed.accounts(4, {"account_number": "00123", "price_list_name": "B"})
    feed.load(late, accounts({**FULL, "price_list_name": "LATE", "invoice_to": "7"}))
    [(_, price_list, invoice_to, cash_back, *place), _] = rows(store)
    assert (price_list, invoice_to, cash_back) == ("B", "100", None)
    *_, versions = place
    assert versions["invoice_to"] == versions["cash_back"] == [3.0001, 3, 2]


def test_erp_cache_5_absent_customers_stay(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.accounts(1, FULL)
    feed.accounts(2, {**FULL, "account_number": "9"})
    assert [row[0] for row in rows(store)] == ["00123", "9"]


def test_erp_cache_6_index_numbers_compare_as_integers(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.accounts(10, {**FULL, "price_list_name": "TEN"})
    feed.accounts(9, {**FULL, "price_list_name": "NINE"})
    assert rows(store)[0][1] == "TEN"


def test_erp_cache_6_late_file_fills_only_what_no_newer_file_brought(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.accounts(2, {"account_number": "1", "price_list_name": "NEW", "cleared": ",invoice_to,"})
    late = {"account_number": "1", "price_list_name": "OLD", "invoice_to": "7", "cash_back": Decimal("5.00")}
    counts = feed.accounts(1, late)
    [(_, price_list, invoice_to, cash_back, *_)] = rows(store)
    assert (price_list, invoice_to, cash_back) == ("NEW", None, Decimal("5.00"))
    assert counts.warnings == {WarningCode.LATE_FILE: 1, WarningCode.UNKNOWN_DEBTOR: 1}


def test_erp_cache_6_new_revision_wins_over_the_first(store: psycopg.Connection) -> None:
    feed = Feed(store)
    first = feed.file("erp_cache_customers", 1, "a")
    second = feed.file("erp_cache_customers", 1, "b")
    counts = feed.load(second, accounts({**FULL, "price_list_name": "SECOND"}))
    feed.load(first, accounts({**FULL, "price_list_name": "FIRST"}))
    assert rows(store)[0][1] == "SECOND"
    assert counts.warnings == {WarningCode.NEW_REVISION: 1, WarningCode.UNKNOWN_DEBTOR: 1}


def test_erp_cache_6_the_same_name_and_bytes_again_are_nothing_new(store: psycopg.Connection) -> None:
    feed = Feed(store)
    feed.accounts(1, FULL)
    again = feed.seen(feed.remote_file("erp_cache_customers", 1, "a"))
    digest = hashlib.sha256(b"a").hexdigest()
    assert ledger.archive(store, again, digest, "file:///archive/a", date(2017, 1, 1)) is None
    states = store.execute("SELECT state FROM files ORDER BY file_id").fetchall()
    assert states == [("loaded",), ("duplicate",)]


def test_erp_cache_6_bytes_that_take_a_newer_revision_back_are_a_revision_too(
    store: psycopg.Connection,
) -> None:
    """The ERP party's last word counts, also where it said the same before."""
    feed = Feed(store)
    said = {"a": "WHOLESALE", "b": "RETAIL"}
    counts = [
        feed.load(
            feed.file("erp_cache_customers", 1, word), accounts({**FULL, "price_list_name": said[word]})
        )
        for word in ("a", "b", "a")
    ]
    assert scalar(store, "SELECT price_list_name FROM accounts") == "WHOLESALE"
    assert counts[2].warnings[WarningCode.NEW_REVISION] == 1
    again = feed.seen(feed.remote_file("erp_cache_customers", 1, "a"))
    digest = hashlib.sha256(b"a").hexdigest()
    assert ledger.archive(store, again, digest, "file:///archive/a", date(2017, 1, 1)) is None


def test_erp_cache_6_gaps_are_reported_only_where_index_numbers_count_up(store: psycopg.Connection) -> None:
    counting = {"erp_cache_customers": InterfaceSettings(index="sequence")}
    feed = Feed(store, TESTSHOP.model_copy(update={"interfaces": counting}))
    row = {"account_number": "1", "price_list_name": "A"}
    files = {index: feed.file("erp_cache_customers", index) for index in (7, 8)}
    found = [feed.load(files[index], accounts(row)).warnings for index in (7, 8)]
    files[12] = feed.file("erp_cache_customers", 12)
    found.append(feed.load(files[12], accounts(row)).warnings)
    assert found == [{}, {}, {WarningCode.INDEX_GAP: 3}]
    late = {WarningCode.LATE_FILE: 1}
    assert feed.accounts(9, row).warnings == late
    assert feed.accounts(11, row).warnings == late | {WarningCode.INDEX_GAP: 1}
    assert feed.load(files[12], accounts(row), "replay").warnings == {WarningCode.INDEX_GAP: 3}
    assert Feed(store).accounts(99, row).warnings == {}


def test_erp_cache_7_an_unknown_debtor_is_a_warning_of_its_file(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file("erp_cache_customers", 1)
    rows = [
        {"account_number": number, "price_list_name": "A", "invoice_to": debtor}
        for number, debtor in (("1", "9"), ("2", "2"), ("3", "1"), ("4", None), ("5", "9"))
    ]
    warned = {WarningCode.UNKNOWN_DEBTOR: 2}
    assert feed.load(file, accounts(*rows)).warnings == warned
    assert feed.accounts(2, {"account_number": "9", "price_list_name": "Z"}).warnings == {}
    assert feed.load(file, accounts(*rows), "replay").warnings == warned
    found = queries.account(store, "testshop", "1")
    assert found is not None
    assert (found.price_list_name, found.debtor, found.note) == ("Z", "9", None)


FILES: tuple[dict[str, Any], ...] = (
    {"account_number": "1", "price_list_name": "A", "invoice_to": "7", "cash_back": Decimal("1.00")},
    {"account_number": "1", "price_list_name": "B", "cleared": ",invoice_to,"},
    {"account_number": "1", "price_list_name": "C", "cleared": ",cash_back,discount_percentage,"},
    {"account_number": "1", "price_list_name": "D", "discount_percentage": Decimal("9.00")},
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_any_order_of_files_ends_in_the_same_rows(store: psycopg.Connection, order: tuple[int, ...]) -> None:
    feed = Feed(store)
    files = [feed.file("erp_cache_customers", index) for index in range(1, 5)]
    for position in order:
        feed.load(files[position], accounts(FILES[position]))
    [found] = rows(store)
    last = files[3]
    assert found[1:4] == ("D", None, None)
    assert found[5] == last.file_id
    assert {field: origin[1] for field, origin in found[7].items()} == {
        "invoice_to": files[1].file_id,
        "cash_back": files[2].file_id,
    }


def test_a_rerun_writes_nothing(store: psycopg.Connection) -> None:
    feed = Feed(store)
    files = [feed.file("erp_cache_customers", index) for index in range(1, 5)]
    rejects = frame(
        "rejects", [{"record": 9, "code": "invalid_decimal", "field": "cash_back", "reason": "bad"}]
    )
    for file, row in zip(files, FILES, strict=True):
        feed.load(file, {**accounts(row), "rejects": rejects})
    before = dump(store)
    for file, row in zip(files, FILES, strict=True):
        feed.load(file, {**accounts(row), "rejects": rejects}, run="replay")
        assert dump(store) == before
    assert scalar(store, "SELECT count(*) FROM file_runs") == 8


def test_a_crash_before_the_end_leaves_nothing(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(store)
    file = feed.file("erp_cache_customers", 1)
    before = dump(store)

    def crash(*args: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "finish", crash)
        with pytest.raises(RuntimeError):
            feed.load(file, accounts(FULL))
    assert dump(store) == before
    assert feed.load(file, accounts(FULL)).loaded == 1


def test_refused_values_set_the_file_aside_and_are_not_named(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file("erp_cache_customers", 1)
    with pytest.raises(QuarantineError) as caught:
        feed.load(file, accounts({**FULL, "account_number": None}))
    assert caught.value.code == "not_loadable"
    assert "00123" not in str(caught.value)
    assert "account_number" in str(caught.value)
    assert caught.value.__cause__ is None


def test_two_loads_at_once_end_like_one_after_the_other(store: psycopg.Connection, store_uri: str) -> None:
    feed = Feed(store)
    files = [feed.file("erp_cache_customers", index) for index in range(1, 9)]

    def work(part: int) -> None:
        with connections.open_uri(store_uri) as own:
            for file in files[part::2]:
                Feed(own).load(file, accounts({**FULL, "price_list_name": file.index_number}))

    threads = [threading.Thread(target=work, args=(part,)) for part in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row[1] for row in rows(store)] == ["8"]
    assert scalar(store, "SELECT count(*) FROM files WHERE state = 'loaded'") == 8


def test_a_load_copies_its_rows_while_another_one_of_the_merchant_writes(
    store: psycopg.Connection, store_uri: str
) -> None:
    file = Feed(store).file("erp_cache_customers", 1)
    copied = threading.Event()

    class Pieces:
        def __iter__(self) -> Iterator[dict[str, pd.DataFrame]]:
            yield accounts(FULL)
            copied.set()

    def work() -> None:
        with connections.open_uri(store_uri) as own:
            load_files(own, [file], TESTSHOP, "run1", lambda _: Pieces())

    waiting = threading.Thread(target=work)
    with connections.transaction(store, "holding the lock"):
        connections.lock_merchant(store, TESTSHOP.name)
        waiting.start()
        assert copied.wait(timeout=60)
        assert scalar(store, "SELECT count(*) FROM accounts") == 0
    waiting.join()
    assert [row[0] for row in rows(store)] == [FULL["account_number"]]


def test_merchants_do_not_meet(store: psycopg.Connection) -> None:
    other = Feed(store).merchant.model_copy(update={"name": "othershop"})
    Feed(store).accounts(1, FULL)
    Feed(store, other).accounts(1, {**FULL, "price_list_name": "OTHER"})
    found = store.execute("SELECT merchant, price_list_name FROM accounts ORDER BY 1").fetchall()
    assert found == [("othershop", "OTHER"), ("testshop", "WHOLESALE")]
