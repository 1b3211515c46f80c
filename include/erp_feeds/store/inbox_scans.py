"""Scans of the inboxes: whether each can be scanned, and which files lie there that no run takes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from erp_feeds.batch import NotTaken
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.sql import statement


@dataclass(frozen=True)
class InboxState:
    """Whether a merchant's inbox can be scanned."""

    merchant: str
    succeeded_at: datetime | None
    """The latest scan that succeeded, to the minute."""
    failing_since: datetime | None
    reason: str


def state(connection: psycopg.Connection, merchant: str) -> InboxState | None:
    """Return whether the inbox can be scanned; None before the first scan."""
    return next(iter(states(connection, [merchant])), None)


@plain_errors("reading the scans")
def states(connection: psycopg.Connection, merchants: Collection[str]) -> list[InboxState]:
    """Return whether the inboxes can be scanned, of those that were scanned before, by merchant."""
    with connection.cursor(row_factory=class_row(InboxState)) as cursor:
        return cursor.execute(statement("inbox_scans/states"), {"merchants": list(merchants)}).fetchall()


def succeeded(
    connection: psycopg.Connection, merchants: Collection[str], not_taken: Sequence[NotTaken] = ()
) -> None:
    """Note that inboxes were scanned, and which files lie there that no run takes."""
    values = {"merchants": list(merchants), "not_taken": json.dumps([asdict(each) for each in not_taken])}
    with transaction(connection, "noting a scan"):
        connection.execute(statement("inbox_scans/succeeded"), values)


@plain_errors("reading what no run takes")
def not_taken(connection: psycopg.Connection, merchant: str) -> list[NotTaken]:
    """Return which files lay in an inbox at its latest scan that no run takes."""
    found = connection.execute(statement("inbox_scans/not_taken"), {"merchant": merchant}).fetchall()
    return [NotTaken(path, why, shop) for path, why, shop in found]


def failed(connection: psycopg.Connection, merchants: Collection[str], reason: str) -> None:
    """Note that inboxes could not be scanned, and why."""
    values = {"merchants": list(merchants), "reason": reason}
    with transaction(connection, "noting a scan"):
        connection.execute(statement("inbox_scans/failed"), values)
