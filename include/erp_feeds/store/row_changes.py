"""What loads would change: they run in a transaction that is rolled back, and its rows are compared.

One connection writes and sees the rows after the loads; another sees what is stored, the rows before them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from erp_feeds.store.connection import lock_merchant, plain_errors
from erp_feeds.store.sql import statement

BLOCK = 1_000
"""Rows compared at a time: memory does not grow with what would change."""
SPREAD = 2**31
"""Profile ids that one dry run has to itself."""

Fields = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One row that would be new, change or go."""

    key: str
    before: Fields
    """What is stored; empty for a new row."""
    after: Fields
    """What would be stored; empty for a row that would be removed."""

    @property
    def fields(self) -> list[str]:
        """Names of the fields that differ."""
        names = {*self.before, *self.after}
        return sorted(name for name in names if self.before.get(name) != self.after.get(name))


@dataclass(frozen=True)
class _Table:
    """How the rows of a table are found."""

    written: str
    """Condition: this transaction wrote the row; none that began later can have, by the merchant's lock."""
    same: str
    """Condition: the row has one of the {keys}."""


_WRITTEN_PROFILE = """age(profiles.xmin) <= 0 OR profile_id IN (
    SELECT profile_id FROM identifiers
    WHERE merchant = {merchant} AND age(identifiers.xmin) <= 0
)"""
"""The merchant is a value, not that of the profile: else all identifiers are read once for each profile."""
_SAME_REJECT = """(rejects.file_id, record, rejects.code, field) IN (
    SELECT split_part(key, ':', 1)::bigint, split_part(key, ':', 2)::int,
           split_part(key, ':', 3), split_part(key, ':', 4)
    FROM unnest({keys}::text[]) AS key
)"""

_TABLES: Mapping[str, _Table] = {
    "profiles": _Table(_WRITTEN_PROFILE, "profile_id = ANY({keys}::bigint[])"),
    "purchases": _Table("age(purchases.xmin) <= 0", "purchase_id = ANY({keys}::text[])"),
    "accounts": _Table("age(accounts.xmin) <= 0", "account_number = ANY({keys}::text[])"),
    "rejects": _Table("age(rejects.xmin) <= 0", _SAME_REJECT),
}
TABLES = tuple(_TABLES)


@contextmanager
def rolled_back(connection: psycopg.Connection, merchant: str) -> Iterator[None]:
    """Open a transaction for trial loads of a merchant, and roll it back whatever happens.

    Other loads of the merchant wait for its end.
    """
    with plain_errors("trying what would change"), connection.transaction(force_rollback=True):
        connection.execute("SELECT pg_current_xact_id()")  # from now on age() counts from this transaction
        lock_merchant(connection, merchant)
        start = -1 - SPREAD * secrets.randbelow(SPREAD)
        connection.execute(statement("row_changes/own_profile_ids", start=start))
        yield


def differences(
    writing: psycopg.Connection, reading: psycopg.Connection, merchant: str, table: str
) -> Iterator[Difference]:
    """Yield the rows of one of TABLES that the open transaction has made new or changed.

    Args:
        writing: In the transaction of `rolled_back`.
        reading: Another connection, outside of any transaction.
        merchant: Whose rows are compared.
        table: Its name; rows of which only the bookkeeping changed are left out.
    """
    known = _TABLES[table]
    with writing.cursor(name=f"written_{table}") as cursor:
        written = _condition(known.written, merchant=merchant)
        cursor.execute(statement(f"row_changes/{table}", merchant=merchant, chosen=written))
        while block := cursor.fetchmany(BLOCK):
            keys = [key for key, _ in block]
            chosen = _condition(known.same, keys=keys)
            stored = statement(f"row_changes/{table}", merchant=merchant, chosen=chosen)
            before: dict[str, Fields] = dict(reading.execute(stored).fetchall())
            for key, after in block:
                difference = Difference(key, before.get(key, {}), after)
                if difference.fields:
                    yield difference


def removed_purchases(
    writing: psycopg.Connection, reading: psycopg.Connection, merchant: str, files: Sequence[int]
) -> Iterator[Difference]:
    """Yield the orders and returns of some files that the open transaction has removed (rule: purchases 6).

    Args:
        writing: In the transaction of `rolled_back`.
        reading: Another connection, outside of any transaction.
        merchant: Whose rows are compared.
        files: The ids of the files that it has loaded: a load removes nothing but what its file brought.
    """
    same = _TABLES["purchases"].same
    brought = statement("row_changes/brought_purchases", merchant=merchant, files=list(files))
    with reading.transaction(), reading.cursor(name="brought") as cursor:
        cursor.execute(brought)
        while block := cursor.fetchmany(BLOCK):
            keys = [key for (key,) in block]
            chosen = _condition(same, keys=keys)
            rows = statement("row_changes/purchases", merchant=merchant, chosen=chosen)
            if gone := sorted(set(keys) - {key for key, _ in writing.execute(rows)}):
                chosen = _condition(same, keys=gone)
                rows = statement("row_changes/purchases", merchant=merchant, chosen=chosen)
                yield from (Difference(key, before, {}) for key, before in reading.execute(rows).fetchall())


def _condition(text: str, **parts: object) -> sql.Composed:
    return sql.SQL(text).format(**{name: sql.Literal(part) for name, part in parts.items()})
