"""Small files load together in one transaction, and keep what each file is promised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import psycopg
import pytest

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.errors import FailError
from erp_feeds.store import load
from erp_feeds.store.load import load_files
from support.store_feed import TESTSHOP, Feed, accounts, customer, customers, dump, scalar

ERP = "erp_cache_customers"
LISTS = {1: "RETAIL", 2: "WHOLESALE", 3: "EXPORT"}


def account(index: int, **fields: Any) -> dict[str, Any]:
    return {"account_number": str(100 + index), "price_list_name": LISTS[index], **fields}


@pytest.fixture
def three(store: psycopg.Connection) -> list[FeedFile]:
    feed = Feed(store)
    return [feed.file(ERP, index) for index in LISTS]


def frames_of(files: list[FeedFile]) -> Callable[[FeedFile], dict[str, pd.DataFrame]]:
    found = {file.file_id: accounts(account(index)) for index, file in enumerate(files, 1)}
    return lambda file: found[file.file_id]


def stored(store: psycopg.Connection) -> list[str]:
    query = "SELECT price_list_name FROM accounts ORDER BY account_number"
    return [name for (name,) in store.execute(query)]


def states(store: psycopg.Connection) -> list[str]:
    return [state for (state,) in store.execute("SELECT state FROM files ORDER BY sequence")]


def test_a_file_that_does_not_fit_takes_no_other_of_its_group_along(
    store: psycopg.Connection, three: list[FeedFile]
) -> None:
    store.execute("ALTER TABLE accounts ADD CONSTRAINT retail CHECK (price_list_name <> 'WHOLESALE')")
    found = load_files(store, three, TESTSHOP, "run1", frames_of(three))
    assert [str(each.error.code) if each.error else "" for each in found] == ["", "not_loadable", ""]
    assert stored(store) == ["RETAIL", "EXPORT"]
    assert states(store) == ["loaded", "archived", "loaded"]


def test_a_conflict_that_only_a_commit_finds_is_of_the_file_that_brought_it(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    files = [feed.file("srs_customers", index) for index in (1, 2, 3)]
    frames = {file.file_id: customers(customer(str(file.file_id), "a@b.nl")) for file in files}
    store.execute(
        "ALTER TABLE identifiers ADD CONSTRAINT once UNIQUE (merchant, type) DEFERRABLE INITIALLY DEFERRED"
    )
    found = load_files(store, files, TESTSHOP, "run1", lambda file: frames[file.file_id])
    assert [bool(each.error) for each in found] == [False, True, True]
    assert scalar(store, "SELECT count(*) FROM identifiers") == 1


def test_a_group_is_written_whole_or_not_at_all(store: psycopg.Connection, three: list[FeedFile]) -> None:
    frames = frames_of(three)

    def dying(file: FeedFile) -> dict[str, pd.DataFrame]:
        if file is three[2]:
            raise MemoryError
        return frames(file)

    before = dump(store)
    with pytest.raises(MemoryError):
        load_files(store, three, TESTSHOP, "run1", dying)
    assert dump(store) == before


def test_where_a_group_fails_each_file_loads_by_itself(
    store: psycopg.Connection, three: list[FeedFile]
) -> None:
    frames = frames_of(three)

    def lacking(file: FeedFile) -> dict[str, pd.DataFrame]:
        if file is three[2]:
            raise FailError("not staged any more")
        return frames(file)

    with pytest.raises(FailError, match="not staged"):
        load_files(store, three, TESTSHOP, "run1", lacking)
    assert stored(store) == ["RETAIL", "WHOLESALE"]
    assert states(store) == ["loaded", "loaded", "archived"]


@pytest.mark.rule("ERP cache 7")
def test_a_debtor_of_a_later_file_of_the_group_was_unknown_also_for_a_replay(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    files = [feed.file(ERP, index) for index in (1, 2)]
    frames = {
        files[0].file_id: accounts(account(1, invoice_to="102")),
        files[1].file_id: accounts(account(2)),
    }
    for _ in range(2):
        found = load_files(store, files, TESTSHOP, "run1", lambda file: frames[file.file_id])
        assert [each.file.counts.warnings for each in found] == [{"unknown_debtor": 1}, {}]


def test_what_a_file_leaves_in_the_tables_of_a_load_is_not_seen_by_the_next(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    files = [feed.file("srs_customers", index) for index in (1, 2)]
    frames = {file.file_id: customers(customer(str(file.file_id))) for file in files}
    found = load_files(store, files, TESTSHOP, "run1", lambda file: frames[file.file_id])
    assert [each.file.counts.loaded for each in found] == [1, 1]
    records = store.execute("SELECT file_id, record FROM identifiers ORDER BY file_id").fetchall()
    assert records == [(file.file_id, 1) for file in files]


def file_of(interface: str, index: int, records: int = 1) -> FeedFile:
    facts = {
        "file_id": index,
        "interface": interface,
        "name": f"{index}",
        "size": 1,
        "index_number": f"{index}",
    }
    return FeedFile.model_validate({**facts, "sequence": f"{index}.0001", "counts": Counts(read=records)})


def test_groups_hold_one_interface_in_load_order_and_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "GROUP_FILES", 2)
    monkeypatch.setattr(load, "GROUP_RECORDS", 10)
    small = [file_of(ERP, index) for index in (3, 10, 2)]
    large = [file_of("srs_customers", 1, 11), file_of("srs_customers", 2), file_of("srs_customers", 4, 9)]
    found = [[(file.interface, file.file_id) for file in group] for group in load.groups([*small, *large])]
    assert found == [
        [(ERP, 2), (ERP, 3)],
        [(ERP, 10)],
        [("srs_customers", 1)],
        [("srs_customers", 2), ("srs_customers", 4)],
    ]
