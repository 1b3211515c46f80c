"""Fills the linked fields, and makes every key occur once in a file: what it says last is what stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.batch import Counts
from erp_feeds.codes import WarningCode
from erp_feeds.interfaces import mapping_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.interfaces.targets import CUSTOM
from erp_feeds.merchant import Merchant
from erp_feeds.steps.frames import Column, array_of, frame_of, is_true, names_where, table_of, without
from erp_feeds.steps.map_fields import (
    LINKED_CURRENCY,
    fill_lines,
    fill_profiles,
    fill_purchases,
    json_objects,
)
from erp_feeds.steps.purchases import ONLINE, ORDER, identify, left_out, with_quantities
from erp_feeds.steps.result import Outcome

BROUGHT = "brought"
"""Column that says which record brought a field, where not the last of the key: JSON, field -> record."""


def deduplicate(frames: Mapping[str, pd.DataFrame], interface: Interface, merchant: Merchant) -> Outcome:
    """Fill the targets of the merchant's mapping, then collapse the records of one key within a file.

    In this order, because it is a profile's field that the last record wins: two records in one file and the
    same two in two files end alike, also where a field is joined from several elements or cleared by one.

    Args:
        frames: As parse left them, of the whole file.
        interface: Decides what the key is and what wins.
        merchant: Mapping, zone, currency and excluded skus.

    Returns:
        The same frames with one record a key, in file order: customers as `mapping.fill_profiles` fills
        them, purchases with what `mapping.fill_purchases` fills and `purchases.identify` derives. A collapsed
        record goes by the number of the last one of its key.
    """
    outcome = _STEPS[interface.name](frames, merchant)
    untouched = {name: frame for name, frame in frames.items() if name not in outcome.frames}
    return Outcome({**untouched, **outcome.frames}, outcome.counts)


def _customers(frames: Mapping[str, pd.DataFrame], merchant: Merchant) -> Outcome:
    """Collapse by number, or else by e-mail (rule: customers 6).

    Who else is the same person only the store can tell; there too the last record wins, field by field.
    """
    profiles, unknown = fill_profiles(table_of(frames["records"]), mapping_of(merchant, "srs_customers"))
    profiles = profiles.append_column(BROUGHT, pa.nulls(len(profiles), pa.string()))
    number, email = array_of(profiles["number"]), array_of(profiles["email"])
    collapsed = _collapsed(profiles, pc.coalesce(_tagged("n", number), _tagged("e", email)))
    return Outcome(collapsed.frames, collapsed.counts.plus(_warned(WarningCode.UNKNOWN_VALUE, unknown)))


def _accounts(frames: Mapping[str, pd.DataFrame], _: Merchant) -> Outcome:
    """Collapse by account, as if its records were applied one after the other (rule: ERP cache 5)."""
    records = table_of(frames["records"])
    return _collapsed(records, array_of(records["account_number"]))


def _purchases(frames: Mapping[str, pd.DataFrame], merchant: Merchant) -> Outcome:
    """Collapse by id; a till receipt with another basket is another purchase (rules: purchases 6, 7).

    What is left out anyway stands for nothing else: it would take the purchase of its id along.
    """
    mapping = mapping_of(merchant, "srs_purchases")
    delivered, unknown = fill_purchases(table_of(frames["records"]), mapping)
    lines = with_quantities(table_of(frames["lines"]))
    identified = identify(delivered, lines, merchant)
    going = pc.invert(reduce(pc.or_, left_out(identified.records).values()))
    left = identified.records.filter(pc.invert(going))
    records, collapsed = _one_per_basket(identified.records.filter(going))
    ids = records.select(["purchase_id"]).to_pandas()
    rank = ids.groupby("purchase_id", sort=False).cumcount().to_numpy()
    collisions = int(np.count_nonzero(rank))
    if collisions:
        records = _suffixed(records, rank)
    if len(left):
        records = pa.concat_tables([records, left.cast(records.schema)]).sort_by("record").combine_chunks()
    if collapsed:
        lines = lines.filter(pc.is_in(lines["record"], value_set=array_of(records["record"])))
    counts = _tally(collapsed).plus(Counts(warnings=identified.warnings))
    counts = counts.plus(_warned(WarningCode.RECEIPT_COLLISION, collisions))
    unique = {"records": frame_of(records), "lines": frame_of(fill_lines(lines, mapping))}
    return Outcome(unique, counts.plus(_warned(WarningCode.UNKNOWN_VALUE, unknown)))


def _one_per_basket(records: pa.Table) -> tuple[pa.Table, int]:
    """Return the records without those for which a later or an equal one stands, and the number of these."""
    known = records.select(["purchase_id", "channel", "kind", "content_hash"]).to_pandas()
    # An order number names one order, but several returns of it may bear the same moment.
    unique = ((known["channel"] == ONLINE) & (known["kind"] == ORDER)).to_numpy()
    superseded = unique & known.duplicated(["channel", "purchase_id"], keep="last").to_numpy()
    repeated = ~unique & known.duplicated(["channel", "purchase_id", "content_hash"], keep="first").to_numpy()
    if repeated.any():
        records = _filled_last(records, known, unique)
    kept = ~(superseded | repeated)
    return records.filter(pa.array(kept)), int(np.count_nonzero(~kept))


_STEPS: Mapping[str, Callable[[Mapping[str, pd.DataFrame], Merchant], Outcome]] = {
    "srs_customers": _customers,
    "srs_purchases": _purchases,
    "erp_cache_customers": _accounts,
}


def _filled_last(records: pa.Table, known: pd.DataFrame, unique: npt.NDArray[np.bool_]) -> pa.Table:
    """Give equal baskets what the last of them fills beside it, as if each came in a file of its own."""
    keys = [known[name] for name in ("channel", "purchase_id", "content_hash")]
    position = pd.Series(np.arange(len(known)))
    last = np.where(unique, position, position.groupby(keys, sort=False).transform("max"))
    for place, name in enumerate(records.column_names):
        if name == LINKED_CURRENCY or name.startswith(CUSTOM):
            records = records.set_column(place, name, pc.take(array_of(records[name]), pa.array(last)))
    return records


def _suffixed(records: pa.Table, rank: npt.NDArray[np.integer[Any]]) -> pa.Table:
    """Give the later of several baskets under one id the suffix ~2, ~3 and so on (rule: purchases 7).

    An order number that reads like such an id keeps it.
    """
    ids = array_of(records["purchase_id"]).to_pylist()
    taken = set(ids)
    for row in np.flatnonzero(rank):
        number = int(rank[row]) + 1
        while (later := f"{ids[row]}~{number}") in taken:
            number += 1
        ids[row] = later
        taken.add(later)
    place = records.column_names.index("purchase_id")
    return records.set_column(place, "purchase_id", pa.array(ids, pa.string()))


def _tagged(tag: str, column: Column) -> Column:
    return pc.binary_join_element_wise(pa.scalar(tag), column, ":")


def _tally(collapsed: int) -> Counts:
    return Counts(collapsed=collapsed).plus(_warned(WarningCode.REPEATED_KEY, collapsed))


def _warned(code: WarningCode, number: int) -> Counts:
    return Counts(warnings={code.value: number} if number else {})


def _collapsed(records: pa.Table, key: Column) -> Outcome:
    """Merge the records of one key field by field; only repeated keys are looked at."""
    keys = key.to_pandas()
    repeated = keys.duplicated(keep=False).to_numpy() & keys.notna().to_numpy()
    if not repeated.any():
        return Outcome({"records": frame_of(records)}, Counts())
    some = records.filter(pa.array(repeated))
    codes = pd.factorize(keys[repeated])[0]
    merged = _merged(some, _groups(codes))
    rest = records.filter(pa.array(~repeated))
    table = pa.concat_tables([rest, merged.cast(rest.schema)]).sort_by("record").combine_chunks()
    return Outcome({"records": frame_of(table)}, _tally(len(some) - len(merged)))


@dataclass(frozen=True)
class _Groups:
    """Rows ordered by key, and within a key as in the file."""

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def last(self, valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the last valid row of each key, -1 where there is none."""
        places = np.where(valid[self.order], np.arange(len(self.order)), -1)
        last = np.maximum.reduceat(places, self.starts)
        return np.where(last < 0, -1, self.order[last])


