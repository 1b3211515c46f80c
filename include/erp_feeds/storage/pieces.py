"""Divides the blocks of a big file by piece, many at a time: short batches would be the largest cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from erp_feeds.columns.arrow import table_of
from erp_feeds.storage.staging import FrameWriters

BUFFER = 16 << 20
"""Bytes of rows that are collected before they are divided; dividing them needs as much memory again."""


class PieceWriter:
    """Writes frames whose blocks hold rows of several pieces."""

    def __init__(self, writers: FrameWriters, pieces: int) -> None:
        self._writers = writers
        self._pieces = pieces
        self._size = 0
        self._waiting: dict[str, list[tuple[pa.Table, npt.NDArray[Any]]]] = {}

    def append(self, frames: Mapping[str, pd.DataFrame], places: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add one block: frame name -> rows, and the piece of each."""
        if self._pieces == 1:
            self._writers.append(frames)
            return
        for name, frame in frames.items():
            table = table_of(frame)
            self._waiting.setdefault(name, []).append((table, places[name]))
            self._size += table.nbytes
        if self._size > BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is collected; also to be called at the end."""
        for name, blocks in self._waiting.items():
            place = np.concatenate([places for _, places in blocks])
            table = pa.concat_tables([table for table, _ in blocks]).combine_chunks()
            order = np.argsort(place, kind="stable")
            bounds = np.searchsorted(place, np.arange(self._pieces + 1), sorter=order)
            self._writers.append_parted(name, table.take(pa.array(order)), bounds.tolist())
        self._waiting.clear()
        self._size = 0
