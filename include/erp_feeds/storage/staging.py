"""What the tasks of one run pass on: XML members and Arrow files, which the archive can restore."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
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
    arrival = AtomicFile(place, durable=False)
    try:
        shutil.copyfileobj(source, arrival.file, BLOCK)
        size = arrival.file.tell()
        arrival.commit(target)
    finally:
        arrival.discard()
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


class FrameWriter:
    """Appends blocks to one Arrow file, which gets its name when the `with` block ends well.

    The first block gives the schema, so an empty block with typed columns is a good first one.
    """

    def __init__(self, folder: ObjectStoragePath, file_id: int, step: str, name: str) -> None:
        self._place = folder / str(file_id) / step
        self._target = self._place / f"{name}.arrow"
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._arrival: AtomicFile | None = None
        self._schema = pa.schema([])
        self.url = ""
        """Of the finished file; empty until then, and for good when no block came."""

    def __enter__(self) -> Self:
        self._arrival = AtomicFile(self._place, durable=False)
        return self

    def append(self, block: pd.DataFrame) -> None:
        """Add rows; columns and types are those of the first block."""
        if self._arrival is None:
            raise RuntimeError("FrameWriter.append outside of its with block")
        table = table_of(block)
        if self._writer is None:
            self._schema = table.schema
            self._writer = pa.ipc.new_file(self._arrival.file, table.schema, options=FORM)
        elif not len(table):
            return
        self._writer.write_table(table.cast(self._schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is None:
            return
        try:
            if self._writer is not None:
                self._writer.close()
                if kind is None:
                    arrival.commit(self._target)
                    self.url = str(self._target)
        finally:
            arrival.discard()


class FrameWriters:
    """Appends the frames of each block to the files of their names; see `FrameWriter`."""

    def __init__(self, folder: ObjectStoragePath, file_id: int, step: str) -> None:
        self._folder = folder
        self._file_id = file_id
        self._step = step
        self._stack = ExitStack()
        self._writers: dict[str, FrameWriter] = {}
        self.urls: dict[str, str] = {}
        """Frame name -> URL; filled when the `with` block ends well."""

    def __enter__(self) -> Self:
        return self

    def append(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Add one block: frame name -> rows."""
        for name, frame in frames.items():
            if name not in self._writers:
                writer = FrameWriter(self._folder, self._file_id, self._step, name)
                self._writers[name] = self._stack.enter_context(writer)
            self._writers[name].append(frame)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            self.urls = {name: writer.url for name, writer in self._writers.items()}


def write_frame(folder: ObjectStoragePath, file_id: int, step: str, name: str, frame: pd.DataFrame) -> str:
    """Stage one frame as `<folder>/<file_id>/<step>/<name>.arrow` and return its URL."""
    with FrameWriter(folder, file_id, step, name) as writer:
        writer.append(frame)
    return writer.url


def read_frame(url: str) -> pd.DataFrame:
    """Read a staged frame; every column is Arrow-backed, so identifiers stay text and nulls stay nulls.

    Raises:
        FailError: It is not staged any more; says which task to clear.
    """
    path = ObjectStoragePath(url)
    if not exists(path):
        raise _gone(url, str(path.parent.name))
    with open_for(path, "rb") as file, pa.ipc.open_file(file) as reader:
        return frame_of(reader.read_all())


def purge(merchant: str, days: int) -> list[str]:
    """Remove the folders of runs in which nothing was written for some days; return their URLs."""
    folder = _merchant_folder(merchant)
    before = datetime.now(UTC) - timedelta(days=days)
    removed = []
    for path in folder.fs.ls(folder.path, detail=False) if exists(folder) else ():
        with suppress(FileNotFoundError):  # a run beside this one renames its files, or sweeps too
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
    """Return the error for a swept file: clear the step that wrote it, or `unzip` when the run is gone."""
    run = ObjectStoragePath(url).parents[2]
    task = step if exists(run) else "unzip"
    message = f"{url} is not staged any more: clear task '{task}' of this run with everything after it"
    return FailError(message, "not_staged")
