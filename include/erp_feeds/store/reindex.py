"""Another index number for a file that came under a wrong one, so that correct files win again."""

from __future__ import annotations

from datetime import date

import psycopg
from psycopg import sql

from erp_feeds.codes import FileState
from erp_feeds.errors import FailError
from erp_feeds.interfaces import has_future_index
from erp_feeds.interfaces.spec import FileName
from erp_feeds.interfaces.targets import PROFILE_FIELDS
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.records.kind import LoadMethod
from erp_feeds.store import audit, confirmations
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.sql import statement

DONE = {FileState.LOADED, FileState.QUARANTINED}


def reindex(
    connection: psycopg.Connection, merchant: Merchant, name: str, index_number: str, by: str
) -> date:
    """Give a file another index number: in the ledger, and in all that it wrote (rule: files 10).

    Fields that later files could not write, because this one counted as newer, are not in the store: it takes
    a replay of them. Which record became which profile stays as it is.

    Args:
        connection: Of the store.
        merchant: Whose file it is; other loads of this merchant wait.
        name: Of the file; every revision of it is meant.
        index_number: Digits.
        by: Who corrects it, for the audit.

    Returns:
        The day from which on the merchant's files must be replayed.

    Raises:
        FailError: the ledger has no such file that has been archived, a run is still at it, or the index is a
            time in the future too.
    """
    right = FileName("", index_number)
    owner = {"merchant": merchant.name, "index_number": index_number}
    facts = {**owner, "interfaces": list(merchant.interfaces), "name": name, "day": right.day()}
    with transaction(connection, f"giving {name} another index"):
        lock_merchant(connection, merchant.name)
        found = connection.execute(statement("reindex/files"), facts).fetchall()
        if not found:
            raise FailError(f"{merchant.name} has no archived original of {name}", "not_archived")
        if not {FileState(state) for _, _, state in found} <= DONE | {FileState.DUPLICATE}:
            raise FailError(f"a run is still loading {name}: wait for its end", "unfinished")
        (interface,) = {interface for _, interface, _ in found}
        if has_future_index(merchant, interface, right):
            raise FailError(f"index {index_number} is a time in the future", "future_index")
        file_ids = [file_id for file_id, _, _ in found]
        _renumber_rows(connection, merchant.name, interface, file_ids)
        parts = {**owner, "interface": interface}
        connection.execute(statement("reindex/reopen", **parts, file_ids=file_ids))
        (day,) = connection.execute(statement("reindex/first_day"), parts).fetchone() or (None,)
        assert isinstance(day, date)  # noqa: S101 - every archived file has one
        audit.note(connection, by, merchant.name, "index corrected", f"{name}: {index_number}")
    return day


def _renumber_rows(
    connection: psycopg.Connection, merchant: str, interface: str, file_ids: list[int]
) -> None:
    """Write the ledger's new sequence of some files to the rows that they wrote."""
    rows = KINDS[interface].rows
    confirmations.apply(connection, merchant, rows)
    if rows.loading is LoadMethod.PURCHASES:
        connection.execute(statement("reindex/purchases", merchant=merchant, file_ids=file_ids))
        return
    is_people = rows.loading is LoadMethod.PEOPLE
    renumber = statement(
        "reindex/versioned",
        table=sql.Identifier(rows.table),
        key=sql.Identifier(confirmations.key_of(rows)),
        fields=["email", *PROFILE_FIELDS] if is_people else list(rows.fields),
        merchant=merchant,
        file_ids=file_ids,
    )
    connection.execute(renumber)
