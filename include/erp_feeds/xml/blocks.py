"""Builds blocks of the rows that a reader reads one by one, and of those that are read in bulk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from erp_feeds.interfaces.spec import Interface
from erp_feeds.xml.plain import PlainRecords
from erp_feeds.xml.row_collector import RowCollector
from erp_feeds.xml.rows import Block, Lines, Part, joined
from erp_feeds.xml.tags import Mask, Numbers


@dataclass(frozen=True)
class _Section:
    """Plain records of one section of text."""

    place: Numbers
    """Of each record in the block, from 0."""
    found: PlainRecords


class BlockBuilder:
    """Collects records and lines until a block is full."""

    def __init__(self, interface: Interface, most: int) -> None:
        """Prepare to build; `most`: elements that a record, or a line, may have."""
        lines = interface.lines
        self._has_lines = lines is not None
        self.records = RowCollector(interface.fields, most, lines.holder if lines else "")
        self.lines = RowCollector(
            lines.fields if lines else (), most, place=f"{lines.path}/" if lines else ""
        )
        self.ready: list[Block] = []
        """Blocks that have ended."""
        self._read = 1
        self.part = Part(-1, 0, 0)
        self._begin()

    def begin_member(self, file: int) -> None:
        """Begin the next member."""
        self._begin_part(self.part.member + 1, file)

    def end_line(self) -> None:
        """Give the line that has ended to the record that has not."""
        self._owners.append(self.records.size)

    def end_part(self) -> None:
        """Note what is odd in the member so far."""
        for rows in (self.records, self.lines):
            self.part.unknown.update(rows.unknown)
            rows.unknown.clear()

    def add_plain(self, found: PlainRecords, feed_odd: Callable[[int, int], None]) -> None:
        """Add plain records; `feed_odd` reads, at its place, what is odd between them."""
        began = self._size()
        rows_of_odd = np.zeros(len(found.odd) + 1, np.int64)
        for first, stop in _runs(found.odd):
            rows = self.records.size
            feed_odd(int(found.begin[first]), int(found.end[stop - 1]))
            rows_of_odd[stop] = self.records.size - rows
        plain = ~found.odd
        place = began + np.arange(len(found.records)) + np.cumsum(rows_of_odd)[:-1][plain]
        self._sections.append(_Section(place, found))
        self._in_bulk += len(place)
        self.part.unknown.update(found.unknown)

    def end_block(self) -> None:
        """End the block, between two records, and begin the next."""
        self.end_part()
        rows = self.records.take()
        own = np.ones(len(rows) + self._in_bulk, bool)
        for section in self._sections:
            own[section.place] = False
        place = np.flatnonzero(own)
        places = np.concatenate([place, *(section.place for section in self._sections)])
        records = joined([rows, *(section.found.records for section in self._sections)], np.argsort(places))
        lines = self._all_lines(place) if self._has_lines else None
        repeated = {int(place[row]): name for row, name in self.records.repeated.items()}
        self.ready.append(Block(self._read, records, lines, repeated, tuple(self._parts)))
        self._read += len(records)
        self._begin()
        self._begin_part(self.part.member, self.part.file)

    def _all_lines(self, place: Numbers) -> Lines:
        """Return all lines in the order of their records; `place`: of the records that came one by one."""
        rows, owners = [self.lines.take()], [place[np.array(self._owners, np.int64)]]
        for section in self._sections:
            if section.found.lines is not None:
                rows.append(section.found.lines)
                owners.append(section.place[section.found.owners])
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        return Lines.of(joined(rows, order), owner[order])

    def _size(self) -> int:
        return self.records.size + self._in_bulk

    def _begin(self) -> None:
        self.records.reset()
        self.lines.reset()
        self._owners: list[int] = []
        self._parts: list[Part] = []
        self._sections: list[_Section] = []
        self._in_bulk = 0

    def _begin_part(self, member: int, file: int) -> None:
        self.part = Part(member, file, self._size())
        self._parts.append(self.part)


def _runs(mask: Mask) -> list[list[int]]:
    """Return begin and end of each run of true values."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges.reshape(-1, 2).tolist()
