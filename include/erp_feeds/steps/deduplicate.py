"""Leaves out what later records of the same file replace."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.steps.result import StepResult


def deduplicate(frames: Mapping[str, pd.DataFrame], interface: Interface, merchant: Merchant) -> StepResult:
    """Collapse the records of one key within a file, as the rules of their kind say.

    A customer or account is left out where later records of its key fill or empty every field that it fills
    (rules: customers 6, ERP cache 5); for purchases see `records.purchases`.

    Args:
        frames: As parse left them, of the whole file or of one of its pieces; see `steps.pieces`.
        interface: What kind of records it holds.
        merchant: Mapping, zone, currency and excluded skus.

    Returns:
        The frames `records` and, where there are any, `lines`, in file order. Every record but the last of
        its key counts as collapsed, also one that stays because no later record fills its fields.
    """
    return KINDS[interface.name].deduplicate(frames, merchant)
