"""Divides the good records into the frames that load, and counts those that are skipped."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.steps.result import StepResult


def split(frames: Mapping[str, pd.DataFrame], interface: Interface, merchant: Merchant) -> StepResult:
    """Make the final frames of one file.

    Args:
        frames: As deduplicate left them.
        interface: What kind of records it holds.
        merchant: Whose file it is.

    Returns:
        `profiles` for customers; `orders`, `returns` and `lines` for purchases; `accounts` for the ERP cache.
        counts.skipped by code.
    """
    return KINDS[interface.name].split(frames, merchant)
