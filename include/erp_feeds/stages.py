"""What each stage does with one file. Stages write to a staging folder only, never to the ledger.

A run and a dry run call the same stages; the caller decides what happens to a quarantined file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice

import pandas as pd
import pyarrow as pa
from airflow.sdk import ObjectStoragePath

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import QuarantineCode
from erp_feeds.columns.arrow import frame_of
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import has_future_index, interface_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.deduplicate import deduplicate
from erp_feeds.steps.parse import RawRecord, parse, raw_records
from erp_feeds.steps.result import StepResult
from erp_feeds.steps.split import split
from erp_feeds.storage import archive, staging, zips

Stage = Callable[[Merchant, FeedFile, ObjectStoragePath], FeedFile]
"""Takes a file and the staging folder of the run; returns the file as input of the next stage."""

OF_REJECTS = ("rejects", "originals")
"""Frames of rejected records: only `parse` writes them, and only `load` reads them."""

ORIGINALS_IN_MEMORY = 1_000
"""Rejected records whose text is in memory at a time."""

Step = Callable[[dict[str, pd.DataFrame], Interface, Merchant], StepResult]


def unpack(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
    """Unpack the archived original into staged XML members.

    Raises:
        QuarantineError: the zip is unsafe, damaged or of another shop, its index is in the future, or the
            disk is full.
    """
    interface = interface_of(merchant, file.interface)
    _check_index(merchant, file, interface)
    with archive.open_original(file.archived) as original:
        unpacked = zips.members(original, file.name, interface, merchant, staging.free_bytes(folder))
        members = tuple(
            staging.stage_member(folder, file.file_id, number, source)
            for number, source in enumerate(unpacked.sources())
        )
    return file.model_copy(update={"members": members, "counts": file.counts.plus(unpacked.counts)})


def _check_index(merchant: Merchant, file: FeedFile, interface: Interface) -> None:
    """Quarantine a future index: its records would count as newer than all later ones (rule: files 10)."""
    name = interface.match(file.name)
    is_its_own = name and int(name.index_number) == int(file.index_number)  # not so after `reindex`
    if name and is_its_own and has_future_index(merchant, file.interface, name):
        reason = f"index {name.index_number} is a time more than a day in the future"
        raise QuarantineError(QuarantineCode.FUTURE_INDEX, reason)


def read(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
    """Stream the XML members into staged frames: records, lines, rejects, and the originals of those.

    Raises:
        QuarantineError: the XML cannot be read as a whole.
    """
    interface = interface_of(merchant, file.interface)
    counts = Counts()
    rejected: set[int] = set()
    with ExitStack() as stack, staging.FrameWriters(folder, file.file_id, "parse") as writers:
        sources = (stack.enter_context(staging.open_member(url)) for url in file.members)
        for block in parse(sources, interface, merchant):
            writers.append(
                {name: frame for name, frame in block.frames.items() if name != "rejects" or len(frame)}
            )
            rejected.update(block.frames["rejects"]["record"])
            counts = counts.plus(block.counts)
        if rejected:
            rows = originals(merchant, file, rejected)
            while some := list(islice(rows, ORIGINALS_IN_MEMORY)):
                writers.append({"originals": frame_of(pa.Table.from_pylist([row._asdict() for row in some]))})
    return file.with_staged(writers.urls, counts)


def _stage_of(name: str, step: Step) -> Stage:
    """Make a stage of a pure step on the staged frames; rejects stay as parse staged them."""

    def stage(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
        kept = {frame: url for frame, url in file.staged.items() if frame in OF_REJECTS}
        taken = {frame: url for frame, url in file.staged.items() if frame not in OF_REJECTS}
        frames = {frame: staging.read_frame(url) for frame, url in taken.items()}
        result = step(frames, interface_of(merchant, file.interface), merchant)
        staged = {
            frame: staging.write_frame(folder, file.file_id, name, frame, data)
            for frame, data in result.frames.items()
        }
        return file.model_copy(update={"staged": kept | staged, "counts": file.counts.plus(result.counts)})

    return stage


STAGES: Mapping[str, Stage] = {
    "unzip": unpack,
    "parse": read,
    "deduplicate": _stage_of("deduplicate", deduplicate),
    "split": _stage_of("split", split),
}
"""Task name -> stage, in the order of the pipeline."""


def frames_of(file: FeedFile) -> dict[str, pd.DataFrame]:
    """Read the frames as the latest stages left them."""
    return {name: staging.read_frame(url) for name, url in file.staged.items()}


def originals(merchant: Merchant, file: FeedFile, numbers: Collection[int]) -> Iterator[RawRecord]:
    """Read line and text of rejected records, in a second pass that only files with rejects need."""
    with ExitStack() as stack:
        sources = (stack.enter_context(staging.open_member(url)) for url in file.members)
        yield from raw_records(sources, interface_of(merchant, file.interface), numbers)
