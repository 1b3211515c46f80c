"""What each stage does with files. Stages write to a staging folder only, never to the ledger.

Small files of one interface go through them together, a big one alone; see `groups`. A run and a dry run call
the same stages; the caller decides what happens to a quarantined file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from airflow.sdk import ObjectStoragePath

from erp_feeds.batch import REJECT_FRAMES, Counts, FeedFile
from erp_feeds.codes import QuarantineCode
from erp_feeds.columns.arrow import frame_of
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import has_future_index, interface_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.deduplicate import deduplicate
from erp_feeds.steps.groups import rows_of
from erp_feeds.steps.parse import RawRecord, parse, raw_records
from erp_feeds.steps.pieces import PIECE_BYTES, pieces_for, places_of
from erp_feeds.steps.result import ByFile, StepResult, merged
from erp_feeds.steps.split import split
from erp_feeds.storage import archive, staging, zips
from erp_feeds.storage.pieces import PieceWriter
from erp_feeds.store.load import load_order

Stage = Callable[[Merchant, Sequence[FeedFile], ObjectStoragePath], list[FeedFile]]
"""Takes a group of files and the staging folder of the run; returns them as input of the next stage."""

GROUP_FILES = 250
"""Most files that pass the stages together, into one transaction."""
GROUP_BYTES = PIECE_BYTES
"""Of their unzipped XML, unless one file alone has more."""

ORIGINALS_IN_MEMORY = 1_000
"""Rejected records whose text is in memory at a time."""

Step = Callable[[dict[str, pd.DataFrame], Interface, Merchant], StepResult]


def groups(files: Sequence[FeedFile]) -> Iterator[list[FeedFile]]:
    """Yield the files that pass the next stage together.

    Before `unzip` each is alone, in the order given. Then small ones of one interface go together, in load
    order; and those that are staged together stay so.
    """
    if not all(file.members or file.staged for file in files):
        yield from ([file] for file in files)
        return

    def place(file: FeedFile) -> tuple[str, ...]:
        return file.interface, *file.staged.values()

    for _, together in groupby(sorted(files, key=load_order), key=place):
        group: list[FeedFile] = []
        for file in together:
            size = sum(each.unzipped for each in (*group, file))
            if group and not file.staged and (len(group) == GROUP_FILES or size > GROUP_BYTES):
                yield group
                group = []
            group.append(file)
        yield group


def unpack(merchant: Merchant, files: Sequence[FeedFile], folder: ObjectStoragePath) -> list[FeedFile]:
    """Unpack the archived originals into staged XML members.

    Raises:
        QuarantineError: a zip is unsafe, damaged or of another shop, its index is in the future, or the
            disk is full.
    """
    return [_unpacked(merchant, file, folder) for file in files]


def _unpacked(merchant: Merchant, file: FeedFile, folder: ObjectStoragePath) -> FeedFile:
    interface = interface_of(merchant, file.interface)
    _check_index(merchant, file, interface)
    with archive.open_original(file.archived) as original:
        unpacked = zips.members(original, file.name, interface, merchant, staging.free_bytes(folder))
        members = [
            staging.stage_member(folder, file.file_id, number, source)
            for number, source in enumerate(unpacked.sources())
        ]
    urls, unzipped = tuple(url for url, _ in members), sum(size for _, size in members)
    return file.with_staged({}, unpacked.counts, members=urls, unzipped=unzipped)


def _check_index(merchant: Merchant, file: FeedFile, interface: Interface) -> None:
    """Quarantine a future index: its records would count as newer than all later ones (rule: files 10)."""
    name = interface.match(file.name)
    is_its_own = name and int(name.index_number) == int(file.index_number)  # not so after `reindex`
    if name and is_its_own and has_future_index(merchant, file.interface, name):
        reason = f"index {name.index_number} is a time more than a day in the future"
        raise QuarantineError(QuarantineCode.FUTURE_INDEX, reason)


def read(merchant: Merchant, files: Sequence[FeedFile], folder: ObjectStoragePath) -> list[FeedFile]:
    """Stream the XML members into staged frames: records, lines, rejects, and the originals of those.

    Raises:
        QuarantineError: the XML of a file cannot be read as a whole.
    """
    interface = interface_of(merchant, files[0].interface)
    members = {file.file_id: _members(file) for file in files}
    pieces = pieces_for(sum(file.unzipped for file in files))
    found: ByFile = {}
    rejected: list[npt.NDArray[np.int32]] = []
    with staging.FrameWriters(folder, files[0].file_id, "parse") as writers:
        parted = PieceWriter(writers, pieces)
        for block in parse(members, interface, merchant):
            rejects = block.frames["rejects"]
            frames = {name: frame for name, frame in block.frames.items() if name != "rejects" or len(frame)}
            parted.append(frames, places_of(frames, interface, pieces))
            rejected.append(rejects["record"].to_numpy())
            found = merged(found, block.by_file)
        numbered = list(_numbered(files, found))
        numbers = np.concatenate(rejected)
        for file in numbered:
            for frame in _originals_of(merchant, file, numbers):
                frames = {"originals": frame}
                parted.append(frames, places_of(frames, interface, pieces))
        parted.flush()
    return [file.with_staged(writers.urls, pieces=pieces) for file in numbered]


def _numbered(files: Sequence[FeedFile], found: ByFile) -> Iterator[FeedFile]:
    """Yield the files with their counts, and with where the numbers of their records begin."""
    before = 0
    for file in files:
        counts = found.get(file.file_id, Counts())
        yield file.with_staged({}, counts, before=before)
        before += counts.read


def _originals_of(
    merchant: Merchant, file: FeedFile, rejected: npt.NDArray[np.int32]
) -> Iterator[pd.DataFrame]:
    """Yield line and text of the rejected records of a file; all numbers are those of the frames."""
    own = rejected[(rejected > file.before) & (rejected <= file.before + file.counts.read)] - file.before
    rows = originals(merchant, file, own) if len(own) else iter(())
    while some := list(islice(rows, ORIGINALS_IN_MEMORY)):
        numbered = (row._replace(record=row.record + file.before) for row in some)
        yield frame_of(pa.Table.from_pylist([row._asdict() for row in numbered]))


def _stage_of(name: str, step: Step) -> Stage:
    """Make a stage of a pure step on the staged frames; rejects stay as parse staged them."""

    def stage(merchant: Merchant, files: Sequence[FeedFile], folder: ObjectStoragePath) -> list[FeedFile]:
        interface = interface_of(merchant, files[0].interface)
        with staging.FrameWriters(folder, files[0].file_id, name) as writers:

            def staged(frames: dict[str, pd.DataFrame]) -> ByFile:
                result = step(frames, interface, merchant)
                writers.append(result.frames)
                return result.by_file

            counts = merged(*map(staged, Pieces(files, lambda frame: frame not in REJECT_FRAMES)))
        kept = {frame: url for frame, url in files[0].staged.items() if frame in REJECT_FRAMES}
        return [
            file.model_copy(update={"staged": {}}).with_staged(kept | writers.urls, counts.get(file.file_id))
            for file in files
        ]

    return stage


STAGES: Mapping[str, Stage] = {
    "unzip": unpack,
    "parse": read,
    "deduplicate": _stage_of("deduplicate", deduplicate),
    "split": _stage_of("split", split),
}
"""Task name -> stage, in the order of the pipeline."""


@dataclass(frozen=True)
class Pieces:
    """What files that were staged together have in the frames as the latest stages left them.

    Piece by piece, read anew each time: whoever holds one at a time needs no more memory for a bigger file.
    """

    files: Sequence[FeedFile]
    wanted: Callable[[str], bool] = lambda _: True

    def __iter__(self) -> Iterator[dict[str, pd.DataFrame]]:
        """Read the pieces.

        Raises:
            FailError: They are not staged any more, or in the form of an earlier version; says what to clear.
        """
        if not self.files[0].unzipped:
            raise staging.outdated(self.files[0].name)
        yield from map(self._piece, range(self.files[0].pieces))

    def _piece(self, piece: int) -> dict[str, pd.DataFrame]:
        pa.default_memory_pool().release_unused()  # of the piece before
        first = self.files[0]
        frames = {
            name: staging.read_frame(url, piece, first.pieces)
            for name, url in first.staged.items()
            if self.wanted(name)
        }
        return {name: rows_of(frame, self.files) for name, frame in frames.items()}


def originals(merchant: Merchant, file: FeedFile, numbers: npt.ArrayLike) -> Iterator[RawRecord]:
    """Read line and text of rejected records, in a second pass that only files with rejects need."""
    yield from raw_records(_members(file), interface_of(merchant, file.interface), numbers)


def _members(file: FeedFile) -> Iterator[BinaryIO]:
    """Open the members of a file, one after the other."""
    for url in file.members:
        with staging.open_member(url) as source:
            yield source
