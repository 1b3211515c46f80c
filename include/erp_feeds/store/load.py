"""Load: the final frames of files into the store, each whole or not at all; a second run writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import QuarantineError, RetryError
from erp_feeds.interfaces import INTERFACES, mapping_of
from erp_feeds.merchant import Merchant
from erp_feeds.publish.mapping_page import link_rows
from erp_feeds.records import KINDS
from erp_feeds.records.kind import LoadMethod, Rows
from erp_feeds.store import approvals, confirmations, ledger, rejects
from erp_feeds.store.by_key import load_by_key
from erp_feeds.store.connection import lock_merchant, savepoint, transaction
from erp_feeds.store.copy import copy_frames, empty_tables
from erp_feeds.store.customers import load_profiles
from erp_feeds.store.merge import Version
from erp_feeds.store.purchases import load_purchases, reject_conflicting
from erp_feeds.store.sql import statement
from erp_feeds.store.suppression import without_suppressed

if TYPE_CHECKING:
    import pandas as pd

Frames = Mapping[str, "pd.DataFrame"]

Part = Callable[[psycopg.Connection, FeedFile, Merchant, Frames], Counts]
"""Does its part of a load inside the open transaction; returns what it adds to the counts."""


GROUP_FILES = 25
"""Most files in one transaction: each leaves rows in temporary tables that slow down the next."""
GROUP_RECORDS = 20_000
"""Of the files in one transaction, unless one file has more."""


@dataclass(frozen=True)
class Loader:
    """How the files of a kind load."""

    write: Part
    """Writes the records; counts those loaded, and warnings."""
    newer: str
    """SQL file that names the rejected records that newer files have brought."""
    reject: Part | None = None
    """Rejects records, before anything is written, by comparing them with the store."""


LOADERS: Mapping[LoadMethod, Loader] = {
    LoadMethod.PEOPLE: Loader(load_profiles, "rejects/newer_people"),
    LoadMethod.PURCHASES: Loader(load_purchases, "load/newer_purchases", reject_conflicting),
    LoadMethod.BY_KEY: Loader(load_by_key, "rejects/newer_rows"),
}


@dataclass(frozen=True)
class Loaded:
    """What became of a file."""

    file: FeedFile
    """With rows, day and seconds, and its final counts: read = loaded + collapsed + skipped + rejected."""
    error: QuarantineError | None = None
    """Why nothing of it was written."""


def load_order(file: FeedFile) -> tuple[int, str, Decimal]:
    """Customers before purchases, and each interface in index order (rules: purchases 10, ERP cache 6)."""
    return INTERFACES[file.interface].rank, file.interface, Decimal(file.sequence or file.index_number)


def groups(files: Iterable[FeedFile]) -> Iterator[list[FeedFile]]:
    """Yield the files in load order, small ones of one interface together: each transaction has a cost."""
    for _, ordered in groupby(sorted(files, key=load_order), key=lambda file: file.interface):
        group: list[FeedFile] = []
        for file in ordered:
            records = sum(each.counts.read for each in (*group, file))
            if group and (len(group) == GROUP_FILES or records > GROUP_RECORDS):
                yield group
                group = []
            group.append(file)
        yield group


def load_files(
    connection: psycopg.Connection,
    files: Sequence[FeedFile],
    merchant: Merchant,
    run: str,
    frames_of: Callable[[FeedFile], Frames],
) -> list[Loaded]:
    """Write the records of some files, their rejects and their ledger rows, in one transaction.

    A file that is quarantined leaves nothing but, where it has too many rejects, these and its ledger row;
    the others load. Where the transaction fails, each file loads by itself: none waits for another's sake.

    Args:
        connection: Of the store; whatever transaction it has open is committed first.
        files: As `split` left them, in load order: counts of the earlier steps, sequence set.
        merchant: Whose rows are written; other loads of this merchant wait.
        run: Id of the run, for the ledger.
        frames_of: Gives the final frames of a file's interface; `rejects`, and `originals`: record, line and
            text of those.

    Returns:
        What became of each file.

    Raises:
        RetryError: the store was lost, or two transactions collided.
        FailError: the store refused the data, or the secret of the suppressed has changed.
    """
    names = files[0].name if len(files) == 1 else f"{len(files)} files from {files[0].name} on"
    try:
        with transaction(connection, f"loading {names}"):
            return [_load_apart(connection, file, merchant, run, frames_of) for file in files]
    except (RetryError, OSError, MemoryError):  # of the store or the machine
        raise
    except Exception:  # any error: the files without it load
        if len(files) == 1:
            raise
    return [load_files(connection, [file], merchant, run, frames_of)[0] for file in files]


def _load_apart(
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    run: str,
    frames_of: Callable[[FeedFile], Frames],
) -> Loaded:
    try:
        frames = frames_of(file)
        with savepoint(connection, f"loading {file.name}"):
            return load_within(connection, file, merchant, run, frames)
    except QuarantineError as error:
        return Loaded(file, error)


def load_within(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, run: str, frames: Frames
) -> Loaded:
    """Do what `load_files` does for one file, inside a transaction that the caller ends."""
    tables = INTERFACES[file.interface].tables
    _prepare(connection, file, merchant, frames)
    before = _written(connection, tables)
    loaded = _load(connection, file, merchant, run, frames)
    after = _written(connection, tables)
    rows = {table: after[table] - before[table] for table in tables if after[table] != before[table]}
    return replace(loaded, file=loaded.file.model_copy(update={"rows": rows}))


def _prepare(connection: psycopg.Connection, file: FeedFile, merchant: Merchant, frames: Frames) -> None:
    """Copy the rejects, and make the merchant's rows wait for this file alone.

    Compiling the long expressions of a load costs more than running them; its joins deserve memory.
    """
    connection.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")
    empty_tables(connection)
    copy_frames(connection, frames, ("rejects", "originals"))
    lock_merchant(connection, merchant.name)
    confirmations.apply_before(connection, file, merchant)


def _load(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, run: str, frames: Frames
) -> Loaded:
    rows = KINDS[file.interface].rows
    loader = LOADERS[rows.loading]
    frames, left_out = without_suppressed(connection, file, merchant, frames)
    rejected = loader.reject(connection, file, merchant, frames) if loader.reject else Counts()
    counts = file.counts.plus(left_out).plus(rejected)
    error = _too_many(counts, merchant.interfaces[file.interface].max_reject_percent)
    if error and approvals.is_approved(connection, file, sum(counts.rejected.values())):
        error = None
    if rejected.rejected or len(frames.get("rejects", ())):
        rejects.save(connection, file, merchant, run)
    if error:  # nothing of the file has been written yet, and its rejects say why
        ledger.mark_quarantined(connection, file, run, error, counts)
        return Loaded(file.model_copy(update={"counts": counts}), error)
    counts = counts.plus(loader.write(connection, file, merchant, frames))
    counts = counts.plus(Counts(warnings=_index_warnings(connection, file, merchant)))
    newer = _newer(loader.newer, rows, file, merchant)
    incoming = f"incoming_{rows.table}"
    rejects.resolve(connection, file, merchant, run, incoming=incoming, newer=newer)
    _save_mapping(connection, file, merchant, frames)
    day, seconds = ledger.finish(connection, file, run, counts)
    return Loaded(file.model_copy(update={"counts": counts, "day": day, "seconds": seconds}))


def _newer(name: str, rows: Rows, file: FeedFile, merchant: Merchant) -> sql.Composed:
    parts = {"table": sql.Identifier(rows.table), "key_column": sql.Identifier(rows.key_column or "key")}
    version = Version(file.sequence, file.file_id).parts()
    return statement(name, merchant=merchant.name, **parts, **version)


def _written(connection: psycopg.Connection, tables: Collection[str]) -> dict[str, int]:
    """Return how many rows of some tables this transaction, and maybe some before it, have written."""
    return dict(connection.execute(statement("load/written"), {"tables": list(tables)}).fetchall())


def _save_mapping(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, frames: Mapping[str, pd.DataFrame]
) -> None:
    """Store the mapping that filled the frames, unless it has changed since then."""
    mapping = mapping_of(merchant, file.interface)
    filled_by = (frame["mapping_version"] for frame in frames.values() if "mapping_version" in frame)
    if any(mapping.version in versions.head(1).dropna().to_list() for versions in filled_by):
        links = [asdict(row) for row in link_rows(INTERFACES[file.interface], mapping)]
        facts = {"merchant": merchant.name, "interface": file.interface, "version": mapping.version}
        connection.execute(statement("load/mapping", **facts, links=json.dumps(links)))


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


def _index_warnings(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> dict[str, int]:
    """Return warnings: a newer file was loaded before, or files before this one are missing (ERP cache 6)."""
    values = {"file_id": file.file_id, "sequence": file.sequence}
    late = connection.execute(statement("load/late_file"), values).fetchone()
    warnings = {WarningCode.LATE_FILE.value: int(bool(late and late[0]))}
    settings = merchant.interfaces.get(file.interface)
    if settings and settings.index == "sequence":
        gap = connection.execute(statement("load/index_gap", file_id=file.file_id)).fetchone()
        warnings[WarningCode.INDEX_GAP.value] = gap[0] if gap else 0
    return {code: number for code, number in warnings.items() if number}
