"""The load of some files inside an open transaction, wave by wave: what each brought, and its counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import REJECT_FRAMES, Counts, FeedFile
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES, mapping_of
from erp_feeds.merchant import Merchant
from erp_feeds.publish.mapping_page import link_rows
from erp_feeds.records import KINDS
from erp_feeds.records.kind import LoadMethod, Rows
from erp_feeds.steps.groups import Pieces
from erp_feeds.steps.result import ByFile, merged
from erp_feeds.store import approvals, confirmations, ledger, rejects
from erp_feeds.store.by_key import copy_by_key, load_by_key
from erp_feeds.store.connection import lock_merchant
from erp_feeds.store.copy import Incoming, copy_rows, empty_tables
from erp_feeds.store.customers import copy_profiles, load_profiles
from erp_feeds.store.purchases import copy_purchases, load_purchases, reject_conflicting
from erp_feeds.store.sql import statement
from erp_feeds.store.suppression import may_name_suppressed, suppress_beside, without_suppressed

if TYPE_CHECKING:
    import pandas as pd

Frames = Mapping[str, "pd.DataFrame"]

Copy = Callable[[Incoming, Rows, Frames], ByFile]
"""Copies the frames of one piece; returns the counts of what it leaves out."""
Write = Callable[[psycopg.Connection, Sequence[FeedFile], Merchant, Incoming], ByFile]
"""Writes what was copied of all pieces; counts the records loaded, and warnings."""
Reject = Callable[[psycopg.Connection, Sequence[FeedFile], Merchant], ByFile]
"""Rejects copied records before anything is written, by comparing them with the store."""


@dataclass(frozen=True)
class Loader:
    """How the files of a kind load."""

    copy: Copy
    write: Write
    newer: str
    """Statement that names the rejected records that newer files have brought."""
    rows: str
    """Statement that counts the rows that each of several files wrote, where no file is late."""
    through: tuple[str, ...] = ()
    """Frames whose records stay numbered consecutively over all files, since they load together."""
    reject: Reject | None = None


LOADERS: Mapping[LoadMethod, Loader] = {
    LoadMethod.PEOPLE: Loader(
        copy_profiles,
        load_profiles,
        newer="rejects/newer_people",
        rows="load/rows_of_people",
        through=("profiles",),
    ),
    LoadMethod.PURCHASES: Loader(
        copy_purchases,
        load_purchases,
        newer="load/newer_purchases",
        rows="load/rows_of_purchases",
        through=("orders", "returns", "lines"),
        reject=reject_conflicting,
    ),
    LoadMethod.BY_KEY: Loader(copy_by_key, load_by_key, newer="rejects/newer_rows", rows="load/rows_by_key"),
}


@dataclass(frozen=True)
class Loaded:
    """What became of a file."""

    file: FeedFile
    """With rows, day and seconds, and its final counts: read = loaded + collapsed + skipped + rejected."""
    error: QuarantineError | None = None
    """Why nothing of it was written."""


class NotTogetherError(Exception):
    """Files of a group must load one by one; nothing is wrong with them."""


class GroupLoad:
    """The load of some files, wave by wave, inside an open transaction."""

    def __init__(
        self, connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, run: str
    ) -> None:
        """Set PostgreSQL up for a load.

        Without JIT, since compiling the long expressions costs more than running them. With more memory for
        joins. With a low cost for reading by index, since reading all of a large table costs more. And with
        small samples in ANALYZE: the planner needs only sizes and shares of NULL of the temporary tables.
        """
        self._connection = connection
        self._files = files
        self._merchant = merchant
        self._run = run
        self._interface = INTERFACES[files[0].interface]
        self._rows = KINDS[files[0].interface].rows
        self._loader = LOADERS[self._rows.loading]
        self._counts = {file.file_id: file.counts for file in files}
        self._written: dict[int, Counter[str]] = {}
        self._begun: set[int] = set()
        self._mapping_versions: set[str] = set()
        connection.execute(
            "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL default_statistics_target = 10;"
            "SET LOCAL random_page_cost = 1.1"
        )
        self._moments: dict[int, datetime] = {}
        """When the rows of each file count as made; empty before the lock."""
        self._may_suppress = may_name_suppressed(connection, files, merchant)

    def lock(self) -> None:
        """Lock the merchant's rows: from here on nobody else writes them, and all that is read stays true."""
        lock_merchant(self._connection, self._merchant.name)
        self._moments = _moments(self._connection, self._files)
        self._may_suppress = may_name_suppressed(self._connection, self._files, self._merchant)
        confirmations.apply_before(self._connection, self._files[0], self._merchant)

    def with_counts(self, file: FeedFile) -> FeedFile:
        """Return a file with its counts so far."""
        return file.model_copy(update={"counts": self._counts[file.file_id]})

    def wave(self, files: Sequence[FeedFile], pieces: Pieces) -> QuarantineError | None:
        """Write records that do not depend on each other; return why the only file is quarantined instead."""
        connection, merchant, run = self._connection, self._merchant, self._run
        incoming, left_out = self._copied(files, pieces)
        rows = (
            (file.file_id, file.sequence, file.name, self._moments[file.file_id], file.before)
            for file in files
        )
        copy_rows(connection, "loading", ("file_id", "sequence", "name", "moment", "before"), rows)
        incoming.analyze()
        rejected = self._loader.reject(connection, files, merchant) if self._loader.reject else {}
        self._counts = merged(self._counts, left_out, rejected)
        error = self._too_many(files)
        if error and len(self._files) > 1:
            raise error
        if incoming.rows["rejects"] or any(counts.rejected for counts in rejected.values()):
            rejects.save(connection, files, merchant, run)
        if error:  # nothing of the file has been written yet, and its rejects say why
            ledger.mark_quarantined(connection, files[0], run, error, self._counts[files[0].file_id])
            return error
        self._write(files, incoming)
        keys, newer = f"incoming_{self._rows.table}", _newer(self._loader.newer, self._rows, merchant)
        rejects.resolve(connection, self._interface.name, merchant, run, incoming=keys)
        if files[0].file_id not in self._begun:  # their rejects came with their first wave
            rejects.resolve_own(connection, self._interface.name, merchant, run, newer=newer)
        self._begun.update(file.file_id for file in files)
        return None

    def _copied(self, files: Sequence[FeedFile], pieces: Pieces) -> tuple[Incoming, ByFile]:
        """Copy all pieces, and take the lock; return the tables, and the counts of what is left out.

        Where nobody is suppressed, copying needs no lock, and the next load of a merchant does it while this
        one writes.
        """
        if not self._moments:
            found = None if self._may_suppress else self._copy_all(files, pieces)
            self.lock()
            if found and not self._may_suppress:
                return found
        return self._copy_all(files, pieces)

    def _copy_all(self, files: Sequence[FeedFile], pieces: Pieces) -> tuple[Incoming, ByFile]:
        empty_tables(self._connection)
        if self._may_suppress:
            suppress_beside(self._connection, files, self._merchant, pieces)
        incoming = Incoming(self._connection)
        return incoming, merged(*map(partial(self._copy, incoming, files), pieces))

    def _copy(self, incoming: Incoming, files: Sequence[FeedFile], frames: Frames) -> ByFile:
        """Copy one piece, without those who are suppressed."""
        for frame in frames.values():
            if "mapping_version" in frame:
                self._mapping_versions.update(frame["mapping_version"].head(1).dropna())
        incoming.copy(frames, REJECT_FRAMES)
        left_out: ByFile = {}
        if self._may_suppress:
            frames, left_out = without_suppressed(self._connection, files, self._merchant, frames)
        return merged(left_out, self._loader.copy(incoming, self._rows, frames))

    def _too_many(self, files: Sequence[FeedFile]) -> QuarantineError | None:
        """Return the error of the first file with more rejects than the merchant or a person allows."""
        percent = self._merchant.interfaces[self._interface.name].max_reject_percent
        for file in files:
            counts = self._counts[file.file_id]
            error = _too_many(counts, percent)
            if error and not approvals.is_approved(self._connection, file, sum(counts.rejected.values())):
                return error
        return None

    def _write(self, files: Sequence[FeedFile], incoming: Incoming) -> None:
        tables = self._interface.tables
        before = _written(self._connection, tables)
        counts = self._loader.write(self._connection, files, self._merchant, incoming)
        after = _written(self._connection, tables)
        self._counts = merged(self._counts, counts)
        rows = {table: after[table] - before[table] for table in tables if after[table] != before[table]}
        if len(files) == 1:
            self._add_rows(files[0].file_id, rows)
        elif rows:
            self._add_rows_of_several(rows)

    def _add_rows_of_several(self, rows: Mapping[str, int]) -> None:
        """Divide the rows that were written among the files of a wave.

        Raises:
            NotTogetherError: Late files wrote only some of their rows, so it is unknown how many each wrote.
        """
        parts = {
            "table_name": sql.Literal(self._rows.table),
            "incoming": sql.Identifier(f"incoming_{self._rows.table}"),
        }
        found = self._connection.execute(statement(self._loader.rows, **parts)).fetchall()
        expected: Counter[str] = Counter()
        for _, table, number in found:
            expected[table] += int(number)
        if +expected != rows:
            raise NotTogetherError
        for file, table, number in found:
            self._add_rows(file, {table: int(number)})

    def _add_rows(self, file: int, rows: Mapping[str, int]) -> None:
        known = self._written.setdefault(file, Counter())
        for table, number in rows.items():
            known[table] += number

    def warn_of_index(self) -> None:
        """Count warnings: a newer file was loaded before, or files before one are missing (ERP cache 6)."""
        ids = [file.file_id for file in self._files]
        found: list[tuple[WarningCode, int, int]] = [
            (WarningCode.LATE_FILE, file, 1)
            for (file,) in self._connection.execute(statement("load/late_file", file_ids=ids))
        ]
        if self._merchant.interfaces[self._interface.name].index == "sequence":
            gaps = self._connection.execute(statement("load/index_gap", file_ids=ids))
            found += [(WarningCode.INDEX_GAP, file, number) for file, number in gaps]
        for code, file, number in found:
            self._counts = merged(self._counts, {file: Counts(warnings={code.value: number})})

    def save_mapping(self) -> None:
        """Store the mapping that filled the records, unless it has changed since then."""
        name, merchant = self._interface.name, self._merchant
        mapping = mapping_of(merchant, name)
        if mapping.version in self._mapping_versions:
            links = json.dumps([asdict(row) for row in link_rows(INTERFACES[name], mapping)])
            facts = {"merchant": merchant.name, "interface": name, "version": mapping.version}
            self._connection.execute(statement("load/mapping", **facts, links=links))

    def finish(self) -> list[Loaded]:
        """Mark the files as loaded; return them."""
        last = self._files[-1].file_id
        moments = [None if file == last else self._moments[file] for file in self._counts]
        facts = ledger.finish(self._connection, self._counts, self._run, moments)
        loaded = []
        for file in self._files:
            day, seconds = facts[file.file_id]
            rows = dict(+self._written.get(file.file_id, Counter()))
            done = self.with_counts(file).model_copy(update={"rows": rows, "day": day, "seconds": seconds})
            loaded.append(Loaded(done))
        return loaded


