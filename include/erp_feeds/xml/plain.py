"""Reads plain records by the thousand: every element has a name, text and nothing else, and occurs once.

A record with anything more (attributes, a namespace, an element or CDATA in a field, a numeric character
reference, a name that occurs twice) is odd: it is left to `RecordReader`, which applies the rules. This
module applies none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.columns.arrow import Column, escaped_json, text_bytes
from erp_feeds.interfaces.spec import Field, Interface
from erp_feeds.xml.rows import Rows, normalised_column, quoted, rows_of
from erp_feeds.xml.tags import PADDING, Mask, Numbers, Tags, is_name, tags_of

PLAIN_DEPTH = 3
"""Most levels of elements in a plain record: the holder of its lines, a line, and a field of the line."""
ENTITIES = {b"&lt;": "<", b"&gt;": ">", b"&quot;": '"', b"&apos;": "'", b"&amp;": "&"}
"""All entities that XML has without a DOCTYPE. `&amp;` is the last: what it leaves is not decoded again."""


@dataclass(frozen=True)
class Shape:
    """The elements of a record."""

    record: bytes
    fields: dict[bytes, str]
    """Element -> column, of the record."""
    holder: bytes
    """Element that holds the lines; b'' where there are none."""
    line: bytes
    line_fields: dict[bytes, str]
    most: int
    """Elements that a record, or a line, may have."""

    @classmethod
    def of(cls, interface: Interface, most: int) -> Shape:
        """Return the shape of an interface's records, with the element names of the merchant."""
        lines = interface.lines
        holder, line = (lines.holder.encode(), lines.element.encode()) if lines else (b"", b"")
        in_line = _columns(lines.fields) if lines else {}
        record = interface.record_path[-1].encode()
        return cls(record, _columns(interface.fields), holder, line, in_line, most)


def _columns(fields: tuple[Field, ...]) -> dict[bytes, str]:
    return {field.element.encode(): field.name for field in fields}


class PlainRecords(NamedTuple):
    """The plain records of a section of text, and where the odd ones are."""

    begin: Numbers
    """Where each child of the container begins in the section."""
    end: Numbers
    """Where each child ends."""
    odd: Mask
    """Which children are not plain records."""
    records: Rows
    lines: Rows | None
    owners: Numbers
    """The number of each line's record, from 0 among the plain ones."""
    unknown: Counter[str]
    """Element that is not a field -> how often it occurs in them."""


