"""Rows as they are read: what a record or line holds, and the columns of text that are made of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from json.encoder import encode_basestring as _quoted

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.columns.arrow import Column, is_plain, text_bytes
from erp_feeds.interfaces.spec import Field

Settings = Sequence[tuple[str, str]]
"""Importer and version of each settings node, '' where it has none."""

UNSEEN = "".join(
    map(chr, (0x20, 0xA0, 0xAD, *range(0x2000, 0x2010), *range(0x2028, 0x2030), 0x2060, 0x3000, 0xFEFF))
)
"""Characters that nobody sees, such as a zero-width space, or a byte order mark in the middle of a file."""

LINES = "lines"
"""Column by which an element with rows in it is reported."""


class Oddness(IntEnum):
    """What is odd about a field: it has elements in it, or says xsi:nil."""

    NONE = 0
    HOLDS_ELEMENTS = 1
    NIL = 2


_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_TO_NORMALISE = (b"\n", b"\t", b"\r", b"  ")
_WHITE = (b"\n", b"\t", b"\r", b" ")
"""One byte is found in a tenth of the time of two, and most columns hold none."""


@dataclass(frozen=True)
class Rows:
    """Records or lines as text: null where the element is missing, '' where it is empty."""

    text: dict[str, Column]
    repeated: Column
    """Where an element that the interface knows occurs twice."""
    extras: Column
    """Unknown elements as the text of a JSON object, or null."""
    too_many: Column
    """Where more elements are than the limit allows; unknown ones are not kept there."""
    has_children: dict[str, Column]
    """Where a field holds elements, or content beside xsi:nil; only the columns of which any does."""

    def __len__(self) -> int:
        return len(self.extras)


@dataclass(frozen=True)
class Lines:
    """The nested rows of a block's records."""

    rows: Rows
    record: Column
    """Position of the record in the block, from 0."""
    line_no: Column
    """From 1 in each record."""

    @classmethod
    def of(cls, rows: Rows, owners: Sequence[int]) -> Lines:
        """Return the lines of a block; `owners`: the record of each, in the order of the records."""
        record = np.array(owners, np.int32)
        line_no = np.arange(1, len(record) + 1) - np.searchsorted(record, record)
        return cls(rows, pa.array(record), pa.array(line_no.astype(np.int32)))


@dataclass(frozen=True)
class Part:
    """What one XML member has in a block."""

    member: int
    """Number of the member in its group, from 0."""
    file: int
    """Of the ledger."""
    start: int
    """Position of its first record in the block."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Element that is no field, no record and no line -> how often it occurs."""
    attributes: Counter[str] = field(default_factory=Counter)
    """Attribute in the records -> how often it occurs; no field reads any."""


@dataclass(frozen=True)
class Block:
    """Consecutive records of the members that are read together."""

    first: int
    """Number of the first record, from 1 over all members."""
    records: Rows
    lines: Lines | None
    repeated_columns: dict[int, str]
    """Position of a record with repeated elements -> column of the first that was repeated."""
    plain: bool
    """Whether all text is of plain ASCII, so that no conversion can have damaged it."""
    parts: tuple[Part, ...]
    """In the order of the records."""

    @property
    def numbers(self) -> Column:
        """Return the record numbers."""
        return pa.array(np.arange(self.first, self.first + len(self.records), dtype=np.int32))

    @property
    def files(self) -> Column:
        """Return the file of each record."""
        ends = np.array([*(part.start for part in self.parts[1:]), len(self.records)])
        lengths = np.diff(ends, prepend=0)
        return pa.array(np.repeat(np.array([part.file for part in self.parts], np.int64), lengths))


