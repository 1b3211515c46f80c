"""What a purchase is: its id, its kind, its channel, its moment, its total, and the hash of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.codes import RejectCode, SkipCode, WarningCode
from erp_feeds.columns.arrow import Column, array_of, count_true, is_one_of, is_true, without
from erp_feeds.columns.convert import ZONE, FieldError, matches, missing_field
from erp_feeds.merchant import Merchant
from erp_feeds.steps.result import ByFile, merged, warned

ORDER, RETURN = "order", "return"
ONLINE, OFFLINE = "online", "offline"

TOTAL = pa.decimal128(14, 2)

SKIP_CODE = "skip_code"
"""Column that says why a purchase is skipped; null in those that load."""

TILL_PARTS = ("receipt_number", "branch", "date_time")
"""Columns whose texts make the id of a till receipt."""

_CELL, _ROW = "\t", "\n"
"""Join the parts of a hash: normalised XML text holds neither, so no two contents read alike."""


@dataclass(frozen=True)
class IdentifiedPurchases:
    """Purchases with what follows from their fields and lines."""

    records: pa.Table
    """The records with purchase_id, kind, channel, moment, total, line_count, content_hash and skip_code."""
    warnings: ByFile


def till_errors(
    columns: Mapping[str, Column], delivered: Mapping[str, Column], empty: Mapping[str, Column]
) -> list[FieldError]:
    """Find till receipts that lack a part of their id (rules: purchases 1 and 5).

    A number that is there and malformed is not missing: its sender would be asked for what the record has.

    Args:
        columns: The typed columns of some records.
        delivered: The same as text, null only where nothing was delivered.
        empty: Where an element is there and empty, of columns in which that occurs.
    """
    offline = delivered["order_number"].is_null()
    errors = []
    for name in ("receipt_number", "branch"):
        mask = pc.and_(offline, delivered[name].is_null())
        reason = "is required where the purchase has no order number"
        errors.append(missing_field(mask, name, empty.get(name), reason))
    no_time = is_true(pc.less_equal(pc.utf8_length(columns["date_time"]), 10))
    reason = "has a date without a time, but the id of a till receipt is made of it"
    errors.append(FieldError(pc.and_(offline, no_time), RejectCode.MISSING_TIME, "date_time", reason))
    return errors


def total_errors(record: Column, columns: Mapping[str, Column]) -> list[FieldError]:
    """Find the lines of purchases whose total is beyond what an amount can be.

    Args:
        record: The record that each line belongs to.
        columns: The typed columns of the lines.
    """
    table = pa.table({"record": record, "amount": columns["amount"]})
    totals = table.group_by("record", use_threads=False).aggregate([("amount", "sum")])
    limit = pa.scalar(10 ** (TOTAL.precision - TOTAL.scale))
    wide = totals.filter(is_true(pc.greater_equal(pc.abs(totals["amount_sum"]), limit)))
    mask = pc.is_in(record, value_set=array_of(wide["record"]))
    return [FieldError(mask, RejectCode.OUT_OF_RANGE, "amount", "the total of the lines has too many digits")]


def till_ids(columns: Mapping[str, Column]) -> Column:
    """Return the ids of till receipts, null where a part is missing (rule: purchases 1).

    Args:
        columns: Receipt number, branch, and the moment as delivered.
    """
    return pc.binary_join_element_wise(*(_escaped(columns[name]) for name in TILL_PARTS), "|")


def with_quantities(lines: pa.Table) -> pa.Table:
    """Return the lines with 1 where no quantity was delivered."""
    column = lines.schema.get_field_index("quantity")
    one = pa.scalar(Decimal(1), lines.schema.field(column).type)
    return lines.set_column(column, "quantity", pc.fill_null(lines["quantity"], one))


def identify(records: pa.Table, lines: pa.Table, merchant: Merchant) -> IdentifiedPurchases:
    """Derive id, kind, channel, moment, total and content hash of purchases, and which of them are skipped.

    Args:
        records: As parse leaves them, sorted by record.
        lines: As parse leaves them, sorted by record and line number.
        merchant: Zone, currency and excluded skus.

    Returns:
        The records with the derived columns, in the same order, and the warnings counted.
    """
    position = np.searchsorted(records["record"].to_numpy(), lines["record"].to_numpy())
    lines = lines.append_column("position", pa.array(position, pa.int64()))
    count, total, texts = _totals(len(records), lines)
    kind = _kinds(len(records), lines, _excluded_skus(merchant))
    currency = _currencies(array_of(records["currency"]), merchant)
    text = array_of(records["date_time"])
    occurred_at, odd = _moments(text, merchant.timezone)
    online = array_of(records["order_number"]).is_valid()
    derived = {
        "purchase_id": _ids(records, kind, online),
        "kind": kind,
        "channel": pc.if_else(online, ONLINE, OFFLINE),
        "local_time": text,
        "occurred_at": occurred_at,
        "currency": currency,
        "total": total,
        "line_count": count,
    }
    table = records.drop_columns(["date_time", "currency"])
    for name, column in derived.items():
        table = table.append_column(name, column)
    table = table.append_column("content_hash", _hashes(table, texts))
    table = table.append_column(SKIP_CODE, _skip_codes(table))
    warnings = merged(*(warned(code, records["file"], mask) for code, mask in odd.items()))
    return IdentifiedPurchases(table, warnings)


def _skip_codes(records: pa.Table) -> Column:
    """Return why a purchase does not load: nobody's, or one without lines (rules: purchases 3 and 9).

    Args:
        records: With their line_count.
    """
    number, email = array_of(records["customer_number"]), array_of(records["email"])
    nobody = pc.and_(number.is_null(), email.is_null())
    nothing = pc.equal(array_of(records["line_count"]), 0)
    codes = [pa.scalar(str(code)) for code in (SkipCode.NO_IDENTIFIER, SkipCode.NO_LINES)]
    return pc.if_else(nobody, codes[0], pc.if_else(nothing, codes[1], pa.scalar(None, pa.string())))


def _excluded_skus(merchant: Merchant) -> tuple[str, ...]:
    settings = merchant.interfaces.get("srs_purchases")
    return settings.excluded_skus if settings else ()


def _totals(size: int, lines: pa.Table) -> tuple[Column, Column, Column]:
    """Return the number of lines, the exact sum of their amounts, and their joined text, for each record."""
    cells = [lines["sku"], lines["description"], lines["quantity"], lines["amount"]]
    parts = [pc.fill_null(pc.cast(cell, pa.string()), "") for cell in cells]
    table = pa.table(
        {
            "position": lines["position"],
            "amount": lines["amount"],
            "text": pc.binary_join_element_wise(*parts, _CELL),
        }
    )
    grouped = table.group_by("position", use_threads=False).aggregate(
        [("amount", "sum"), ("amount", "count"), ("text", "list")]
    )
    place = np.full(size, -1)
    place[grouped["position"].to_numpy()] = np.arange(len(grouped))
    rows = pa.array(place, mask=place < 0)
    count = pc.fill_null(pc.take(array_of(grouped["amount_count"]), rows), 0)
    total = pc.fill_null(pc.take(array_of(grouped["amount_sum"]), rows), 0)
    texts = pc.binary_join(array_of(grouped["text_list"]), _ROW)
    return pc.cast(count, pa.int32()), pc.cast(total, TOTAL), pc.fill_null(pc.take(texts, rows), "")


def _kinds(size: int, lines: pa.Table, excluded: tuple[str, ...]) -> Column:
    """Class by amount: only negative ones, or negative and zero, are a return (rules: purchases 2, 9)."""
    position = lines["position"].to_numpy()
    amount = array_of(lines["amount"])
    zero = pa.scalar(0)
    plus = pc.greater(amount, zero).to_numpy(zero_copy_only=False)
    minus = pc.less(amount, zero).to_numpy(zero_copy_only=False)
    counting = ~is_one_of(array_of(lines["sku"]), excluded).to_numpy(zero_copy_only=False)
    decided = np.bincount(position[counting], minlength=size) > 0
    counting |= ~decided[position]
    any_plus = np.bincount(position[counting & plus], minlength=size) > 0
    any_minus = np.bincount(position[counting & minus], minlength=size) > 0
    return pc.if_else(pa.array(any_minus & ~any_plus), RETURN, ORDER)


def _ids(records: pa.Table, kind: Column, online: Column) -> Column:
    """Make the ids of orders, till receipts and returns (rules: purchases 1 and 8)."""
    order_number, text = array_of(records["order_number"]), array_of(records["date_time"])
    offline_id = till_ids({name: array_of(records[name]) for name in TILL_PARTS})
    wall_clock = pc.replace_substring_regex(text, rf"\.[0-9]+|(?:{ZONE})$", "")
    digits = pc.replace_substring_regex(_only_after_day(wall_clock, text), "[^0-9]", "")
    moment = pc.utf8_rpad(digits, 14, "0")
    return_id = pc.binary_join_element_wise(order_number, pa.scalar("-R"), moment, "")
    online_id = pc.if_else(pc.equal(kind, RETURN), return_id, order_number)
    return pc.if_else(online, online_id, offline_id)


def _only_after_day(wall_clock: Column, text: Column) -> Column:
    """Keep a date without time whole: its '-05' at the end would pass for a zone."""
    return pc.if_else(pc.less_equal(pc.utf8_length(text), 10), text, wall_clock)


def _escaped(column: Column) -> Column:
    """Make a part of an id such that 1|23 and 12|3 differ, whatever the parts hold."""
    return pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), "|", "\\|")


def _currencies(column: Column, merchant: Merchant) -> Column:
    """Return three-letter codes as delivered, for the hash; the merchant's where there is no such code.

    The mapping does not matter here: what a purchase says must hash alike under every mapping.
    """
    upper = pc.utf8_upper(column)
    return pc.fill_null(without(upper, pc.invert(matches(upper, "[A-Z]{3}"))), merchant.currency)


def _moments(text: Column, timezone: str) -> tuple[Column, dict[WarningCode, Column]]:
    """Return moments in UTC, and which local ones were ambiguous or do not exist (rule: purchases 5)."""
    utc = pa.timestamp("us", "UTC")
    to_micros = pc.replace_substring_regex(text, r"(\.[0-9]{6})[0-9]+", r"\1")
    zoned = pc.and_(pc.greater(pc.utf8_length(text), 10), matches(text, rf".*(?:{ZONE})"))
    local = pc.cast(without(to_micros, zoned), pa.timestamp("us"))
    first = pc.assume_timezone(local, timezone, ambiguous="earliest", nonexistent="latest")
    second = pc.assume_timezone(local, timezone, ambiguous="latest", nonexistent="latest")
    odd = {
        WarningCode.AMBIGUOUS_TIME: is_true(pc.not_equal(first, second)),
        WarningCode.NONEXISTENT_TIME: is_true(pc.not_equal(pc.local_timestamp(first), local)),
    }
    moments = pc.cast(first, utc)
    if count_true(zoned):
        moments = pc.coalesce(moments, pc.cast(without(to_micros, pc.invert(zoned)), utc))
    return moments, odd


def _hashes(table: pa.Table, texts: Column) -> Column:
    """Return a hash of the basket: moment, currency, lines, but not who bought it (rule: purchases 7).

    The same in every run and process, and in the migration that first made it so.
    """
    names = ("local_time", "currency")
    parts = [pc.fill_null(pc.cast(array_of(table[name]), pa.string()), "") for name in names]
    contents = pc.binary_join_element_wise(pc.binary_join_element_wise(*parts, _CELL), texts, _ROW)
    found = (hashlib.sha256(content.encode()).hexdigest() for content in contents.to_pylist())
    return pa.array(found, pa.string())
