"""SRS purchases: what identifies one, which records of a file replace others, and what loads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.codes import SkipCode, WarningCode
from erp_feeds.columns.arrow import Column, array_of, frame_of, is_one_of, table_of
from erp_feeds.interfaces import mapping_of
from erp_feeds.interfaces.targets import CUSTOM
from erp_feeds.merchant import Merchant
from erp_feeds.records.collapse import counts_of_collapsed, skipped
from erp_feeds.records.kind import Columns, Frames, LoadMethod, RecordKind, Row, Rows
from erp_feeds.steps.map_fields import (
    LINKED_CURRENCY,
    VERSION,
    fill_lines,
    fill_purchases,
    with_custom_object,
)
from erp_feeds.steps.purchases import (
    ONLINE,
    ORDER,
    SKIP_CODE,
    identify,
    till_errors,
    till_ids,
    with_quantities,
)
from erp_feeds.steps.result import ByFile, StepResult, merged, tally, warned

COLUMNS = (
    "record", "file", "key", "purchase_id", "kind", "channel", "number", "email", "order_number",
    "receipt_number", "branch", "local_time", "occurred_at", "currency", "total", "line_count",
    "content_hash", "custom", VERSION,
)  # fmt: skip

AFTER_ID = r"(?:-R[0-9]+|~[0-9]+)+$"
"""The suffixes that an id may have: without them it could be the id of another purchase."""
_IDENTITY = ["file", "channel", "order_number", "purchase_id"]
_BASKET = [*_IDENTITY, "content_hash"]
_BUYER = ("customer_number", "email")
_KNOWN = [*_BASKET, "kind", *_BUYER]

Mask = npt.NDArray[np.bool_]


def key(columns: Columns) -> Column:
    """Return till receipt ids; order numbers with their moment, because a return has the number too."""
    online = pc.binary_join_element_wise(columns["order_number"], columns["date_time"], "@")
    return pc.if_else(columns["order_number"].is_valid(), online, till_ids(columns))


def together(columns: Columns) -> Column:
    """Return order number or receipt without such suffixes: with them it may equal another purchase's id."""
    ids = pc.coalesce(columns["order_number"], till_ids(columns))
    return pc.replace_substring_regex(ids, AFTER_ID, "")


def deduplicate(frames: Frames, merchant: Merchant) -> StepResult:
    """Collapse by id; a till receipt with another basket is another purchase (rules: purchases 6, 7).

    Records that are skipped anyway replace no other record: else the purchase of that id would be lost.
    """
    mapping = mapping_of(merchant, "srs_purchases")
    delivered, unknown = fill_purchases(table_of(frames["records"]), mapping)
    lines = with_quantities(table_of(frames["lines"]))
    identified = identify(delivered, lines, merchant)
    going = array_of(identified.records[SKIP_CODE]).is_null()
    left = identified.records.filter(pc.invert(going))
    records, counts = _one_per_id(identified.records.filter(going))
    if len(left):
        records = pa.concat_tables([records, left.cast(records.schema)]).sort_by("record").combine_chunks()
    if len(records) < len(delivered):
        lines = lines.filter(pc.is_in(lines["record"], value_set=array_of(records["record"])))
    unique = {"records": frame_of(records), "lines": frame_of(fill_lines(lines, mapping))}
    return StepResult(unique, merged(counts, identified.warnings, unknown))


def _one_per_id(records: pa.Table) -> tuple[pa.Table, ByFile]:
    """Collapse the records of one id, and give several baskets under it ids of their own (purchases 6, 7).

    Most ids come once, and such records are not compared further.
    """
    repeated = array_of(records["purchase_id"]).to_pandas().duplicated(keep=False).to_numpy()
    if not repeated.any():
        return records, {}
    alone = records.filter(pa.array(~repeated))
    several, collapsed = _one_per_basket(records.filter(pa.array(repeated)))
    known = several.select(_KNOWN).to_pandas()
    rank = known.groupby(_IDENTITY, sort=False, dropna=False).cumcount().to_numpy(copy=True)
    rank[_orders(known)] = 0
    collisions = warned(WarningCode.RECEIPT_COLLISION, known["file"], rank > 0)
    if collisions:
        several = _suffixed(several, rank, alone)
    records = pa.concat_tables([alone, several]).sort_by("record").combine_chunks()
    return records, merged(collisions, collapsed)


def _one_per_basket(records: pa.Table) -> tuple[pa.Table, ByFile]:
    """Leave out the records that a later or an equal one replaces, and count them.

    An order whose later record names another buyer stays until `load`, where that buyer may be left out.
    """
    known = records.select(_KNOWN).to_pandas()
    orders = _orders(known)
    twice = known.duplicated(_BASKET, keep=False).to_numpy()
    if twice.any():
        records = _filled(records, known, orders, twice)
        known = records.select(_KNOWN).to_pandas()
    superseded = orders & known.duplicated([*_IDENTITY, *_BUYER], keep="last").to_numpy()
    repeated = ~orders & known.duplicated(_BASKET, keep="first").to_numpy()
    kept = ~(superseded | repeated)
    return records.filter(pa.array(kept)), tally(known["file"], ~kept, counts_of_collapsed)


