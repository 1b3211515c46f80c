"""What each station of the line makes of one file. They write to a staging folder only, never to the ledger.

So a run and a rehearsal walk the same way; who walks decides what becomes of a refused file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack

import pandas as pd
from airflow.sdk import ObjectStoragePath

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.interfaces import interface_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.deduplicate import deduplicate
from erp_feeds.steps.parse import RawRecord, parse, raw_records
from erp_feeds.steps.result import Outcome
from erp_feeds.steps.split import split
from erp_feeds.storage import archive, staging, zips

Station = Callable[[Merchant, FeedFile, ObjectStoragePath], FeedFile]
"""Takes a file and the staging folder of the run; returns the file as the next station finds it."""

Step = Callable[[dict[str, pd.DataFrame], Interface, Merchant], Outcome]


def unpack(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
    """Unpack the archived original into staged XML members.

    Raises:
        QuarantineError: the zip is unsafe, damaged or another shop's.
    """
    interface = interface_of(merchant, file.interface)
    with archive.open_original(file.archived) as original:
        unpacked = zips.members(original, file.name, interface, merchant)
        members = tuple(
            staging.stage_member(folder, file.file_id, number, source)
            for number, source in enumerate(unpacked.sources())
        )
    return file.model_copy(update={"members": members, "counts": file.counts.plus(unpacked.counts)})


def read(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
    """Stream the XML members into staged frames: records, lines and rejects.

    Raises:
        QuarantineError: the XML is refused as a whole.
    """
    interface = interface_of(merchant, file.interface)
    counts = Counts()
    with ExitStack() as stack, staging.FrameWriters(folder, file.file_id, "parse") as writers:
        sources = (stack.enter_context(staging.open_member(url)) for url in file.members)
        for block in parse(sources, interface, merchant):
            writers.append(block.frames)
            counts = counts.plus(block.counts)
    return file.with_staged(writers.urls, counts)


def _of(name: str, step: Step) -> Station:
    """Make a station of a pure step on the staged frames."""

    def station(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
        outcome = step(frames_of(file), interface_of(merchant, file.interface), merchant)
        staged = {
            frame: staging.write_frame(folder, file.file_id, name, frame, data)
            for frame, data in outcome.frames.items()
        }
        return file.model_copy(update={"staged": staged, "counts": file.counts.plus(outcome.counts)})

    return station


STATIONS: Mapping[str, Station] = {
    "unzip": unpack,
    "parse": read,
    "deduplicate": _of("deduplicate", deduplicate),
    "split": _of("split", split),
}
"""In the order of the line, by the name of the task."""


def frames_of(file: FeedFile) -> dict[str, pd.DataFrame]:
    """Read the frames that the latest station staged."""
    return {name: staging.read_frame(url) for name, url in file.staged.items()}


def originals(merchant: Merchant, file: FeedFile, numbers: Collection[int]) -> Iterator[RawRecord]:
    """Find line and text of refused records: a second pass that only files with rejects pay for."""
    with ExitStack() as stack:
        sources = (stack.enter_context(staging.open_member(url)) for url in file.members)
        yield from raw_records(sources, interface_of(merchant, file.interface), numbers)
