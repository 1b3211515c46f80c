"""Rejected records: stored with the reason, resolved by a later load, or dismissed by people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql

from erp_feeds.batch import FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.copy import copy_rows, empty_tables
from erp_feeds.store.merge import Version
from erp_feeds.store.sql import statement
from erp_feeds.store.suppression import empty_payloads

Originals = Iterable[tuple[int, int, str]]
"""Record number, line on which it starts, the record as delivered."""


def save(connection: psycopg.Connection, file: FeedFile, merchant: Merchant, run: str) -> None:
    """Store the rows of incoming_rejects and incoming_originals, without text of suppressed people."""
    empty_payloads(connection, merchant, file)
    values = {"merchant": merchant.name, "interface": file.interface, "file_id": file.file_id, "run": run}
    connection.execute(statement("rejects/keep", **values))
    _dismiss_again(connection, file, merchant, run)


def resolve(
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    run: str,
    *,
    incoming: str,
    newer: sql.Composed,
) -> None:
    """Resolve what this load brings, and of its own rejects those that newer files brought before it came.

    Args:
        connection: In the transaction of the load.
        file: The one that loads.
        merchant: Whose file it is.
        run: Id of the run.
        incoming: The temporary table with the keys that it brings.
        newer: A query that gives each rejected record of the file that a newer one brought, with its id.
    """
    version = Version(file.sequence, file.file_id).parts()
    whose = {"merchant": merchant.name, "interface": file.interface}
    found = connection.execute(statement("rejects/any_open", **whose, **version)).fetchone()
    earlier_open, is_late, own_open = found or (False, False, False)
    if earlier_open:
        taken = sql.SQL("SELECT key FROM {}").format(sql.Identifier(incoming))
        facts = {**whose, "file_name": file.name, "run": run}
        connection.execute(statement("rejects/resolve", taken=taken, **facts, **version))
    if not own_open:
        return
    none = sql.SQL("SELECT NULL::int AS record, NULL::bigint AS file_id WHERE false")
    brought = newer if is_late else none
    connection.execute(statement("rejects/resolve_own", newer=brought, run=run, **version))


def without_original(connection: psycopg.Connection, file: FeedFile) -> list[int]:
    """Return the rejected records of a file without text: those that only the load could reject."""
    found = connection.execute(statement("rejects/without_original"), {"file_id": file.file_id})
    return [record for (record,) in found]


def add_originals(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, run: str, originals: Originals
) -> None:
    """Keep the text of rejected records, unless it names somebody who is suppressed.

    Raises:
        RetryError: the store was lost.
    """
    with transaction(connection, f"keeping what {file.name} was rejected for"):
        lock_merchant(connection, merchant.name)
        empty_tables(connection)
        copy_rows(connection, "incoming_originals", originals)
        empty_payloads(connection, merchant, file)
        connection.execute(statement("rejects/add_originals", file_id=file.file_id))
        _dismiss_again(connection, file, merchant, run)


@dataclass(frozen=True)
class RejectFilter:
    """Selects rejects of a merchant: those that match all given fields."""

    merchant: str
    interface: str | None = None
    code: str | None = None
    field: str | None = None
    file: str | None = None
    """Name of the file."""
    record: int | None = None


def dismiss(
    connection: psycopg.Connection, choice: RejectFilter, by: str, reason: str, *, reopen: bool = False
) -> int:
    """Dismiss open rejects inside the open transaction, or open dismissed ones again; return how many."""
    values = {**asdict(choice), "by": by, "reason": reason, "reopen": reopen}
    found = connection.execute(statement("rejects/dismiss"), values).fetchone()
    return int(found[0]) if found else 0


def _dismiss_again(connection: psycopg.Connection, file: FeedFile, merchant: Merchant, run: str) -> None:
    if connection.execute("SELECT FROM rejects WHERE dismissed_at IS NOT NULL LIMIT 1").fetchone() is None:
        return
    values = {"merchant": merchant.name, "interface": file.interface, "file_id": file.file_id, "run": run}
    connection.execute(statement("rejects/dismiss_again", **values))
