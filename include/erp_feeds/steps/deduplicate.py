"""Fills the linked fields, and makes every key occur once in a file: what it says last is what stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.batch import Counts
from erp_feeds.errors import WarningCode
from erp_feeds.interfaces import mapping_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.interfaces.targets import CUSTOM
from erp_feeds.merchant import Merchant
from erp_feeds.steps.frames import Column, array_of, frame_of, is_true, names_where, table_of
from erp_feeds.steps.mapping import LINKED_CURRENCY, fill_lines, fill_profiles, fill_purchases
from erp_feeds.steps.outcome import Outcome
from erp_feeds.steps.purchases import ONLINE, ORDER, identify, skipped_masks, with_quantities


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
    """Collapse by number, or else by e-mail (rule: customers 6)."""
    profiles, unknown = fill_profiles(table_of(frames["records"]), mapping_of(merchant, "srs_customers"))
    number, email = array_of(profiles["number"]), array_of(profiles["email"])
    collapsed = _collapsed(profiles, pc.coalesce(_tagged("n", number), _tagged("e", email)))
    return Outcome(collapsed.frames, collapsed.counts.plus(_warned(WarningCode.UNKNOWN_VALUE, unknown)))


def _accounts(frames: Mapping[str, pd.DataFrame], _: Merchant) -> Outcome:
    """Collapse by account, as if its records were applied one after the other (rule: ERP cache 5)."""
    records = table_of(frames["records"])
    return _collapsed(records, array_of(records["account_number"]))


def _purchases(frames: Mapping[str, pd.DataFrame], merchant: Merchant) -> Outcome:
    """Collapse by id; a till receipt with another basket is another purchase (rules: purchases 6, 7)."""
    mapping = mapping_of(merchant, "srs_purchases")
    delivered, unknown = fill_purchases(table_of(frames["records"]), mapping)
    lines = with_quantities(table_of(frames["lines"]))
    identified = identify(delivered, lines, merchant)
    records, kept = _one_per_basket(identified.records)
    ids = _known(records, ["purchase_id"])
    rank = ids.groupby(list(ids), sort=False).cumcount().to_numpy()
    collisions = int(np.count_nonzero(rank))
    if collisions:
        records = _suffixed(records, rank)
    if not kept.all():
        lines = lines.filter(pc.is_in(lines["record"], value_set=array_of(records["record"])))
    counts = _tally(int(np.count_nonzero(~kept))).plus(Counts(warnings=identified.warnings))
    counts = counts.plus(_warned(WarningCode.RECEIPT_COLLISION, collisions))
    unique = {"records": frame_of(records), "lines": frame_of(fill_lines(lines, mapping))}
    return Outcome(unique, counts.plus(_warned(WarningCode.UNKNOWN_VALUE, unknown)))


def _one_per_basket(records: pa.Table) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """Return the records without those for which a later or an equal one stands, and which ones are kept."""
    known = _known(records, ["purchase_id", "channel", "kind", "content_hash"])
    # An order number names one order, but several returns of it may bear the same moment.
    unique = ((known["channel"] == ONLINE) & (known["kind"] == ORDER)).to_numpy()
    basket = [name for name in known if name != "kind"]
    order = [name for name in basket if name != "content_hash"]
    superseded = unique & known.duplicated(order, keep="last").to_numpy()
    repeated = ~unique & known.duplicated(basket, keep="first").to_numpy()
    if repeated.any():
        records = _filled_last(records, known, unique)
    kept = ~(superseded | repeated)
    return records.filter(pa.array(kept)), kept


def _known(records: pa.Table, names: list[str]) -> pd.DataFrame:
    """Return columns of purchases, and one that keeps what `split` will skip apart from everything.

    Such a record may neither take the place of a good one nor its id, as it could not from a file of its own.
    """
    known: pd.DataFrame = records.select(names).to_pandas()
    nobody, nothing = skipped_masks(records)
    skipped = pc.or_(nobody, nothing).to_numpy(zero_copy_only=False)
    return known.assign(apart=np.where(skipped, np.arange(1, len(known) + 1), 0))


_STEPS: Mapping[str, Callable[[Mapping[str, pd.DataFrame], Merchant], Outcome]] = {
    "srs_customers": _customers,
    "srs_purchases": _purchases,
    "erp_cache_customers": _accounts,
}


def _filled_last(records: pa.Table, known: pd.DataFrame, unique: npt.NDArray[np.bool_]) -> pa.Table:
    """Give equal baskets what the last of them fills beside it, as if each came in a file of its own."""
    keys = [known[name] for name in known if name != "kind"]
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
    text = array_of(table["cleared"])
    for name in table.column_names:
        if name == "cleared":
            continue
        column = array_of(table[name])
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        empty = is_true(pc.match_substring(text, f",{name},")).to_numpy(zero_copy_only=False)
        rows = groups.last(valid | empty)
        columns[name] = pc.take(column, pa.array(rows, mask=rows < 0))
        if empty.any():
            cleared[name] = pc.and_(columns[name].is_null(), pa.array(groups.last(empty) >= 0))
    columns["cleared"] = names_where(cleared, len(groups.starts))
    return pa.table({name: columns[name] for name in table.column_names})
