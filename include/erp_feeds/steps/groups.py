"""Which rows of frames that several files share are of which file, and in which waves they load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from erp_feeds.batch import FeedFile

Frames = Mapping[str, pd.DataFrame]
Pieces = Iterable[Frames]
"""The frames of files piece by piece; can be read more than once."""
Waves = Iterator[tuple[Sequence[FeedFile], Frames]]


def rows_of(frame: pd.DataFrame, files: Sequence[FeedFile]) -> pd.DataFrame:
    """Leave out the records of other files, which are in a frame whose numbers count through all of them."""
    record, place = _places(frame, files)
    ends = np.array([file.before + file.counts.read for file in files])
    own = (place >= 0) & (record <= ends[place])
    return frame if own.all() else frame[own].reset_index(drop=True)


@dataclass(frozen=True)
class OwnNumbers:
    """The pieces of some files with the number and the file of each record, as the store knows it."""

    pieces: Pieces
    files: Sequence[FeedFile]

    def __iter__(self) -> Iterator[dict[str, pd.DataFrame]]:
        """Number the pieces as they are read."""
        return map(self._numbered, self.pieces)

    def _numbered(self, frames: Frames) -> dict[str, pd.DataFrame]:
        return {name: _with_own_numbers(frame, self.files) for name, frame in frames.items()}


def _with_own_numbers(frame: pd.DataFrame, files: Sequence[FeedFile]) -> pd.DataFrame:
    record, place = _places(frame, files)
    befores, ids = np.array([file.before for file in files]), np.array([file.file_id for file in files])
    numbers = (record - befores[place]).astype(np.int32)
    return frame.assign(record=numbers, file=ids[place])


def _places(frame: pd.DataFrame, files: Sequence[FeedFile]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the number of each record, and the position of its file; -1 before the first."""
    record = frame["record"].to_numpy()
    return record, np.searchsorted([file.before for file in files], record) - 1


def waves_by_key(frames: Frames, table: str, files: Sequence[FeedFile]) -> Waves:
    """Part the records so that no two files of a wave bring one key; the earlier file is in an earlier wave.

    Args:
        frames: With own numbers; those of rejected records go with the first wave.
        table: Name of the frame with the records, each with key and file.
        files: In load order.

    Yields:
        The files of which records are in the wave, of the first one all; and its frames.
    """
    frame = frames[table]
    number = _times_brought(frame)
    yield files, {**frames, table: frame[number == 0]} if number.any() else frames
    for wave in range(1, int(number.max(initial=0)) + 1):
        rows = frame[number == wave]
        ids = set(rows["file"])
        yield [file for file in files if file.file_id in ids], {table: rows}


def _times_brought(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return how many earlier files brought the key of each record."""
    times = np.zeros(len(frame), dtype=np.int64)
    repeated = frame["key"].duplicated(keep=False).to_numpy(dtype=bool)
    if repeated.any():
        keys = pd.factorize(frame["key"][repeated])[0]
        files = pd.Series(frame["file"].to_numpy()[repeated])
        by_key = files.groupby(keys)
        times[repeated] = (files != by_key.shift()).groupby(keys).cumsum() - 1
    return times


def waves_by_file(frames: Frames, files: Sequence[FeedFile]) -> Waves:
    """Yield the frames of each file, in load order; see `waves_by_key`."""
    for file in files:
        yield (
            [file],
            {
                name: frame[(frame["file"] == file.file_id).to_numpy(dtype=bool)]
                for name, frame in frames.items()
            },
        )
