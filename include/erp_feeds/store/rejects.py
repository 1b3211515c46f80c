"""Rejected records: stored with the reason, resolved by a later load, or dismissed by people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql

from erp_feeds.batch import FeedFile
from erp_feeds.errors import counted
from erp_feeds.merchant import Merchant
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.copy import copy_rows, empty_tables
from erp_feeds.store.sql import statement
from erp_feeds.store.suppression import empty_payloads

Originals = Iterable[tuple[int, int, str]]
"""Record number, line on which it starts, the record as delivered."""


def save(connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, run: str) -> None:
    """Store the rows of incoming_rejects and incoming_originals, without text of suppressed people."""
    empty_payloads(connection, merchant, files)
    values = {"merchant": merchant.name, "interface": files[0].interface, "run": run}
    connection.execute(statement("rejects/keep", **values))
    _dismiss_again(connection, files, merchant, run)


def resolve(
    connection: psycopg.Connection, interface: str, merchant: Merchant, run: str, *, incoming: str
) -> None:
    """Resolve the rejects of earlier files that a load brings again.

    Args:
        connection: In the transaction of the load; its table `loading` names the files.
        interface: Of the files.
        merchant: Whose files they are.
        run: Id of the run.
        incoming: The temporary table with the keys that they bring.
    """
    whose = {"merchant": merchant.name, "interface": interface}
    ((is_any_open,),) = connection.execute(statement("rejects/earlier_open", **whose))
    if is_any_open:
        facts = {**whose, "incoming": sql.Identifier(incoming), "run": run}
        connection.execute(statement("rejects/resolve", **facts))


def resolve_own(
    connection: psycopg.Connection, interface: str, merchant: Merchant, run: str, *, newer: sql.Composed
) -> None:
    """Resolve the rejects that files which load have no more, or that newer files brought before they came.

    Args:
        connection: In the transaction of the load; its table `incoming_rejects` has all rejects of the files.
        interface: Of the files.
        merchant: Whose files they are.
        run: Id of the run.
        newer: A query that gives each rejected record of the files that a newer one brought, with its id.
    """
    whose = {"merchant": merchant.name, "interface": interface}
    ((is_any_open, is_late),) = connection.execute(statement("rejects/own_open", **whose))
    if not is_any_open:
        return
    none = sql.SQL(
        "SELECT NULL::bigint AS rejected_file, NULL::int AS record, NULL::bigint AS file_id WHERE false"
    )
    connection.execute(statement("rejects/resolve_own", newer=newer if is_late else none, run=run))


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
        rows = ((file.file_id, *original) for original in originals)
        copy_rows(connection, "incoming_originals", ("file", "record", "line", "text"), rows)
        empty_payloads(connection, merchant, [file])
        connection.execute(statement("rejects/add_originals", file_id=file.file_id))
        _dismiss_again(connection, [file], merchant, run)


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

    def subject(self, number: int) -> str:
        """Say how many rejects were chosen, and by what, for the audit."""
        record = None if self.record is None else f"record {self.record}"
        chosen = [each for each in (self.interface, self.code, self.field, self.file, record) if each]
        return f"{counted(number, 'reject')}: {', '.join(chosen)}"


def dismiss(
    connection: psycopg.Connection, choice: RejectFilter, by: str, reason: str, *, reopen: bool = False
) -> int:
    """Dismiss open rejects inside the open transaction, or open dismissed ones again; return how many."""
    values = {**asdict(choice), "by": by, "reason": reason, "reopen": reopen}
    found = connection.execute(statement("rejects/dismiss"), values).fetchone()
    return int(found[0]) if found else 0


def _dismiss_again(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, run: str
) -> None:
    if connection.execute("SELECT FROM rejects WHERE dismissed_at IS NOT NULL LIMIT 1").fetchone() is None:
        return
    ids = [file.file_id for file in files]
    values = {"merchant": merchant.name, "interface": files[0].interface, "file_ids": ids, "run": run}
    connection.execute(statement("rejects/dismiss_again", **values))
