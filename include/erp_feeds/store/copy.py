"""Frames into temporary tables: Arrow's CSV writer feeds COPY, which keeps NULL and '' apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import RawIOBase
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from erp_feeds.batch import Counts
from erp_feeds.columns.arrow import table_of
from erp_feeds.steps.result import ByFile, merged, tally
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd

BATCH = 16_384
"""Rows in one write to the server."""

WORTH_ANALYZING = 1_000
"""Rows from which a wrong guess of the planner costs more than ANALYZE."""


class _CopySink(RawIOBase):
    """COPY as a file that Arrow writes to."""

    def __init__(self, copy: psycopg.Copy) -> None:
        super().__init__()
        self._copy = copy

    def writable(self) -> bool:
        """Say yes, as Arrow asks."""
        return True

    def write(self, data: Any) -> int:
        """Send some bytes."""
        self._copy.write(data)
        return len(data)


def empty_tables(connection: psycopg.Connection) -> None:
    """Make the temporary tables of a load, or empty those that an earlier file has filled."""
    if not _exists(connection, "incoming_rejects"):
        connection.execute(statement("temporary/make"))
        return
    for (name,) in connection.execute(statement("temporary/filled")).fetchall():
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier("pg_temp", name)))


class Incoming:
    """The temporary tables incoming_<name>, which the frames of a load fill piece by piece."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.rows: Counter[str] = Counter()
        """Frame name -> rows that were copied."""
        self.loaded: ByFile = {}
        """How many records the rows of the table count for: all those of one key are one."""

    def copy(self, frames: Mapping[str, pd.DataFrame], names: Iterable[str]) -> None:
        """Add the named frames to their tables.

        A frame that is missing adds nothing; columns that the table does not have are left out.
        """
        for name in names:
            if name in frames and len(frames[name]):
                _copy(self._connection, f"incoming_{name}", table_of(frames[name]))
                self.rows[name] += len(frames[name])

    def copy_for_table(self, frames: Mapping[str, pd.DataFrame], table: str, columns: Iterable[str]) -> None:
        """Add the frame of a table of the store, which has these columns of it.

        All records of one key are of one file and in one frame.
        """
        if not _exists(self._connection, f"incoming_{table}"):
            parts = {
                "incoming": sql.Identifier(f"incoming_{table}"),
                "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
                "table": sql.Identifier(table),
            }
            self._connection.execute(statement("load/incoming_rows", **parts))
        self.copy(frames, [table])
        frame = frames[table]
        found = tally(frame["file"], ~frame["key"].duplicated(), lambda number: Counts(loaded=number))
        self.loaded = merged(self.loaded, found)

    def analyze(self) -> None:
        """Analyse the tables, once all pieces are there."""
        for name, rows in self.rows.items():
            analyze(self._connection, f"incoming_{name}", rows)


def copy_rows(
    connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Copy rows into some columns of a temporary table as they come, without holding them."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor().copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def analyze(connection: psycopg.Connection, table: str, rows: int) -> None:
    """Analyse a temporary table for the planner, if it has enough rows."""
    if rows >= WORTH_ANALYZING:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _exists(connection: psycopg.Connection, table: str) -> bool:
    found = connection.execute(statement("temporary/exists"), {"name": table}).fetchone()
    return bool(found and found[0])


def _copy(connection: psycopg.Connection, table: str, data: pa.Table) -> None:
    described = connection.execute(
        sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))
    ).description
    columns = [column.name for column in described or () if column.name in data.column_names]
    into = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    options = csv.WriteOptions(include_header=False, batch_size=BATCH)
    with connection.cursor().copy(into) as copy:
        csv.write_csv(data.select(columns), _CopySink(copy), options)
