"""Collects the rows that are read element by element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import IntEnum

import pyarrow as pa

from erp_feeds.columns.arrow import Column
from erp_feeds.interfaces.spec import Field
from erp_feeds.xml.rows import LINES, Rows, mask_of, normalised, quoted, rows_of


class Oddness(IntEnum):
    """What is odd about a field: it has elements in it, or says xsi:nil."""

    NONE = 0
    HOLDS_ELEMENTS = 1
    NIL = 2


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
            if oddness == Oddness.HOLDS_ELEMENTS or (oddness == Oddness.NIL and normalised(text)):
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
                members = (f"{quoted(name)}:{quoted(text)}" for name, text in extras.items())
                self._extras[self.size] = f"{{{','.join(members)}}}"
        self._noted = 0
        self._others = []
        self._repeat = ""

    def take(self) -> Rows:
        """Return all rows as columns."""
        size, width = self.size, len(self._columns)
        raw = {
            column: pa.array(self.cells[place::width], pa.string())
            for place, column in enumerate(self._columns.values())
            if column != LINES
        }
        has_children = {column: mask_of(rows, size) for column, rows in self._has_children.items()}
        repeated, too_many = mask_of(self.repeated, size), mask_of(self._too_many, size)
        rows = rows_of(raw, _sparse(self._extras, size))
        return replace(rows, repeated=repeated, too_many=too_many, has_children=has_children)


def _sparse(texts: Mapping[int, str], size: int) -> Column:
    return pa.array(map(texts.get, range(size)), pa.string()) if texts else pa.nulls(size, pa.string())
