"""From source fields to the fields of profiles and purchases, along the links of a merchant's mapping."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.codes import WarningCode
from erp_feeds.columns.arrow import (
    Column,
    array_of,
    escaped_json,
    is_true,
    names_where,
    without,
)
from erp_feeds.columns.meanings import MEANINGS
from erp_feeds.interfaces.mapping import FieldMapping
from erp_feeds.interfaces.spec import EXTRA, Link
from erp_feeds.interfaces.targets import CUSTOM
from erp_feeds.steps.result import ByFile, merged, warned

VERSION = "mapping_version"
"""Column that says by which mapping a row was filled: the merchant file may change between two tasks."""


def fill_profiles(records: pa.Table, mapping: FieldMapping) -> tuple[pa.Table, ByFile]:
    """Fill profile fields from the fields of customers.

    Args:
        records: Customers as parse left them.
        mapping: Of their interface.

    Returns:
        A table with record, file, key, a column for each target (custom fields too), cleared (the targets
        that an empty source empties) and mapping_version; and by file and field how many values were left
        out, because nobody knows what they mean (rule: customers 11).
    """
    columns: dict[str, Column] = {name: array_of(records[name]) for name in ("record", "file", "key")}
    emptied: dict[str, Column] = {}
    unknown: ByFile = {}
    for link in mapping.links:
        columns[link.target], lost = _filled(records, link, mapping)
        unknown = merged(unknown, _left_out(link, columns["file"], lost))
        if link.clears:
            emptied[link.target] = _emptied(records, link, mapping, columns[link.target])
    columns["cleared"] = names_where(emptied, len(records))
    columns[VERSION] = _constant(mapping.version, len(records))
    return pa.table(columns), unknown


def fill_purchases(records: pa.Table, mapping: FieldMapping) -> tuple[pa.Table, ByFile]:
    """Fill the currency and the custom fields of purchases from the fields of their records.

    Args:
        records: Purchases as parse left them.
        mapping: Of their interface.

    Returns:
        The records with the columns linked_currency, each custom field, and mapping_version; and by file and
        field how many values were left out for want of a known meaning.
    """
    columns: dict[str, Column] = {LINKED_CURRENCY: pa.nulls(len(records), pa.string())}
    unknown: ByFile = {}
    currency = mapping.link("currency")
    for link in (*([currency] if currency else []), *mapping.custom()):
        name = link.target if link.target.startswith(CUSTOM) else LINKED_CURRENCY
        columns[name], lost = _filled(records, link, mapping)
        unknown = merged(unknown, _left_out(link, records["file"], lost))
    columns[VERSION] = _constant(mapping.version, len(records))
    for name, column in columns.items():
        records = records.append_column(name, column)
    return records, unknown


LINKED_CURRENCY = "linked_currency"
"""The currency that the mapping gives; null: the merchant's. The delivered one stays, for the hash."""


def fill_lines(lines: pa.Table, mapping: FieldMapping) -> pa.Table:
    """Return the lines with the article name (column description) that the mapping gives."""
    link = mapping.link("products.name")
    names = _filled(lines, link, mapping)[0] if link else pa.nulls(len(lines), pa.string())
    return lines.set_column(lines.column_names.index("description"), "description", names)


def with_custom_object(table: pa.Table) -> pa.Table:
    """Return the table with its custom fields as one column `custom`: a JSON object as text."""
    names = [name for name in table.column_names if name.startswith(CUSTOM)]
    members = {name: array_of(table[name]) for name in names}
    return table.drop_columns(names).append_column("custom", json_objects(members, len(table)))


def _filled(table: pa.Table, link: Link, mapping: FieldMapping) -> tuple[Column, Column | None]:
    """Return the values of a link's target, and which of its sources have no known meaning."""
    parts = {name: array_of(table[name]) for name in link.sources}
    source = next(iter(parts.values())) if len(parts) == 1 else _joined(parts, mapping.dependent)
    meaning = MEANINGS.get(link.transform)
    if meaning is None:
        return source, None
    values = meaning(source)
    return values, pc.and_(source.is_valid(), values.is_null())


def _left_out(link: Link, files: Column, lost: Column | None) -> ByFile:
    """Count the values of a link that were left out, by file."""
    field = "+".join(name.removeprefix(EXTRA) for name in link.sources)
    return {} if lost is None else warned(WarningCode.UNKNOWN_VALUE.of_field(field), files, lost)


def _joined(parts: Mapping[str, Column], dependent: frozenset[str]) -> Column:
    """Join parts by a space, without those that are missing; an infix alone is no name."""
    # Arrow's own null_handling="skip" drops the rows in which every part is null.
    pieces = [
        pc.fill_null(pc.binary_join_element_wise(pa.scalar(" "), part, ""), "") for part in parts.values()
    ]
    joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*pieces, ""), 1)
    meaningful = pc.coalesce(*(part for name, part in parts.items() if name not in dependent))
    return without(joined, meaningful.is_null())


def _emptied(records: pa.Table, link: Link, mapping: FieldMapping, values: Column) -> Column:
    """Return where a link's sources came empty and left its target without a value (rule: customers 10)."""
    delivered = array_of(records["cleared"])
    deciding = [name for name in link.sources if name not in mapping.dependent] or link.sources
    masks = (is_true(pc.match_substring(delivered, f",{name},")) for name in deciding)
    return pc.and_(reduce(pc.or_, masks), values.is_null())


def _constant(text: str, rows: int) -> Column:
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def json_objects(members: Mapping[str, Column], rows: int) -> Column:
    """Return one JSON object a row, of the members that have a value; all values are text."""
    if not members:
        return _constant("{}", rows)
    quote = pa.scalar('"')
    pieces = []
    for name, column in members.items():
        member = pc.binary_join_element_wise(
            pa.scalar(f',"{name}":"'), escaped_json(_text(column)), quote, ""
        )
        pieces.append(pc.fill_null(member, ""))
    # Arrow's own null_handling="skip" drops the rows in which every piece is null.
    inner = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*pieces, ""), 1)
    return pc.binary_join_element_wise(pa.scalar("{"), inner, pa.scalar("}"), "")


def _text(column: Column) -> Column:
    """Return a custom field's values as text: days as yyyy-MM-dd, and yes or no by name."""
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "yes", "no")
    return pc.cast(column, pa.string())
