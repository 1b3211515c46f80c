"""One look at a container of records, as columns of text: what stands between XML and validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree
from pyarrow import csv

from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Limits
from erp_feeds.steps import sheet as sheets
from erp_feeds.steps.drift import names_in
from erp_feeds.steps.frames import Column, array_of, count_true, escaped_json, is_true
from erp_feeds.steps.stream import RecordStream


@dataclass(frozen=True)
class Rows:
    """Records or lines as text: null where the element is missing, '' where it is empty."""

    text: dict[str, Column]
    repeated: Column
    """Where an element that the interface knows occurs twice."""
    extras: Column
    """Unknown elements as the text of a JSON object, or null."""
    unknown: dict[str, int]
    """Unknown element -> how often it occurs."""
    crowded: Column
    """Where more elements are than the limit allows; unknown ones are not looked for there."""
    nested: dict[str, Column]
    """Where a field holds elements instead of text; only the fields of which any does."""

    def __len__(self) -> int:
        return len(self.extras)


@dataclass(frozen=True)
class Lines:
    """The nested rows of a block's records."""

    rows: Rows
    record: Column
    """Position of the record in the block, from 0."""
    line_no: Column


@dataclass(frozen=True)
class Block:
    """The records that one look found."""

    first: int
    """Number of the first record in the file, from 1."""
    records: Rows
    lines: Lines | None
    repeated_columns: dict[int, str]
    """Position of a record with repeated elements -> column of the first of them."""
    foreign: dict[str, int]
    """What is no record among the records, and no line among the lines -> how often it occurs."""
    namespaced: bool
    plain: bool
    """Whether all text is of plain ASCII, so that no conversion can have damaged it."""

    @property
    def numbers(self) -> Column:
        """Return the record numbers."""
        return pa.array(np.arange(self.first, self.first + len(self.records), dtype=np.int32))


def read_block(
    stream: RecordStream, container: etree._Element, interface: Interface, limits: Limits, first: int
) -> Block:
    """Read the closed records of a container.

    Args:
        stream: Whose container it is.
        container: As the stream yields it.
        interface: With the element names of the merchant.
        limits: How many elements a record or line may hold.
        first: Number of the first of these records, from 1.
    """
    namespace, namespaced = _namespace(stream, container)
    last = "1" if stream.finished else "0"
    text = bytes(sheets.sheet(interface, namespace)(container, last=last, most=str(limits.fields)))
    head, _, tail = text.partition(sheets.SECTION_END)
    foreign, _, rows = head.partition(b"\n")
    record_table = _table(rows, sheets.record_columns(interface))
    plain = text.isascii() and b"\x7f" not in text
    records = _rows(record_table, limits.fields, plain=plain)
    outside = pa.array([foreign.decode().removeprefix("x") or None], pa.string())
    strays = names_in(outside, _place(interface.record_path))
    lines = None
    if interface.lines:
        table = _table(tail, sheets.line_columns(interface.lines.fields))
        position = pc.subtract(array_of(table[sheets.RECORD]), pa.scalar(1, pa.int32()))
        in_line = _rows(table, limits.fields, f"{interface.lines.path}/", plain=plain)
        lines = Lines(in_line, position, array_of(table[sheets.LINE_NO]))
        strays |= names_in(array_of(record_table[sheets.STRAYS]), _place(interface.lines.path.split("/")))
    repeated = _repeated_columns(records, container, interface)
    return Block(first, records, lines, repeated, strays, namespaced, plain)


def _place(path: Sequence[str]) -> str:
    """Return the parent of a path, as a prefix of the names of its children."""
    return "".join(f"{name}/" for name in path[:-1])


def _namespace(stream: RecordStream, container: etree._Element) -> tuple[str | None, bool]:
    """Return the namespace of the records, and whether there is any (rule: namespaces are ignored)."""
    own = etree.QName(container).namespace
    if not stream.namespaces:
        return None, False
    if container.xpath("boolean(descendant::*[namespace-uri() != $own])", own=own or ""):
        return sheets.ANY_NAMESPACE, True
    return own, own is not None


