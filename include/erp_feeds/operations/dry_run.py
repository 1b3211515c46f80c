"""A dry run of a replay: the steps use a folder of their own, and the loads are rolled back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from airflow.sdk import ObjectStoragePath

from erp_feeds.batch import Counts, FeedFile, Replay
from erp_feeds.codes import FileState, QuarantineCode
from erp_feeds.errors import FailError, FeedError, QuarantineError
from erp_feeds.merchant import Merchant
from erp_feeds.stages import STAGES, Pieces
from erp_feeds.store import connection as store
from erp_feeds.store import ledger, row_changes
from erp_feeds.store.connection import savepoint
from erp_feeds.store.load import load_order, load_within
from erp_feeds.store.merchant_settings import effective
from erp_feeds.store.row_changes import Difference

RUN = "dry run"
NO_FILES = "the dry run chooses no archived file: name files, a code or days"


@dataclass(frozen=True)
class DryRunFile:
    """What would become of one file."""

    file: str
    state: FileState
    """loaded or quarantined."""
    code: str | None
    reason: str | None
    counts: Counts

    @property
    def read(self) -> int:
        """Records in the file."""
        return self.counts.read

    @property
    def loaded(self) -> int:
        """Records that would reach the store."""
        return self.counts.loaded

    @property
    def rejected(self) -> dict[str, int]:
        """Records that would be rejected, by code."""
        return self.counts.rejected


@dataclass
class DryRunTable:
    """What would change in one table."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """Field -> in how many of the changed rows it differs."""
    rows: list[Difference] = field(default_factory=list)
    """The first of them: their values are personal data."""

    def add(self, difference: Difference, examples: int) -> None:
        """Count a row, and keep it where it is one of the first."""
        if not difference.after:
            self.removed += 1
        elif difference.before:
            self.changed += 1
            self.fields.update(difference.fields)
        else:
            self.new += 1
        if len(self.rows) < examples:
            self.rows.append(difference)


@dataclass
class DryRun:
    """What a replay would do."""

    files: list[DryRunFile] = field(default_factory=list)
    tables: dict[str, DryRunTable] = field(default_factory=dict)
    resolved: Counter[str] = field(default_factory=Counter)
    """Rejects that would close, by code."""
    opened: Counter[str] = field(default_factory=Counter)
    """Rejects that would appear, by code."""


def dry_run_in_airflow(
    merchant: Merchant, replay: Replay, examples: int = 0, *, lock_seconds: int = 0
) -> DryRun:
    """Find out what a replay would change, by the store of the settings' Airflow connection.

    Args:
        merchant: With the settings that are tried; those of its file stand for the latest of the store.
        replay: Which archived files.
        examples: How many rows of each table to return with their values.
        lock_seconds: For how long to wait for a load of the merchant; 0: until it ends.

    Raises:
        FailError: The replay chooses no archived file.
        RetryError: the store or the archive is away, or a load still runs.
    """
    if replay == Replay(dry_run=True):
        raise FailError(NO_FILES, "no_files")
    with store.connect() as writing, store.connect() as reading:
        reading.autocommit = True
        writing.execute("SELECT set_config('lock_timeout', %s, false)", [f"{lock_seconds}s"])
        merchant = effective(reading, merchant)
        files = ledger.archived(reading, merchant.name, list(merchant.interfaces), replay)
        if not files:
            raise FailError(NO_FILES, "no_files")
        return dry_run_of(writing, reading, merchant, files, examples)


def in_words(found: DryRun) -> Iterator[str]:
    """Yield what a dry run found, a line each; no values, which are personal data."""
    for file in found.files:
        why = f", {file.code}: {file.reason}" if file.code else ""
        yield f"{file.file}: would be {file.state}{why}; {file.loaded:,} of {file.read:,} records loaded"
    if not found.tables:
        yield "no row would be new, changed or removed"
    for name, table in found.tables.items():
        yield f"{name}: {table.new:,} new, {table.changed:,} changed, {table.removed:,} removed"
        for column, number in sorted(table.fields.items()):
            yield f"  {column}: {number:,} changed"
    for what, codes in (("resolved", found.resolved), ("new", found.opened)):
        listed = ", ".join(f"{number:,} {code}" for code, number in sorted(codes.items()))
        yield f"rejects that would be {what}: {sum(codes.values()):,}" + (f" ({listed})" if listed else "")


def dry_run_of(
    writing: psycopg.Connection,
    reading: psycopg.Connection,
    merchant: Merchant,
    files: Iterable[FeedFile],
    examples: int,
) -> DryRun:
    """Find out what a replay of archived files would change. Nothing is written that stays.

    Args:
        writing: A connection to the store, outside of any transaction.
        reading: Another one.
        merchant: As its file configures it now: this is what is tried.
        files: Archived ones, as the ledger knows them.
        examples: How many rows of each table to return with their values.

    Raises:
        RetryError: the store or the archive is away.
    """
    found = DryRun()
    with TemporaryDirectory(prefix="erp-feeds-dry-run-") as folder:
        staged = list(_staged(merchant, sorted(files, key=load_order), Path(folder), found.files))
        with row_changes.rolled_back(writing, merchant.name):
            for file in staged:
                found.files.append(_load(writing, merchant, file))
            _compare(writing, reading, merchant, found, examples)
            file_ids = [file.file_id for file in staged]
            for difference in row_changes.removed_purchases(writing, reading, merchant.name, file_ids):
                found.tables.setdefault("purchases", DryRunTable()).add(difference, examples)
    return found


def _staged(
    merchant: Merchant, files: Sequence[FeedFile], folder: Path, quarantined: list[DryRunFile]
) -> Iterator[FeedFile]:
    """Take the files up to `split` before any transaction is open; only their final frames stay on disk."""
    for file in files:
        staged = file
        try:
            for stage in STAGES.values():
                (staged,) = stage(merchant, [staged], ObjectStoragePath(f"file://{folder}"))
        except QuarantineError as error:
            quarantined.append(_quarantined(file, error))
        except (FeedError, OSError, MemoryError):
            raise
        except Exception as error:  # as in a run: it says nothing of the other files
            reason = f"the software fails on it ({type(error).__name__})"
            quarantined.append(_quarantined(file, QuarantineError(QuarantineCode.INTERNAL_ERROR, reason)))
        else:
            yield staged
        needed = set(staged.staged.values())
        for path in (folder / str(file.file_id)).rglob("*"):
            if path.is_file() and f"file://{path}" not in needed:
                path.unlink()


def _load(writing: psycopg.Connection, merchant: Merchant, file: FeedFile) -> DryRunFile:
    try:
        with savepoint(writing, f"loading {file.name}"):
            (loaded,) = load_within(writing, [file], merchant, RUN, Pieces([file]))
    except QuarantineError as error:
        return _quarantined(file, error)
    if loaded.error:
        return _quarantined(loaded.file, loaded.error)
    return DryRunFile(file.name, FileState.LOADED, None, None, loaded.file.counts)


def _quarantined(file: FeedFile, error: QuarantineError) -> DryRunFile:
    return DryRunFile(file.name, FileState.QUARANTINED, error.code, error.reason, file.counts)


def _compare(
    writing: psycopg.Connection,
    reading: psycopg.Connection,
    merchant: Merchant,
    found: DryRun,
    examples: int,
) -> None:
    for table in row_changes.TABLES:
        for difference in row_changes.differences(writing, reading, merchant.name, table):
            if table != "rejects":
                found.tables.setdefault(table, DryRunTable()).add(difference, examples)
            elif difference.after["is_open"]:
                found.opened[difference.after["code"]] += 1
            elif difference.before:
                found.resolved[difference.after["code"]] += 1
