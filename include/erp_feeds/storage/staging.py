"""What the tasks of one run pass on: XML members and Arrow files, which the archive can restore."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import TracebackType
from typing import IO, BinaryIO, Self

import pandas as pd
import pyarrow as pa
from airflow.sdk import ObjectStoragePath

from erp_feeds.columns.arrow import frame_of, table_of
from erp_feeds.errors import FailError
from erp_feeds.settings import settings
from erp_feeds.storage.atomic_file import BLOCK, AtomicFile, exists, last_written, make_folder, open_for

FORM = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
"""Arrow's own form: Parquet takes several times the CPU to write and read, above all of small files."""


def run_folder(merchant: str, run: str) -> ObjectStoragePath:
    """Return the staging folder of a run, made when missing.

    Run ids hold characters that storage does not take; a piece of their hash keeps the cleaned names apart.
    """
    clean = re.sub(r"[^A-Za-z0-9_-]+", "_", run)[:100]
    folder = _merchant_folder(merchant) / f"{clean}-{hashlib.sha256(run.encode()).hexdigest()[:8]}"
    make_folder(folder)
    return folder


def stage_member(folder: ObjectStoragePath, file_id: int, number: int, source: IO[bytes]) -> tuple[str, int]:
    """Copy one XML member to staging and return its URL, and its size in bytes.

    Args:
        folder: Of the run.
        file_id: Of the ledger.
        number: Position of the member within its file, from 0.
        source: The member; what it raises passes through, and nothing is staged then.
    """
    place = folder / str(file_id) / "xml"
    target = place / f"{number:02d}.xml"
    unfinished = AtomicFile(place, durable=False)
    try:
        shutil.copyfileobj(source, unfinished.file, BLOCK)
        size = unfinished.file.tell()
        unfinished.commit(target)
    finally:
        unfinished.discard()
    return str(target), size


def open_member(url: str) -> BinaryIO:
    """Open a staged XML member for reading.

    Raises:
        FailError: It is not staged any more; says which task to clear.
    """
    path = ObjectStoragePath(url)
    if not exists(path):
        raise _gone(url, "unzip")
    return open_for(path, "rb")


def free_bytes(folder: ObjectStoragePath) -> int | None:
    """Return the bytes that the disk of a folder still takes; None for object stores, which do not say."""
    return shutil.disk_usage(folder.path).free if folder.protocol == "file" else None


def drop(folder: ObjectStoragePath, file_id: int) -> None:
    """Remove what a run has staged of one file; nothing happens where nothing is staged."""
    place = folder / str(file_id)
    with suppress(FileNotFoundError):
        place.fs.rm(place.path, recursive=True)


class FrameWriters:
    """Appends blocks to one Arrow file per frame; all files get their names when the `with` block ends well.

    The frames of a big file are written in pieces: batch i of an Arrow file belongs to piece i modulo the
    number of pieces, so that a reader finds the batches of one piece without reading the others. The
    first block gives the schema, so an empty block with typed columns is a good first one.
    """

    def __init__(self, folder: ObjectStoragePath, file_id: int, step: str) -> None:
        self._place = folder / str(file_id) / step
        self._stack = ExitStack()
        self._files: dict[str, tuple[AtomicFile, pa.Schema, pa.ipc.RecordBatchFileWriter]] = {}
        self.urls: dict[str, str] = {}
        """Frame name -> URL; filled when the `with` block ends well."""

    def __enter__(self) -> Self:
        return self

    def append(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Add one block: frame name -> rows of one piece; columns and types are those of the first block."""
        for name, frame in frames.items():
            self.append_parted(name, table_of(frame), [0, len(frame)])

    def append_parted(self, name: str, table: pa.Table, bounds: Sequence[int]) -> None:
        """Add rows of all pieces to one frame, sorted by piece.

        Args:
            name: Of the frame.
            table: One chunk a column.
            bounds: Where the rows of each piece begin, and where the last ends.
        """
        if name not in self._files:
            unfinished = AtomicFile(self._place, durable=False)
            self._stack.callback(unfinished.discard)
            writer = pa.ipc.new_file(unfinished.file, table.schema, options=FORM)
            self._files[name] = unfinished, table.schema, writer
        _, schema, writer = self._files[name]
        (batch,) = table.cast(schema).to_batches() or [pa.RecordBatch.from_pylist([], schema)]
        for start, end in pairwise(bounds):
            writer.write_batch(batch.slice(start, end - start))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            for name, (unfinished, _, writer) in self._files.items():
                writer.close()
                if kind is None:
                    unfinished.commit(self._place / f"{name}.arrow")
        if kind is None:
            self.urls = {name: str(self._place / f"{name}.arrow") for name in self._files}


def read_frame(url: str, piece: int = 0, pieces: int = 1) -> pd.DataFrame:
    """Read one piece of a staged frame, of all by default; see `FrameWriters`.

    Every column is Arrow-backed, so identifiers stay text and nulls stay nulls.

    Raises:
        FailError: It is not staged any more; says which task to clear.
    """
    path = ObjectStoragePath(url)
    try:
        opened = open_for(path, "rb")
    except FileNotFoundError:
        raise _gone(url, str(path.parent.name)) from None
    with opened as file, pa.ipc.open_file(file) as reader:
        batches = map(reader.get_batch, range(piece, reader.num_record_batches, pieces))
        return frame_of(pa.Table.from_batches(batches, reader.schema))


def purge(merchant: str, days: int) -> list[str]:
    """Remove the folders of runs in which nothing was written for some days; return their URLs."""
    folder = _merchant_folder(merchant)
    before = datetime.now(UTC) - timedelta(days=days)
    removed = []
    for path in folder.fs.ls(folder.path, detail=False) if exists(folder) else ():
        with suppress(FileNotFoundError):  # a run beside this one renames its files, or purges too
            if _last_written(folder, path) < before:
                folder.fs.rm(path, recursive=True)
                removed.append(str(folder / path.rstrip("/").rpartition("/")[2]))
    return removed


def _merchant_folder(merchant: str) -> ObjectStoragePath:
    return ObjectStoragePath(settings().staging) / merchant


def _last_written(folder: ObjectStoragePath, path: str) -> datetime:
    """Return the newest time of a run's files, or of the folder itself while it is empty."""
    return max(last_written(folder, file) for file in folder.fs.find(path) or [path])


def outdated(name: str) -> FailError:
    """Return the error for frames of an earlier version: an upgrade has interrupted their run."""
    message = (
        f"{name} was staged by an earlier version: clear task 'unzip' of this run with everything after it"
    )
    return FailError(message, "not_staged")


def _gone(url: str, step: str) -> FailError:
    """Return the error for a removed file: clear the step that wrote it, or `unzip` when the run is gone."""
    run = ObjectStoragePath(url).parents[2]
    task = step if exists(run) else "unzip"
    message = f"{url} is not staged any more: clear task '{task}' of this run with everything after it"
    return FailError(message, "not_staged")