def _moments(connection: psycopg.Connection, files: Sequence[FeedFile]) -> dict[int, datetime]:
    """Return when the rows of each file count as made: those of one file before those of the next."""
    ((now,),) = connection.execute("SELECT clock_timestamp()")
    return {file.file_id: now + timedelta(microseconds=place) for place, file in enumerate(files)}


def _newer(name: str, rows: Rows, merchant: Merchant) -> sql.Composed:
    parts = {"table": sql.Identifier(rows.table), "key_column": sql.Identifier(rows.key_column or "key")}
    return statement(name, merchant=merchant.name, **parts)


def _written(connection: psycopg.Connection, tables: Collection[str]) -> dict[str, int]:
    """Return how many rows of some tables this transaction, and maybe some before it, have written."""
    return dict(connection.execute(statement("load/written"), {"tables": list(tables)}).fetchall())


def _too_many(counts: Counts, percent: float) -> QuarantineError | None:
    """Return the error of a file of which more than some percent of the records are rejected."""
    rejected = sum(counts.rejected.values())
    if 100 * rejected <= percent * max(counts.read, rejected):
        return None
    codes = ", ".join(f"{number} {code}" for code, number in sorted(counts.rejected.items()))
    reason = (
        f"{rejected} of {counts.read} records are rejected ({codes}), more than the {percent:g} % that "
        "max_reject_percent allows"
    )
    return QuarantineError(QuarantineCode.TOO_MANY_REJECTS, reason, is_recorded=True)
