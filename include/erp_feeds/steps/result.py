"""What every step returns: its frames and its counts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from erp_feeds.batch import Counts


@dataclass(frozen=True)
class StepResult:
    """The frames of a step by name, and what became of the records."""

    frames: dict[str, pd.DataFrame]
    counts: Counts