class RowCollector:
    """Collects the rows of one kind, as texts one behind the other, one for each element that it knows.

    The reader writes the plain case into `row` itself, and hands everything else to `note`.
    """

    def __init__(self, fields: Sequence[Field], most: int, holder: str = "", place: str = "") -> None:
        """Prepare to collect.

        Args:
            fields: With the element names of the merchant.
            most: Elements that a row may have.
            holder: Element that holds nested rows; its own text is not read.
            place: Of the rows below the record, with a slash at its end.
        """
        self._columns = {field.element: field.name for field in fields}
        if holder:
            self._columns.setdefault(holder, LINES)
        self._empty: dict[str, str | None] = dict.fromkeys(self._columns)
        self._most = most
        self._place = place
        self.row = self._empty.copy()
        self.reset()

    def reset(self) -> None:
        """Forget all rows that have ended."""
        self.cells: list[str | None] = []
        self.size = 0
        self.repeated: dict[int, str] = {}
        """Position of a row -> column of the first element that occurs twice in it."""
        self.unknown: Counter[str] = Counter()
        self._noted = 0
        self._others: list[tuple[str, str]] = []
        self._repeat = ""
        self._extras: dict[int, str] = {}
        self._too_many: list[int] = []
        self._has_children: dict[str, list[int]] = {}

    def note(self, name: str, text: str, oddness: int) -> None:
        """Add an element that is in a namespace, unknown, repeated, holds elements or says xsi:nil."""
        if name not in self._columns:
            self._noted += 1
            if self._noted <= self._most:  # any number of them costs no memory
                self._others.append((name, text))
        elif self.row[name] is not None:
            self._noted += 1
            self._repeat = self._repeat or self._columns[name]
        else:
            self.row[name] = text
            if oddness == Oddness.HOLDS_ELEMENTS or (oddness == Oddness.NIL and _WHITE_SPACE.sub("", text)):
                self.reject_field(name)

    def reject_field(self, name: str) -> None:
        """Note that an element of this row holds what it may not (rule: files 9)."""
        self._has_children.setdefault(self._columns[name], []).append(self.size)

    def close_row(self) -> None:
        """End a row and begin the next, in the same dict."""
        cells = self.row.values()
        self.cells.extend(cells)
        if self._noted or len(cells) > self._most:
            self._close_odd(self._noted + sum(cell is not None for cell in cells))
        self.row.update(self._empty)
        self.size += 1

    def _close_odd(self, count: int) -> None:
        """End a row with elements that are unknown or repeated."""
        if count > self._most:
            self._too_many.append(self.size)
        else:
            if self._repeat:
                self.repeated[self.size] = self._repeat
            extras: dict[str, str] = {}
            for name, text in self._others:
                self.unknown[self._place + name] += 1
                extras.pop(name, None)  # of repeated ones the last counts, at its own place
                extras[name] = normalised(text)
            if extras:
                members = (f"{_quoted(name)}:{_quoted(text)}" for name, text in extras.items())
                self._extras[self.size] = f"{{{','.join(members)}}}"
        self._noted = 0
        self._others = []
        self._repeat = ""

    def take(self) -> tuple[Rows, bool]:
        """Return all rows as columns, and whether their text is plain ASCII."""
        size, width = self.size, len(self._columns)
        raw = {
            column: pa.array(self.cells[place::width], pa.string())
            for place, column in enumerate(self._columns.values())
            if column != LINES
        }
        extras = _sparse(self._extras, size)
        texts = {column: text_bytes(array) for column, array in raw.items()}
        plain = all(map(is_plain, (*texts.values(), text_bytes(extras))))
        text = {column: _trimmed(array, texts[column], plain=plain) for column, array in raw.items()}
        has_children = {column: _mask(rows, size) for column, rows in self._has_children.items()}
        repeated, too_many = _mask(self.repeated, size), _mask(self._too_many, size)
        return Rows(text, repeated, extras, too_many, has_children), plain


def normalised(text: str) -> str:
    """Return text with each run of XML's white space as one space, and none at its ends."""
    return _WHITE_SPACE.sub(" ", text).strip(" ")


def _sparse(texts: Mapping[int, str], size: int) -> Column:
    return pa.array(map(texts.get, range(size)), pa.string()) if texts else pa.nulls(size, pa.string())


def _mask(rows: Iterable[int], size: int) -> Column:
    mask = np.zeros(size, dtype=bool)
    mask[list(rows)] = True
    return pa.array(mask)


def _trimmed(column: Column, text: bytes, *, plain: bool) -> Column:
    """Make each run of white space one space, and trim it, with the kinds that XML does not know.

    What cannot be seen would make another customer of '1001'.
    """
    white = any(each in text for each in _WHITE)
    if white and any(each in text for each in _TO_NORMALISE):
        column = pc.replace_substring_regex(column, r"[ \t\r\n]+", " ")
    if plain:
        return pc.ascii_trim_whitespace(column) if white else column
    return pc.utf8_trim(pc.utf8_trim_whitespace(column), UNSEEN)