def _groups(codes: npt.NDArray[np.int64]) -> _Groups:
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return _Groups(order, starts)


def _merged(table: pa.Table, groups: _Groups) -> pa.Table:
    """Take each field from the last record that says something of it: a value, or that it is cleared.

    Args:
        table: Records, each of a key that occurs more than once.
        groups: Which rows belong together.
    """
    columns: dict[str, Column] = {}
    cleared: dict[str, Column] = {}
    sources: dict[str, Column] = {}
    text, numbers = array_of(table["cleared"]), array_of(table["record"])
    for name in table.column_names:
        if name in {"cleared", BROUGHT}:
            continue
        column = array_of(table[name])
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        empty = is_true(pc.match_substring(text, f",{name},")).to_numpy(zero_copy_only=False)
        rows = groups.last(valid | empty)
        taken = pa.array(rows, mask=rows < 0)
        columns[name] = pc.take(column, taken)
        sources[name] = pc.take(numbers, taken)
        if empty.any():
            cleared[name] = pc.and_(columns[name].is_null(), pa.array(groups.last(empty) >= 0))
    columns["cleared"] = names_where(cleared, len(groups.starts))
    if BROUGHT in table.column_names:
        columns[BROUGHT] = _brought(sources, columns["record"])
    return pa.table({name: columns[name] for name in table.column_names})


def _brought(sources: Mapping[str, Column], stands: Column) -> Column:
    """Say which fields are of another record than the one that stands for the key.

    Args:
        sources: Field -> number of the record that brought it.
        stands: Number of the record that stands for the key.
    """
    moved = {name: without(source, pc.equal(source, stands)) for name, source in sources.items()}
    some = {name: column for name, column in moved.items() if column.null_count < len(column)}
    return json_objects({name: pc.cast(column, pa.string()) for name, column in some.items()}, len(stands))