def _orders(known: pd.DataFrame) -> Mask:
    """Return which are online orders: an order number has one order, but may have several returns."""
    return ((known["channel"] == ONLINE) & (known["kind"] == ORDER)).to_numpy()


def _filled(records: pa.Table, known: pd.DataFrame, orders: Mask, twice: Mask) -> pa.Table:
    """Give equal baskets the linked values of the last of them, as if they came in separate files.

    Also the buyer, where one of them has none (rule: purchases 7). Where they name two buyers, the last one
    counts; if that one has no number, the last number stays and wins over the address.
    """
    baskets = known[twice].groupby(_BASKET, sort=False, dropna=False)
    last = np.arange(len(known))
    last[twice] = pd.Series(last[twice], known.index[twice]).groupby(baskets.ngroup()).transform("max")
    one = (baskets[list(_BUYER)].transform("nunique") <= 1).all(axis=1)
    last_one = pa.array(np.where(orders, np.arange(len(known)), last))
    for place, name in enumerate(records.column_names):
        if name in _BUYER:
            buyer = known[name].take(last).set_axis(known.index)
            filled = baskets[name].transform("last")
            filled = filled if name == "customer_number" else filled[one]
            buyer[filled.index] = filled
            records = records.set_column(place, name, pa.array(buyer.where(buyer.notna(), None), pa.string()))
        elif name == LINKED_CURRENCY or name.startswith(CUSTOM):
            records = records.set_column(place, name, pc.take(array_of(records[name]), last_one))
    return records


def _suffixed(records: pa.Table, rank: npt.NDArray[np.integer[Any]], others: pa.Table) -> pa.Table:
    """Give the later of several baskets under one id the suffix ~2, ~3 and so on (rule: purchases 7).

    No order number, in these records or the others, loses its id to such a suffix.
    """
    ids = array_of(records["purchase_id"]).to_pylist()
    files = records["file"].to_pylist()
    taken = {
        of_file
        for table in (records, others)
        for of_file in zip(table["file"].to_pylist(), table["purchase_id"].to_pylist(), strict=True)
    }
    for row in np.flatnonzero(rank):
        number = int(rank[row]) + 1
        while (later := (files[row], f"{ids[row]}~{number}")) in taken:
            number += 1
        ids[row] = later[1]
        taken.add(later)
    place = records.column_names.index("purchase_id")
    return records.set_column(place, "purchase_id", pa.array(ids, pa.string()))


def split(frames: Frames, merchant: Merchant) -> StepResult:
    """Separate orders and returns; skip purchases without buyer or lines (rules: purchases 2, 3, 9)."""
    records, lines = table_of(frames["records"]), table_of(frames["lines"])
    skip_codes = array_of(records[SKIP_CODE])
    kept = records.filter(skip_codes.is_null())
    currency = pc.fill_null(kept[LINKED_CURRENCY], merchant.currency)
    kept = kept.drop_columns(["currency"]).append_column("currency", currency)
    kept = with_custom_object(kept.append_column("number", kept["customer_number"])).select(COLUMNS)
    lines = lines.filter(pc.is_in(lines["record"], value_set=array_of(kept["record"])))
    ordered = pc.equal(kept["kind"], ORDER)
    parted = {"orders": kept.filter(ordered), "returns": kept.filter(pc.invert(ordered)), "lines": lines}
    codes = (SkipCode.NO_IDENTIFIER, SkipCode.NO_LINES)
    counts = (skipped(code, records["file"], is_one_of(skip_codes, [code])) for code in codes)
    return StepResult({name: frame_of(table) for name, table in parted.items()}, merged(*counts))


def stands_for(unique: pa.Table, own: Row) -> Column:
    """An online order is identified by its number alone, others by id and basket (rules: purchases 6, 7)."""
    ids = array_of(unique["purchase_id"])
    bare = pc.replace_substring_regex(ids, r"~\d+$", "")
    same = pc.or_(pc.equal(ids, own["purchase_id"]), pc.equal(bare, own["purchase_id"]))
    same = pc.and_(same, pc.equal(array_of(unique["channel"]), own["channel"]))
    if own["channel"] == ONLINE and own["kind"] == ORDER:
        return pc.and_(same, pc.equal(array_of(unique["kind"]), ORDER))
    return pc.and_(same, pc.equal(array_of(unique["content_hash"]), own["content_hash"]))


PURCHASES = RecordKind(
    key=key,
    together=together,
    deduplicate=deduplicate,
    split=split,
    rows=Rows(LoadMethod.PURCHASES, "purchases"),
    count=len,
    stands_for=stands_for,
    across_fields=(till_errors,),
    people=("orders", "returns"),
)
