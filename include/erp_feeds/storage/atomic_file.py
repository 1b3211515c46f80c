"""Writing to object storage whole or not at all: a killed task leaves no half file under a final name."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from airflow.sdk import ObjectStoragePath

BLOCK = 1024 * 1024
UNFINISHED = ".arriving-"
"""How a name begins that nothing but an unfinished file has."""
OWNER_FILE, OWNER_FOLDER = 0o600, 0o700
"""Rights of what is made on local disks."""


class AtomicFile:
    """A file being written under a temporary name next to its final one."""

    def __init__(self, folder: ObjectStoragePath, *, durable: bool) -> None:
        self._temporary = folder / f"{UNFINISHED}{uuid.uuid4().hex}"
        self._durable = durable
        make_folder(folder)
        self.file = open_for(self._temporary, "wb")

    def commit(self, target: ObjectStoragePath) -> None:
        """Give the file its final name, on local disks in one step; an older file of it is replaced."""
        if target.protocol == "file":
            self._commit_locally(Path(target.path))
        else:
            self.file.close()
            target.fs.mv(self._temporary.path, target.path)

    def discard(self) -> None:
        """Remove what was written; nothing happens after `commit`."""
        with suppress(Exception):  # object storage may fail to close a broken upload: it goes all the same
            self.file.close()
        with suppress(FileNotFoundError):
            self._temporary.fs.rm_file(self._temporary.path)

    def _commit_locally(self, target: Path) -> None:
        self.file.flush()
        if self._durable:
            os.fsync(self.file.fileno())
        self.file.close()
        Path(self._temporary.path).replace(target)
        if self._durable:
            descriptor = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def writing(folder: ObjectStoragePath, *, durable: bool = False) -> Iterator[AtomicFile]:
    """Yield a temporary file; it is deleted unless it gets its final name before the end.

    Args:
        folder: Where it will stay; made when missing.
        durable: Wait until the disk has it, for what cannot be made again.
    """
    unfinished = AtomicFile(folder, durable=durable)
    try:
        yield unfinished
    finally:
        unfinished.discard()


def open_for(path: ObjectStoragePath, mode: str) -> BinaryIO:
    """Open a file of the storage.

    Not by the path's own `open`: that reports each access as lineage, which would replace the pipeline's.
    On local disks a new file is its owner's alone from the start: it holds personal data.
    """
    if path.protocol == "file":
        return cast("BinaryIO", open(path.path, mode, opener=_owners_own))
    return cast("BinaryIO", path.fs.open(path.path, mode))


def exists(path: ObjectStoragePath) -> bool:
    """Return whether a file is there."""
    return bool(path.fs.exists(path.path))


def make_folder(folder: ObjectStoragePath) -> None:
    """Make a folder and those above it, on local disks for their owner alone; others stay."""
    if folder.protocol != "file":
        folder.fs.makedirs(folder.path, exist_ok=True)
        return
    path = Path(folder.path)
    if path.is_dir():  # mostly: another frame of the same file
        return
    for each in (*reversed(path.parents), path):  # `parents=True` would leave the umask's rights above
        each.mkdir(mode=OWNER_FOLDER, exist_ok=True)


def last_written(folder: ObjectStoragePath, path: str) -> datetime:
    """Return when a file was written, in UTC; `path` is as the folder's storage names it."""
    moment: datetime = folder.fs.modified(path)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def purge_unfinished(folder: ObjectStoragePath, before: datetime) -> int:
    """Remove what killed tasks left half written anywhere below a folder; return how many files.

    Args:
        folder: May be missing.
        before: Only what was written last before this moment: a younger one may be of a task that runs.
    """
    removed = 0
    for path in _unfinished(folder) if exists(folder) else ():
        with suppress(FileNotFoundError):  # it was renamed meanwhile, or another run purges too
            if last_written(folder, path) < before:
                folder.fs.rm_file(path)
                removed += 1
    return removed


def _owners_own(path: str, flags: int) -> int:
    return os.open(path, flags, OWNER_FILE)


def _unfinished(folder: ObjectStoragePath) -> Iterator[str]:
    """Yield the unfinished files anywhere below a folder, on local disks by name alone: it may hold years."""
    if folder.protocol == "file":
        yield from map(str, Path(folder.path).rglob(f"{UNFINISHED}*"))
    else:
        yield from (
            path for path in folder.fs.find(folder.path) if path.rpartition("/")[2].startswith(UNFINISHED)
        )