def _table(text: bytes, columns: list[str]) -> pa.Table:
    numbers = {sheets.COUNT, sheets.RECORD, sheets.LINE_NO}
    types = {name: pa.int32() if name in numbers else pa.string() for name in columns}
    if not text:
        return pa.schema(types).empty_table()
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(column_names=columns, block_size=len(text) + 1, use_threads=False),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, check_utf8=False
        ),
    )


UNSEEN = "".join(
    map(chr, (0x20, 0xA0, 0xAD, *range(0x2000, 0x2010), *range(0x2028, 0x2030), 0x2060, 0x3000, 0xFEFF))
)
"""Signs that nobody sees, such as a zero-width space, or a byte order mark in the middle of a file."""


def _rows(table: pa.Table, most: int, place: str = "", *, plain: bool = False) -> Rows:
    """Tell missing, empty and repeated elements apart.

    Args:
        table: As the sheet wrote it.
        most: Elements that a row may have.
        place: Of the rows below the record, with a slash at its end.
        plain: Whether all text is of plain ASCII.
    """
    beside = {sheets.COUNT, sheets.EXTRAS, sheets.RECORD, sheets.LINE_NO, sheets.STRAYS}
    columns = {name: array_of(table[name]) for name in table.column_names if name not in beside}
    extras = array_of(table[sheets.EXTRAS])
    unknown = pc.fill_null(pc.count_substring(extras, "  "), 0)
    explained = unknown
    for column in columns.values():
        explained = pc.add(explained, pc.cast(column.is_valid(), pa.int32()))
    text = {name: _trimmed(column, plain=plain) for name, column in columns.items() if name[0] != "#"}
    count = array_of(table[sheets.COUNT])
    crowded = pc.greater(count, most)
    repeated = pc.and_not(pc.greater(count, explained), crowded)
    nested = {name: is_true(pc.starts_with(columns[name], "  ")) for name in text}
    nested = {name: mask for name, mask in nested.items() if count_true(mask)}
    return Rows(text, repeated, _json(extras), names_in(extras, place), crowded, nested)


def _trimmed(column: Column, *, plain: bool) -> Column:
    """Take the sheet's blank before each value away, and with it the blanks that XML does not know.

    What cannot be seen would make another customer of '1001'.
    """
    trimmed = pc.utf8_trim_whitespace(column)
    return trimmed if plain else pc.utf8_trim(trimmed, UNSEEN)


def _json(extras: Column) -> Column:
    """Turn `  name=value  name=value` into a JSON object; `  =name` stands for a repeated element."""
    if extras.null_count == len(extras):
        return extras
    if pc.any(pc.match_substring(extras, "  =")).as_py():
        extras = pc.replace_substring_regex(extras, "  =[^ ]+", "")
    text = escaped_json(extras)
    pairs = pc.replace_substring_regex(text, r"  ([^= ]+)=", r'","\1":"')
    return pc.binary_join_element_wise(pa.scalar("{"), pc.utf8_slice_codeunits(pairs, 2), pa.scalar('"}'), "")


def _repeated_columns(records: Rows, container: etree._Element, interface: Interface) -> dict[int, str]:
    """Name the repeated element of the records that have one; they are few, so elements are looked at."""
    if not count_true(records.repeated):
        return {}
    columns = {field.element: field.name for field in interface.fields}
    if interface.lines:
        columns[interface.lines.path.split("/")[0]] = "lines"
    tag = f"{{*}}{interface.record_path[-1]}"
    elements = [*container.iterchildren(tag)]
    found: dict[int, str] = {}
    for position in pc.indices_nonzero(records.repeated).to_pylist():
        names = Counter(etree.QName(child).localname for child in elements[position].iterchildren("*"))
        found[position] = next((columns[name] for name in names if names[name] > 1 and name in columns), "")
    return found
