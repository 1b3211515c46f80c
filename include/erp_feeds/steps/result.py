"""What every step returns: its frames, and its counts by file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from erp_feeds.batch import Counts
from erp_feeds.codes import WarningCode
from erp_feeds.columns.arrow import Column

ByFile = dict[int, Counts]
"""Id of a file -> what became of its records; files without anything to count may be missing."""


@dataclass(frozen=True)
class StepResult:
    """The frames of a step by name, and what became of the records of each file."""

    frames: dict[str, pd.DataFrame]
    by_file: ByFile

    @property
    def counts(self) -> Counts:
        """Return the counts of all files together."""
        return Counts.sum(self.by_file.values())


def merged(*parts: Mapping[int, Counts]) -> ByFile:
    """Add counts file by file."""
    found: ByFile = {}
    for part in parts:
        for file, counts in part.items():
            found[file] = found[file].plus(counts) if file in found else counts
    return found


def tally(files: Column, mask: Column, counts: Callable[[int], Counts]) -> ByFile:
    """Count the rows that a mask selects, by the file of each.

    Args:
        files: Id of the file of each row.
        mask: Without nulls.
        counts: Makes the counts of a file of the number of its rows.
    """
    chosen = np.asarray(files)[np.asarray(mask, dtype=bool)]
    if not len(chosen):
        return {}
    ids, numbers = np.unique(chosen, return_counts=True)
    return {int(file): counts(int(number)) for file, number in zip(ids, numbers, strict=True)}


def warned(code: WarningCode | str, files: Column, mask: Column) -> ByFile:
    """Count one warning by file."""
    return tally(files, mask, lambda number: Counts(warnings={str(code): number}))
