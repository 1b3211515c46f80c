"""Imports files from before the system existed into the archive, from which a backfill loads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowException

from erp_feeds.errors import ConfigurationError, FailError
from erp_feeds.inbox.paths import kind_of
from erp_feeds.interfaces import interfaces_of
from erp_feeds.interfaces.spec import FileName
from erp_feeds.merchant import Merchant
from erp_feeds.storage import archive
from erp_feeds.storage.atomic_file import BLOCK, last_written
from erp_feeds.store import ledger


@dataclass(frozen=True)
class HistoricalFile:
    """A file outside of the archive that belongs to one of the merchant's interfaces."""

    storage: ObjectStoragePath
    """Any path of the storage that holds it."""
    path: str
    """As that storage names it."""
    interface: str
    name: str
    parsed: FileName
    modified: datetime
    """When it was written last, in UTC."""


@dataclass(frozen=True)
class FoundFiles:
    """What was found below the given paths."""

    files: tuple[HistoricalFile, ...]
    """By index number; those of one name by their time, since the later one is the newer revision."""
    ignored: tuple[str, ...]
    """Paths of what is no file of this merchant's interfaces."""


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    file: HistoricalFile
    day: date
    """Under which a backfill finds it."""
    size: int
    """Bytes."""
    is_new: bool
    """False where the archive knew these bytes under this name."""


def find(merchant: Merchant, paths: Iterable[str]) -> FoundFiles:
    """Find a merchant's files; nothing is read yet.

    Args:
        merchant: Whose shop name and interfaces count.
        paths: Files, folders with all that is below them, globs, and URLs of object storage.

    Raises:
        ConfigurationError: a path does not exist, or its kind of storage is unknown.
        FailError: a folder cannot be read.
    """
    interfaces = interfaces_of(merchant)
    files: list[HistoricalFile] = []
    ignored: list[str] = []
    seen: dict[tuple[str, str], ObjectStoragePath] = {}
    for given in paths:
        storage = _storage(given)
        seen |= {(storage.protocol, path): storage for path in _paths(storage, given)}
    for (_, path), storage in seen.items():
        name = path.rpartition("/")[2]
        kind = kind_of(merchant, interfaces, name)
        if kind is None:
            ignored.append(path)
            continue
        interface, parsed = kind
        modified = last_written(storage, path)
        files.append(HistoricalFile(storage, path, interface.name, name, parsed, modified))
    return FoundFiles(tuple(sorted(files, key=_order)), tuple(sorted(ignored)))


def import_file(
    connection: psycopg.Connection, merchant: Merchant, file: HistoricalFile, day: date | None = None
) -> Imported:
    """Copy one file into the archive and register it there; a second time changes nothing.

    Args:
        connection: Of the store.
        merchant: Whose file it is.
        file: As `find` found it.
        day: The day of a file whose index number is no timestamp; by default the day it was written last.

    Raises:
        FailError: the file cannot be read, or the archive cannot be written.
    """
    dated = file.parsed.day() or day or file.modified.astimezone(ZoneInfo(merchant.timezone)).date()
    try:
        with file.storage.fs.open(file.path, "rb") as source:
            blocks = iter(partial(source.read, BLOCK), b"")
            original = archive.save(blocks, merchant.name, file.interface, file.name)
    except OSError as error:
        raise _unreadable(file.path, error) from None
    facts = {
        "interface": file.interface,
        "name": file.name,
        "index_number": file.parsed.index_number,
        "size": original.size,
        "sha256": original.sha256,
        "url": original.url,
        "day": dated,
    }
    is_new = ledger.import_original(connection, merchant.name, facts)
    return Imported(file, dated, original.size, is_new)


def _order(file: HistoricalFile) -> tuple[Any, ...]:
    return int(file.parsed.index_number), file.name, file.modified, file.path


def _storage(given: str) -> ObjectStoragePath:
    try:
        storage = ObjectStoragePath(given)
        _ = storage.fs  # finds the provider and the connection
    except (ValueError, ImportError, AirflowException) as error:
        message = f"'{given}': {error}: install this storage's Airflow provider, or correct its connection"
        raise ConfigurationError(message, "unknown_storage") from None
    return storage


def _paths(storage: ObjectStoragePath, given: str) -> Iterator[str]:
    """Yield the files at and below a path, as its storage names them."""
    fs = storage.fs
    try:
        roots = [storage.path] if fs.exists(storage.path) else fs.glob(storage.path)
        if not roots:
            raise ConfigurationError(f"'{given}': there is no such file or folder", "no_such_path")
        for root in roots:
            # Not `fs.find`, which silently skips a folder that it may not read.
            for _, _, files in fs.walk(root, detail=True, on_error="raise"):
                yield from (each["name"] for each in files.values() if fs.isfile(each["name"]))
    except OSError as error:
        raise _unreadable(given, error) from None


def _unreadable(path: str, error: OSError) -> FailError:
    message = f"cannot import {path}: {error.strerror or error}; after the fix run the same command again"
    return FailError(message, "not_imported")
