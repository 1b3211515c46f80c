"""Which rows of frames that several files share are of which file, and in which waves they load."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    """Leave out the records of other files of a frame that is numbered consecutively over all its files."""
    record, place = _places(frame, files)
    ends = np.array([file.before + file.counts.read for file in files])
    own = (place >= 0) & (record <= ends[place])
    return frame if own.all() else frame[own].reset_index(drop=True)


@dataclass(frozen=True)
class OwnNumbers:
    """The pieces of some files, each record with its file and its number in that file, as in the store."""

    pieces: Pieces
    files: Sequence[FeedFile]
    through: Collection[str] = ()
    """Frames whose records keep the consecutive number over all files."""

    def __iter__(self) -> Iterator[dict[str, pd.DataFrame]]:
        """Number the pieces as they are read."""
        return map(self._numbered, self.pieces)

    def _numbered(self, frames: Frames) -> dict[str, pd.DataFrame]:
        return {
            name: _with_files(frame, self.files, own=name not in self.through)
            for name, frame in frames.items()
        }


def _with_files(frame: pd.DataFrame, files: Sequence[FeedFile], *, own: bool) -> pd.DataFrame:
    record, place = _places(frame, files)
    befores, ids = np.array([file.before for file in files]), np.array([file.file_id for file in files])
    return frame.assign(record=(record - befores[place] * own).astype(np.int32), file=ids[place])


def _places(frame: pd.DataFrame, files: Sequence[FeedFile]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the number of each record, and the position of its file; -1 before the first."""
    record = frame["record"].to_numpy()
    return record, np.searchsorted([file.before for file in files], record) - 1


def waves_by_key(frames: Frames, table: str, files: Sequence[FeedFile]) -> Waves:
    """Divide records into waves: no two files of a wave bring the same key, and earlier files come first.

    Args:
        frames: With own numbers; those of rejected records go with the first wave.
        table: Name of the frame with the records, each with key and file.
        files: In load order.

    Yields:
        The files with records in the wave (in the first wave all files), and the frames of the wave.
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


def wave_of(frames: Frames, files: Sequence[FeedFile]) -> dict[str, pd.DataFrame]:
    """Return what some of the files have in frames with own numbers."""
    ids = [file.file_id for file in files]
    return {name: frame[frame["file"].isin(ids).to_numpy(dtype=bool)] for name, frame in frames.items()}


def wave_ends(places: npt.NDArray[Any], groups: Iterable[npt.NDArray[Any]], files: int) -> list[int]:
    """Divide files, in their order, into as few waves as possible; no two files of a wave share a group.

    Args:
        places: The position of the file of each record.
        groups: To which group of each kind the record belongs; none where it is negative.
        files: How many there are.

    Returns:
        Where each wave ends.
    """
    before = np.full(files, -1)
    for group in groups:
        pairs = np.unique((group * files + places)[group >= 0])
        owners, group_of = pairs % files, pairs // files
        shared = group_of[1:] == group_of[:-1]
        np.maximum.at(before, owners[1:][shared], owners[:-1][shared])
    ends, start = [], 0
    for place in range(files):
        if before[place] >= start and place > start:
            ends.append(place)
            start = place
    return [*ends, files]


def connected(left: npt.NDArray[Any], right: npt.NDArray[Any], nodes: int) -> npt.NDArray[Any]:
    """Return for each node the smallest node that it is connected with, directly or through others."""
    least = np.arange(nodes)
    while True:
        lower = np.minimum(least[left], least[right])
        new = least.copy()
        np.minimum.at(new, left, lower)
        np.minimum.at(new, right, lower)
        np.minimum.at(new, least[left], lower)
        np.minimum.at(new, least[right], lower)
        new = new[new]
        if (new == least).all():
            return least
        least = new