def plain_records(text: bytes, shape: Shape) -> PlainRecords | None:
    """Read the plain records among the children of an element.

    Args:
        text: As `tags_of` wants it, without the padding.
        shape: What a record looks like.

    Returns:
        None where no child is whole.
    """
    if not _is_utf8(text):  # the parser finds it too, but perhaps later
        return None
    tags = tags_of(text + bytes(PADDING))
    if tags is None:
        return None
    odd = tags.odd
    odd[tags.first == tags.last] = True  # <Record/>
    odd[is_name(tags.text, *tags.names(tags.first), (shape.record,)) < 0] = True
    names = (*shape.fields, shape.holder) if shape.holder else tuple(shape.fields)
    fields = _Elements.of(tags, tags.first, names)
    holds = ~fields.leaf
    lines = None
    if shape.holder:
        holds &= fields.name != len(shape.fields)
        lines = _lines(tags, shape)
    odd[fields.row[holds]] = True
    odd[fields.odd_rows(shape.most)] = True
    plain = ~odd
    texts = tags.texts()
    rows = fields.rows(texts, plain, tuple(shape.fields.values()))
    found = PlainRecords(*tags.spans(), odd, rows, None, np.zeros(0, np.int32), fields.unknown(plain))
    if lines is None:
        return found
    record = tags.child[lines.above]
    in_plain = plain[record]
    place = f"{shape.holder.decode()}/{shape.line.decode()}/"
    return found._replace(
        lines=lines.rows(texts, in_plain, tuple(shape.line_fields.values())),
        owners=(np.cumsum(plain) - 1)[record[in_plain]],
        unknown=found.unknown + lines.unknown(in_plain, place),
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines(tags: Tags, shape: Shape) -> _Elements:
    """Return the elements of the lines, and mark the records in which something else lies among the lines."""
    starts = np.flatnonzero((tags.level == PLAIN_DEPTH) & ~tags.closes)
    is_line = is_name(tags.text, *tags.names(starts), (shape.line,)) == 0
    tags.odd[tags.child[starts[tags.empty[starts] | ~is_line]]] = True
    inner = _Elements.of(tags, starts, tuple(shape.line_fields))
    tags.odd[tags.child[inner.starts[~inner.leaf]]] = True
    tags.odd[tags.child[starts[inner.odd_rows(shape.most)]]] = True
    return inner


@dataclass(frozen=True)
class _Elements:
    """The elements right below the records, or right below the lines: those are the rows."""

    tags: Tags
    above: Numbers
    """The tag with which each row begins."""
    starts: Numbers
    """The tag with which each element begins."""
    row: Numbers
    """In which it lies, from 0."""
    name: Numbers
    """Which of the known names it has, from 0, or -1."""
    leaf: Mask
    """Whether it holds no element."""
    others: list[bytes]
    """The names of those that are not known, in their order."""

    @classmethod
    def of(cls, tags: Tags, above: Numbers, names: tuple[bytes, ...]) -> _Elements:
        """Find the elements one level below the rows."""
        level = int(tags.level[above[0]]) + 1 if len(above) else 0
        starts = np.flatnonzero((tags.level == level) & ~tags.closes)
        row = np.searchsorted(above, starts, "right") - 1
        name = is_name(tags.text, *tags.names(starts), names)
        leaf = tags.empty[starts] | (tags.level[starts + 1] == level)
        return cls(tags, above, starts, row, name, leaf, _names_of(tags, starts[name < 0]))

    def odd_rows(self, most: int) -> Mask:
        """Return the rows with an element that occurs twice, a name with a prefix, or too many elements."""
        rows = len(self.above)
        odd = np.bincount(self.row, minlength=rows) > most
        known = self.name >= 0
        width = int(self.name.max(initial=0)) + 1
        cells = self.row[known] * width + self.name[known]
        times = np.bincount(cells, minlength=rows * width)
        odd |= (times.reshape(rows, width) > 1).any(axis=1)
        other = self.row[~known]
        if (other[1:] == other[:-1]).any():  # mostly no row has two of them
            pairs = Counter(zip(other.tolist(), self.others, strict=True))
            odd[[row for (row, _), number in pairs.items() if number > 1]] = True
        prefixed = {name for name in set(self.others) if b":" in name}
        if prefixed:
            odd[other[[name in prefixed for name in self.others]]] = True
        return odd

    def unknown(self, keep: Mask, place: str = "") -> Counter[str]:
        """Return the elements that no field reads, and how often they occur in the rows that are kept."""
        names = Counter(self._others_of(keep))
        return Counter({place + name.decode(): number for name, number in names.items()})

    def _others_of(self, keep: Mask) -> list[bytes]:
        kept = keep[self.row[self.name < 0]]
        return self.others if kept.all() else list(compress(self.others, kept.tolist()))

    def rows(self, texts: Column, keep: Mask, columns: tuple[str, ...]) -> Rows:
        """Return the rows that are kept; `columns`: of the known names, in their order."""
        size = int(np.count_nonzero(keep))
        kept = keep[self.row]
        number = (np.cumsum(keep) - 1)[self.row]
        of_text = np.where(self.tags.empty[self.starts], len(texts) - 1, 2 * self.starts + 1)
        known, unknown = kept & (self.name >= 0), kept & (self.name < 0)
        cells = np.full((len(columns) + 1, size), -1, np.int32)  # the last is of the holder, if there is one
        cells[self.name[known], number[known]] = of_text[known]
        raw = {name: _decoded(_taken(texts, each)) for name, each in zip(columns, cells[:-1], strict=True)}
        of_unknown = _decoded(texts.take(pa.array(of_text[unknown])))
        return rows_of(raw, _extras(self._others_of(keep), of_unknown, number[unknown], size))


def _names_of(tags: Tags, starts: Numbers) -> list[bytes]:
    """Return the names of some elements as in the text."""
    place, length = tags.names(starts)
    return [tags.text[at : at + size] for at, size in zip(place.tolist(), length.tolist(), strict=True)]


def _taken(texts: Column, index: Numbers) -> Column:
    """Return the texts of an index, null where it is negative."""
    return texts.take(pa.array(index, mask=index < 0))


def _decoded(column: Column) -> Column:
    """Return texts with each of XML's own entities as its character."""
    text = text_bytes(column)
    if b"&" in text:
        for entity, character in ENTITIES.items():
            if entity in text:
                column = pc.replace_substring(column, entity, character)
    return column


def _extras(names: list[bytes], texts: Column, row: Numbers, size: int) -> Column:
    """Return the unknown elements of each row as the text of a JSON object, or null."""
    if not names:
        return pa.nulls(size, pa.string())
    opening = {name: f'{quoted(name.decode())}:"' for name in set(names)}
    begun = pa.array([opening[name] for name in names])
    members = pc.binary_join_element_wise(begun, escaped_json(normalised_column(texts)), '"', "")
    if (row[1:] == row[:-1]).any():
        row, members = _joined(members.to_pylist(), row.tolist())
    index = np.full(size, -1, np.int32)
    index[row] = np.arange(len(row))
    return _taken(pc.binary_join_element_wise("{", members, "}", ""), index)


def _joined(members: list[str], row: list[int]) -> tuple[Numbers, Column]:
    """Join the members of each row's object."""
    found: dict[int, list[str]] = {}
    for number, member in zip(row, members, strict=True):
        found.setdefault(number, []).append(member)
    return np.fromiter(found, np.int32), pa.array(map(",".join, found.values()))
