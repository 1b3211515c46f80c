"""Which records of a file are left out, because later records of their key replace all their fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.batch import Counts
from erp_feeds.codes import SkipCode, WarningCode
from erp_feeds.columns.arrow import Column, array_of, is_true
from erp_feeds.steps.map_fields import VERSION
from erp_feeds.steps.result import ByFile, tally

OF_THE_RECORD = frozenset({"record", "file", "key", "cleared", VERSION})
"""Columns that are no fields."""

Mask = npt.NDArray[np.bool_]


def collapse(records: pa.Table) -> tuple[pa.Table, ByFile]:
    """Leave out records whose every field is replaced by later ones of the same key and file (customers 6).

    The records of one key that stay fill different fields. `load` merges them in file order, together with
    records of other keys that belong to the same person, which only the store knows.

    Args:
        records: With record (ascending), file, key, cleared, and a column for each field.

    Returns:
        The records that stay, the last of each key among them; all but the last count as collapsed.
    """
    keys = array_of(records["key"]).to_pandas()
    repeated = keys.duplicated(keep=False).to_numpy() & keys.notna().to_numpy()
    if not repeated.any():
        return records, {}
    some = records.filter(pa.array(repeated))
    known = pd.DataFrame({"file": some["file"].to_numpy(), "key": pd.factorize(keys[repeated])[0]})
    stays = ~repeated
    codes = known.groupby(["file", "key"], sort=False).ngroup().to_numpy()
    stays[repeated] = _is_last(some, codes)
    counts = tally(known["file"], known.duplicated(keep="last"), counts_of_collapsed)
    return records.filter(pa.array(stays)).combine_chunks(), counts


def counts_of_collapsed(number: int) -> Counts:
    """Return the counts for a number of records that later ones of their file replace."""
    return Counts(collapsed=number, warnings={WarningCode.REPEATED_KEY.value: number})


def _is_last(records: pa.Table, codes: npt.NDArray[np.integer[Any]]) -> Mask:
    """Return which records are the last of their key, or the last that fills or empties one of its fields.

    Args:
        records: In file order.
        codes: The key of each, as a number.
    """
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    places = np.arange(len(order))
    last = np.zeros(len(order), dtype=bool)
    cleared = array_of(records["cleared"])
    for name in ("record", *(name for name in records.column_names if name not in OF_THE_RECORD)):
        empty = is_true(pc.match_substring(cleared, f",{name},"))
        said = pc.or_(records[name].is_valid(), empty).to_numpy()
        latest = np.maximum.reduceat(np.where(said[order], places, -1), starts)
        last[order[latest[latest >= 0]]] = True
    return last


def skipped(code: SkipCode, files: Column, mask: Column) -> ByFile:
    """Count the records that are skipped for one reason, by file."""
    return tally(files, mask, lambda number: Counts(skipped={code.value: number}))
