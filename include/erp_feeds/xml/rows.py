"""Rows as they are read: what a record or line holds, and the columns of text that are made of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces.spec import Field

Column = Any
"""An Arrow array; pyarrow ships no types."""

Settings = Sequence[tuple[str, str]]
"""Importer and version of each settings node, '' where it has none."""

UNSEEN = "".join(
    map(chr, (0x20, 0xA0, 0xAD, *range(0x2000, 0x2010), *range(0x2028, 0x2030), 0x2060, 0x3000, 0xFEFF))
)
"""Characters that nobody sees, such as a zero-width space, or a byte order mark in the middle of a file."""

UNKNOWN = -1
"""Slot of an element that the interface does not know."""
CLEAN, HOLDS_ELEMENTS, NIL = range(3)
"""What is odd about a field: it has elements in it, or says xsi:nil."""

_NAME = re.compile(r"[^\W\d][\w.\-]*")
_BLANKS = re.compile(r"[ \t\r\n]+")
_TO_NORMALISE = (b"\n", b"\t", b"\r", b"  ")


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
    """Where more elements are than the limit allows; unknown ones are not kept there."""
    nested: dict[str, Column]
    """Where a field holds elements, or content beside xsi:nil; only the fields of which any does."""

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
    """The records between two places of a file."""

    first: int
    """Number of the first record in the file, from 1."""
    records: Rows
    lines: Lines | None
    repeated_columns: dict[int, str]
    """Position of a record with repeated elements -> column of the first that was repeated."""
    foreign: dict[str, int]
    """What is no record among the records, and no line among the lines -> how often it occurs."""
    attributes: dict[str, int]
    """Attribute in the records -> how often it occurs; no field reads any."""
    plain: bool
    """Whether all text is of plain ASCII, so that no conversion can have damaged it."""

    @property
    def numbers(self) -> Column:
        """Return the record numbers."""
        return pa.array(np.arange(self.first, self.first + len(self.records), dtype=np.int32))


class RowCollector:
    """Collects the rows of one kind, each a list of texts with one slot a field.

    The reader writes the plain case into `row` itself, and hands everything else to `note`.
    """

    def __init__(self, fields: Sequence[Field], most: int, holder: str = "", place: str = "") -> None:
        """Prepare to collect.

        Args:
            fields: With the element names of the merchant.
            most: Elements that a row may have.
            holder: Element that holds nested rows; it gets the slot behind the fields.
            place: Of the rows below the record, with a slash at its end.
        """
        self._names = [field.name for field in fields]
        elements = [field.element for field in fields] + ([holder] if holder else [])
        self.slots = {_checked(element): slot for slot, element in enumerate(elements)}
        self.holder = len(fields) if holder else None
        self._width = len(elements)
        self._most = most
        self._place = place
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        self.rows: list[list[str | None]] = []
        self.row: list[str | None] = [None] * self._width
        self.count = 0
        self._others: list[tuple[str, str]] = []
        self._repeat: int | None = None
        self._extras: dict[int, str] = {}
        self._crowded: list[int] = []
        self._repeated: dict[int, int] = {}
        self._nested: dict[int, list[int]] = {}
        self.unknown: Counter[str] = Counter()

    def note(self, slot: int, name: str, text: str, oddness: int) -> None:
        """Add a field that is unknown, repeated, holds elements or says xsi:nil; `name` is its element."""
        if slot == UNKNOWN:
            if self.count <= self._most:  # a crowd costs no memory
                self._others.append((name, text))
        elif self.row[slot] is not None:
            self._repeat = slot if self._repeat is None else self._repeat
        else:
            self.row[slot] = text
            if oddness == HOLDS_ELEMENTS or (oddness == NIL and _BLANKS.sub("", text)):
                self._nested.setdefault(slot, []).append(len(self.rows))

    def close_row(self) -> None:
        """End a row and begin the next."""
        index = len(self.rows)
        self.rows.append(self.row)
        self.row = [None] * self._width
        if self.count > self._most:
            self._crowded.append(index)
        elif self._others or self._repeat is not None:
            self._close_odd(index)
        self.count = 0
        self._others = []
        self._repeat = None

    def _close_odd(self, index: int) -> None:
        if self._repeat is not None:
            self._repeated[index] = self._repeat
        extras: dict[str, str] = {}
        for name, text in self._others:
            self.unknown[self._place + name] += 1
            extras.pop(name, None)  # of repeated ones the last counts, at its own place
            extras[name] = normalised(text)
        if extras:
            self._extras[index] = json.dumps(extras, ensure_ascii=False, separators=(",", ":"))

    def repeated_columns(self) -> dict[int, str]:
        """Return position of a row -> column of the element that occurs twice in it."""
        names = [*self._names, "lines"]
        return {index: names[slot] for index, slot in self._repeated.items()}

    def take(self) -> tuple[Rows, bool]:
        """Return all rows as columns, and whether their text is plain ASCII."""
        size = len(self.rows)
        slots = list(zip(*self.rows, strict=True)) or [()] * self._width
        raw = [pa.array(slots[slot], pa.string()) for slot in range(len(self._names))]
        extras = pa.array([self._extras.get(row) for row in range(size)], pa.string())
        plain = all(_is_plain(_bytes(column)) for column in (*raw, extras))
        text = {name: _trimmed(column, plain=plain) for name, column in zip(self._names, raw, strict=True)}
        nested = {self._names[slot]: _mask(rows, size) for slot, rows in self._nested.items()}
        found = Rows(
            text, _mask(self._repeated, size), extras, dict(self.unknown), _mask(self._crowded, size), nested
        )
        return found, plain


def normalised(text: str) -> str:
    """Return text with the blanks of XML, and of XML only, made one or cut off."""
    return _BLANKS.sub(" ", text).strip(" ")


def _mask(rows: Iterable[int], size: int) -> Column:
    mask = np.zeros(size, dtype=bool)
    mask[list(rows)] = True
    return pa.array(mask)


def _bytes(column: Column) -> bytes:
    buffer = column.buffers()[2]
    return bytes(buffer.to_pybytes()) if buffer else b""


def _is_plain(text: bytes) -> bool:
    return text.isascii() and b"\x7f" not in text


def _trimmed(column: Column, *, plain: bool) -> Column:
    """Make blanks one, and take them from the ends, with those that XML does not know.

    What cannot be seen would make another customer of '1001'.
    """
    text = _bytes(column)
    if any(blank in text for blank in _TO_NORMALISE):
        column = pc.replace_substring_regex(column, r"[ \t\r\n]+", " ")
    trimmed = pc.utf8_trim_whitespace(column)
    return trimmed if plain else pc.utf8_trim(trimmed, UNSEEN)


def _checked(element: str) -> str:
    """Refuse an element name that XML cannot have: it would never be found."""
    if not _NAME.fullmatch(element):
        raise ConfigurationError(f"'{element}' is no element name: letters, digits, '_', '-' and '.' only")
    return element
