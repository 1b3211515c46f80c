"""What every step hands back: its frames and its tally."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from erp_feeds.batch import Counts


@dataclass(frozen=True)
class Outcome:
    """The frames of a step by name, and what became of the records."""

    frames: dict[str, pd.DataFrame]
    counts: Counts
