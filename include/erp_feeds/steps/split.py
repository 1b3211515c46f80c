"""Parts the good records into the frames that are loaded, and counts those left out on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import pandas as pd
import pyarrow.compute as pc

from erp_feeds.batch import Counts
from erp_feeds.codes import SkipCode
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.frames import Column, array_of, count_true, frame_of, table_of
from erp_feeds.steps.map_fields import LINKED_CURRENCY, VERSION, with_custom_object
from erp_feeds.steps.purchases import left_out
from erp_feeds.steps.result import Outcome

PURCHASE_COLUMNS = (
    "record", "purchase_id", "kind", "channel", "number", "email", "order_number", "receipt_number", "branch",
    "local_time", "occurred_at", "currency", "total", "line_count", "content_hash", "custom", VERSION,
)  # fmt: skip


def split(frames: Mapping[str, pd.DataFrame], interface: Interface, merchant: Merchant) -> Outcome:
    """Make the final frames of one file.

    Args:
        frames: As deduplicate left them.
        interface: Decides which frames come out.
        merchant: Whose file it is.

    Returns:
        `profiles` for customers, `purchases` and `lines` for purchases, `accounts` for the ERP cache, and
        `rejects` untouched where given; counts.skipped by code.
    """
    outcome = _STEPS[interface.name](frames, merchant)
    rejects = {"rejects": frames["rejects"]} if "rejects" in frames else {}
    return Outcome({**outcome.frames, **rejects}, outcome.counts)


def _customers(frames: Mapping[str, pd.DataFrame], _: Merchant) -> Outcome:
    """Leave out customers that nothing identifies (rule: customers 4)."""
    records = table_of(frames["records"])
    nobody = pc.and_(array_of(records["number"]).is_null(), array_of(records["email"]).is_null())
    profiles = with_custom_object(records.filter(pc.invert(nobody)))
    return Outcome({"profiles": frame_of(profiles)}, _skipped({SkipCode.NO_IDENTIFIER: nobody}))


def _purchases(frames: Mapping[str, pd.DataFrame], merchant: Merchant) -> Outcome:
    """Leave out purchases of nobody, and those without lines (rules: purchases 3 and 9)."""
    records, lines = table_of(frames["records"]), table_of(frames["lines"])
    masks = left_out(records)
    kept = records.filter(pc.invert(reduce(pc.or_, masks.values())))
    currency = pc.fill_null(kept[LINKED_CURRENCY], merchant.currency)
    kept = kept.drop_columns(["currency"]).append_column("currency", currency)
    kept = with_custom_object(kept.append_column("number", kept["customer_number"])).select(PURCHASE_COLUMNS)
    lines = lines.filter(pc.is_in(lines["record"], value_set=array_of(kept["record"])))
    return Outcome({"purchases": frame_of(kept), "lines": frame_of(lines)}, _skipped(masks))


def _accounts(frames: Mapping[str, pd.DataFrame], _: Merchant) -> Outcome:
    """Pass every account on."""
    records = table_of(frames["records"])
    return Outcome({"accounts": frame_of(records.drop_columns(["extras"]))}, Counts())


_STEPS: Mapping[str, Callable[[Mapping[str, pd.DataFrame], Merchant], Outcome]] = {
    "srs_customers": _customers,
    "srs_purchases": _purchases,
    "erp_cache_customers": _accounts,
}


def _skipped(masks: Mapping[SkipCode, Column]) -> Counts:
    numbers = {code.value: count_true(mask) for code, mask in masks.items()}
    return Counts(skipped={code: number for code, number in numbers.items() if number})
