"""In which piece of a big file each record goes, so that no step holds the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from erp_feeds.columns.arrow import array_of, table_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.records import KINDS

Places = npt.NDArray[np.integer[Any]]

PIECE_BYTES = 12 << 20
"""Of XML in one piece, about: its records take up to 150 MB in the step that needs most."""


def pieces_for(unzipped: int) -> int:
    """Return into how many pieces the records of a file are divided, by the bytes of its XML."""
    return max(1, -(-unzipped // PIECE_BYTES))


def places_of(frames: Mapping[str, pd.DataFrame], interface: Interface, pieces: int) -> dict[str, Places]:
    """Return the piece of each row of the frames of `parse`, from 0; nothing where there is only one piece.

    Records that belong together are in one piece, with their lines. The others, and those that are rejected,
    go by their number.
    """
    if pieces == 1:
        return {}
    places = {name: frame["record"].to_numpy() % pieces for name, frame in frames.items()}
    if "records" in frames:
        records = table_of(frames["records"])
        columns = {name: array_of(records[name]) for name in records.column_names}
        together = KINDS[interface.name].together
        texts = together(columns) if together else columns["key"]
        hashes = [crc32(text) % pieces for text in texts.drop_null().cast(pa.binary()).to_pylist()]
        places["records"][np.asarray(texts.is_valid())] = hashes
    if "lines" in frames:
        record = np.searchsorted(records["record"].to_numpy(), frames["lines"]["record"].to_numpy())
        places["lines"] = places["records"][record]
    return places
