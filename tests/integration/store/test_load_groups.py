"""Small files load together in one transaction, and keep what each file is promised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
import psycopg
import pytest

from erp_feeds.batch import FeedFile
from erp_feeds.errors import FailError
from erp_feeds.store import ledger
from erp_feeds.store.load import load_files
from support.store_feed import TESTSHOP, Feed, accounts, customer, customers, dump, scalar

Of = Callable[[Sequence[FeedFile]], list[dict[str, pd.DataFrame]]]

ERP = "erp_cache_customers"
LISTS = {1: "RETAIL", 2: "WHOLESALE", 3: "EXPORT"}


def account(index: int, **fields: Any) -> dict[str, Any]:
    return {"account_number": str(100 + index), "price_list_name": LISTS[index], **fields}


@pytest.fixture
def three(store: psycopg.Connection) -> list[FeedFile]:
    feed = Feed(store)
    return placed(feed.file(ERP, index) for index in LISTS)


def placed(files: Iterable[FeedFile]) -> list[FeedFile]:
    """Number the records of files through, one of each."""
    return [file.model_copy(update={"before": before}) for before, file in enumerate(files)]


def together(*frames: dict[str, pd.DataFrame]) -> Of:
    """Return what gives some of the files their frames: those of each, one record a file."""
    return lambda files: [
        {
            name: pd.concat([frames[file.before][name].assign(record=file.before + 1) for file in files])
            for name in frames[0]
        }
    ]


def frames_of(files: list[FeedFile]) -> Of:
    return together(*(accounts(account(index)) for index in range(1, len(files) + 1)))


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
    files = placed(feed.file("srs_customers", index) for index in (1, 2, 3))
    frames = together(*(customers(customer(str(number), "a@b.nl")) for number in range(3)))
    store.execute(
        "ALTER TABLE identifiers ADD CONSTRAINT once UNIQUE (merchant, type) DEFERRABLE INITIALLY DEFERRED"
    )
    found = load_files(store, files, TESTSHOP, "run1", frames)
    assert [bool(each.error) for each in found] == [False, True, True]
    assert scalar(store, "SELECT count(*) FROM identifiers") == 1


def test_a_group_is_written_whole_or_not_at_all(
    store: psycopg.Connection, three: list[FeedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_: Any) -> Any:
        raise MemoryError

    before = dump(store)
    monkeypatch.setattr(ledger, "finish", dying)
    with pytest.raises(MemoryError):
        load_files(store, three, TESTSHOP, "run1", frames_of(three))
    assert dump(store) == before


def test_where_a_group_fails_its_halves_load(store: psycopg.Connection, three: list[FeedFile]) -> None:
    frames = frames_of(three)

    def lacking(files: Sequence[FeedFile]) -> list[dict[str, pd.DataFrame]]:
        if three[2] in files:
            raise FailError("not staged any more")
        return frames(files)

    with pytest.raises(FailError, match="not staged"):
        load_files(store, three, TESTSHOP, "run1", lacking)
    assert stored(store) == ["RETAIL", "WHOLESALE"]
    assert states(store) == ["loaded", "loaded", "archived"]


@pytest.mark.rule("ERP cache 7")
def test_a_debtor_of_a_later_file_of_the_group_was_unknown_also_for_a_replay(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    files = placed(feed.file(ERP, index) for index in (1, 2))
    frames = together(accounts(account(1, invoice_to="102")), accounts(account(2)))
    for _ in range(2):
        found = load_files(store, files, TESTSHOP, "run1", frames)
        assert [each.file.counts.warnings for each in found] == [{"unknown_debtor": 1}, {}]


def test_what_a_file_leaves_in_the_tables_of_a_load_is_not_seen_by_the_next(
    store: psycopg.Connection,
) -> None:
    feed = Feed(store)
    files = placed(feed.file("srs_customers", index) for index in (1, 2))
    frames = together(*(customers(customer(str(number))) for number in range(2)))
    found = load_files(store, files, TESTSHOP, "run1", frames)
    assert [each.file.counts.loaded for each in found] == [1, 1]
    records = store.execute("SELECT file_id, record FROM identifiers ORDER BY file_id").fetchall()
    assert records == [(file.file_id, 1) for file in files]
