"""Figures of the last days, for charts: files, records, how long they took, what was rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

from erp_feeds.interfaces import INTERFACES
from erp_feeds.store.connection import plain_errors
from erp_feeds.store.sql import Row, read_rows


@dataclass(frozen=True)
class Day:
    """What came on one day (UTC)."""

    day: date
    files: int
    quarantined: int
    records: int
    """Read from those files."""
    seconds: list[float] | None
    """From the first scan of a file until its rows were loaded: p50 and p95; None: no file was loaded."""

    @property
    def p50(self) -> float | None:
        """Seconds that half of the files took less than."""
        return self.seconds[0] if self.seconds else None

    @property
    def p95(self) -> float | None:
        """Seconds that 95 of 100 files took less than."""
        return self.seconds[1] if self.seconds else None


@dataclass(frozen=True)
class CodeCount:
    """How many records were rejected with a code."""

    code: str
    number: int


def days(connection: psycopg.Connection, merchants: Sequence[str], last: int) -> list[Day]:
    """Return the last days, today included, over some merchants."""
    return _read(connection, Day, "days", merchants, last)


def rejects(connection: psycopg.Connection, merchants: Sequence[str], last: int) -> list[CodeCount]:
    """Return what was rejected in the files of those days, also what is resolved by now."""
    return _read(connection, CodeCount, "rejects", merchants, last)


@plain_errors("reading figures")
def _read(
    connection: psycopg.Connection, shape: type[Row], name: str, merchants: Sequence[str], last: int
) -> list[Row]:
    values = {"merchants": list(merchants), "interfaces": list(INTERFACES), "days": last}
    return read_rows(connection, shape, f"charts/{name}", **values)
