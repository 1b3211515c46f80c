"""Which elements and attributes a file carried: known ones, and those nobody reads; never their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from erp_feeds.batch import Counts
from erp_feeds.codes import WarningCode
from erp_feeds.columns.arrow import Column

MOST_NAMES = 100
"""Unknown names kept of one file: data written as names would fill the ledger."""
LONGEST_NAME = 100
OTHERS = "…"
"""Stands for the names above the most, and for the rest of a name that is too long."""


class Drift:
    """Tallies the elements of a file, block by block.

    An element is named by its path below the record ('Shoe', 'Lines/Line/Colour'), one outside of the records
    by its path below the root, from the root on ('Export/Customers/Klant'). An attribute is '@action' or,
    of an element in the record, 'Email/@kind'.
    """

    def __init__(self) -> None:
        self._known: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()

    def note_known(self, elements: Mapping[str, int]) -> None:
        """Add known elements that records carried, each with the number of records."""
        self._known.update({name: number for name, number in elements.items() if number})

    def note_unknown(self, elements: Mapping[str, int]) -> None:
        """Add unknown elements, each with the number of its occurrences."""
        for name, number in elements.items():
            short = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + OTHERS
            room = short in self._unknown or len(self._unknown) < MOST_NAMES
            self._unknown[short if room else OTHERS] += number

    def counts(self, surroundings: int) -> Counts:
        """Return the tally of the file; `surroundings` become warnings here, all else did so by block."""
        warnings = {WarningCode.UNKNOWN_ELEMENT.value: surroundings} if surroundings else {}
        return Counts(elements=dict(self._known), unknown=dict(self._unknown), warnings=warnings)


def carried(columns: Mapping[str, Column], starts: Sequence[int]) -> dict[str, npt.NDArray[np.int64]]:
    """Return for each column how many values, empty or not, the rows from each start to the next have."""
    found = {}
    for name, column in columns.items():
        if len(starts) == 1:
            found[name] = np.array([len(column) - column.null_count])
            continue
        before = np.concatenate([[0], np.cumsum(column.is_valid().to_numpy(zero_copy_only=False))])
        found[name] = np.diff(before[[*starts, len(column)]])
    return found
