"""Reads XML of any size in one conforming pass, without a tree: libxml2 calls, and rows are filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
from lxml import etree

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Field, Interface
from erp_feeds.merchant import Limits
from erp_feeds.xml.feed import CHUNK, SAFE, believed_mark, feed, refuse_doctype
from erp_feeds.xml.rows import CLEAN, HOLDS_ELEMENTS, NIL, UNKNOWN, Block, Lines, RowCollector, normalised

LONGEST_ROOT = 50
"""Characters of the root's name in a reason: a name is structure, unless somebody wrote data as a name."""
_START = 1_000
"""Bytes for the start of the next record, with which the end of a record is seen."""
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class RecordReader:
    """Reads one XML member; it is the target whose methods the parser calls at each event.

    Fields are read at one level only: below the record, below the line, or below the settings. Where that
    level is 0, the element stands outside of such a row.
    """

    def __init__(self, interface: Interface, limits: Limits) -> None:
        """Prepare to read files of an interface, with the element names of the merchant, within limits."""
        self._limits = limits
        self._path = interface.record_path
        self._header = interface.header
        holder, _, self._line = interface.lines.path.partition("/") if interface.lines else ("", "", "")
        self._records = RowCollector(interface.fields, limits.fields, holder)
        self._lines = RowCollector(
            interface.lines.fields if interface.lines else (), limits.fields, place=f"{holder}/{self._line}/"
        )
        header = self._header
        names = (header.importer_element, header.version_element) if header else ()
        place = f"{self._path[0]}/{header.element}/" if header else ""
        self._settings = RowCollector([Field(name, name) for name in names], limits.fields, place=place)
        self._holder = holder
        self._table = self._records
        self._buffer: list[str] = []
        self.data = self._buffer.append
        self._depth = self._level = self._skipped = self._slot = self._oddness = self._scope = 0
        self._name = ""
        self._in_lines = self._due = False
        self._root = ""
        self._found = self._within = False
        self._ended = self._read = self._line_no = 0
        self._blocks: list[Block] = []
        self._begin_block()
        self.surroundings: Counter[str] = Counter()
        """What stands beside the containers of the records and in the settings -> how often."""
        self.namespaced = False
        """Whether any element is in a namespace; such are read by their local names."""
        self.mismatched = False
        """Whether a byte order mark proved another encoding than the declared one."""

    def blocks(self, source: BinaryIO, first: int, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the records block by block, the first with that number; the last block may be empty.

        Raises:
            QuarantineError: doctype, not_well_formed, wrong_encoding, unknown_encoding, wrong_structure,
                record_too_large, too_deep, too_many_attributes, too_many_namespaces, name_too_long.
        """
        self._read = first
        parser = etree.XMLParser(target=cast(Any, self), remove_comments=True, remove_pis=True, **SAFE)
        most = self._limits.record_bytes
        waited = ended = 0
        for size in feed(parser, source, min(chunk, most)):
            waited = waited + size if self._ended == ended else 0
            ended = self._ended
            if waited > most + _START:
                reason = f"{most} bytes without the end of a record; see limits.record_bytes"
                raise QuarantineError(QuarantineCode.RECORD_TOO_LARGE, reason)
            yield from self._blocks
            self._blocks.clear()
            self._due = True
        if not self._found:
            wanted = "/".join(self._path[:-1])
            raise _wrong(f"no {wanted} with records; the root is {self._root[:LONGEST_ROOT]}")
        self.mismatched = believed_mark(parser)
        self.surroundings += self._settings.unknown
        self._end_block()
        yield from self._blocks

    def settings(self) -> list[tuple[str, str]]:
        """Return importer and version of each settings node read so far."""
        if self._settings.repeated_columns():
            raise _wrong("an element of the settings occurs more than once")
        return [(normalised(row[0] or ""), normalised(row[1] or "")) for row in self._settings.rows]

    def start(self, tag: str, attrib: Mapping[str, str]) -> None:
        """Begin an element."""
        self._depth = depth = self._depth + 1
        if depth == self._level:
            table = self._table
            table.count += 1
            self._buffer.clear()
            self._oddness = CLEAN
            self._name = tag
            slot = table.slots.get(tag)
            self._slot = self._other_slot(tag) if slot is None else slot
            if self._slot == table.holder:
                self._in_lines, self._level = True, 0
        elif self._level:
            self._oddness = HOLDS_ELEMENTS
        else:
            self._outside(tag, depth)
        if depth > self._limits.depth:
            reason = f"elements lie more than {self._limits.depth} deep within each other; see limits.depth"
            raise QuarantineError(QuarantineCode.TOO_DEEP, reason)
        if attrib:
            self._attributes(tag, attrib)

    def end(self, _: str) -> None:
        """End an element."""
        depth = self._depth
        self._depth = depth - 1
        if depth == self._level:
            self._end_field()
        elif self._level:
            if depth < self._level:
                self._end_row()
        elif depth == self._skipped:
            self._skipped = 0
            if depth == len(self._path):
                self._end_child()
        elif self._in_lines and depth == len(self._path) + 1:
            self._in_lines, self._level, self._table = False, depth, self._records
            self._slot = self._records.holder or 0
            self._buffer.clear()
            self._oddness = CLEAN
            self._end_field()
        elif depth == len(self._path) - 1:
            self._within = False

    def doctype(self, *_: str | None) -> None:
        """Refuse any DOCTYPE, before anything in it is read."""
        raise refuse_doctype()

    def start_ns(self, _prefix: str, _uri: str) -> None:
        """Count a namespace that comes into scope."""
        self._scope += 1
        if self._scope > self._limits.namespaces:
            reason = f"more than {self._limits.namespaces} namespaces are declared; see limits.namespaces"
            raise QuarantineError(QuarantineCode.TOO_MANY_NAMESPACES, reason)

    def end_ns(self, _prefix: str) -> None:
        """Count a namespace that goes out of scope."""
        self._scope -= 1

    def close(self) -> None:
        """End the document: `blocks` does what is left."""

    def _local(self, tag: str) -> str:
        if tag[0] != "{":
            return tag
        self.namespaced = True
        return tag.rpartition("}")[2]

    def _other_slot(self, tag: str) -> int:
        """Find an element by its local name."""
        self._name = self._local(tag)
        return self._table.slots.get(self._name, UNKNOWN)

    def _end_field(self) -> None:
        buffer, row, slot = self._buffer, self._table.row, self._slot
        text = buffer[0] if len(buffer) == 1 else "".join(buffer)
        if slot != UNKNOWN and row[slot] is None and not self._oddness:
            row[slot] = text
        else:
            self._table.note(slot, self._name, text, self._oddness)

    def _open_row(self, table: RowCollector) -> None:
        self._table, self._level = table, self._depth + 1

    def _end_row(self) -> None:
        self._table.close_row()
        self._level = 0
        if self._table is self._records:
            self._line_no = 0
            self._end_child()
        elif self._table is self._lines:
            self._line_no += 1
            self._line_of.append((len(self._records.rows), self._line_no))

    def _outside(self, tag: str, depth: int) -> None:
        """Begin an element that is no field."""
        if self._skipped:
            return
        name = self._local(tag)
        self._buffer.clear()
        if self._in_lines:
            if name == self._line:
                self._open_row(self._lines)
            else:
                self._skip(self._foreign, f"{self._holder}/{name}")
        elif name == self._path[depth - 1]:
            self._on_path(depth, name)
        elif depth == 1:
            self._root, self._skipped = name, depth
        elif self._header and depth == 2 and name == self._header.element:
            self._open_row(self._settings)
        else:
            tally = self._foreign if depth == len(self._path) else self.surroundings
            self._skip(tally, "/".join((*self._path[: depth - 1], name)))

    def _on_path(self, depth: int, name: str) -> None:
        """Begin an element on the way to the records, or a record."""
        if depth == len(self._path):
            self._open_row(self._records)
        elif depth == len(self._path) - 1:
            if self._found:
                raise _wrong(f"a second {name}")
            self._found = self._within = True
        self._root = self._root or name

    def _skip(self, tally: Counter[str], name: str) -> None:
        tally[name] += 1
        self._skipped = self._depth

    def _attributes(self, tag: str, attrib: Mapping[str, str]) -> None:
        """Tally attributes, since no field reads any but xsi:nil."""
        if len(attrib) > self._limits.attributes:
            reason = f"an element has more than {self._limits.attributes} attributes; see limits.attributes"
            raise QuarantineError(QuarantineCode.TOO_MANY_ATTRIBUTES, reason)
        if self._depth == self._level and attrib.get(f"{_XSI}nil", "").strip() in ("true", "1"):
            self._oddness = NIL
        if not self._within or self._depth < len(self._path):
            return
        bearer = tag.rpartition("}")[2]
        place = "" if bearer == self._path[-1] else f"{bearer}/"
        for name in attrib:
            if not name.startswith(_XSI):
                self._attribute_names[f"{place}@{name.rpartition('}')[2]}"] += 1

    def _end_child(self) -> None:
        """End a record, or what stands among the records: the only place between two blocks."""
        self._ended += 1
        if self._due:
            self._end_block()

    def _begin_block(self) -> None:
        self._due = False
        self._records.reset()
        self._lines.reset()
        self._line_of: list[tuple[int, int]] = []
        self._foreign: Counter[str] = Counter()
        self._attribute_names: Counter[str] = Counter()

    def _end_block(self) -> None:
        repeated = self._records.repeated_columns()
        records, plain = self._records.take()
        lines = None
        if self._line:
            rows, plain_lines = self._lines.take()
            plain = plain and plain_lines
            places = np.array(self._line_of, dtype=np.int32).reshape(-1, 2)
            lines = Lines(rows, *(pa.array(np.ascontiguousarray(places[:, side])) for side in (0, 1)))
        attributes = dict(sorted(self._attribute_names.items()))
        self._blocks.append(
            Block(self._read, records, lines, repeated, dict(self._foreign), attributes, plain)
        )
        self._read += len(records)
        self._begin_block()


def _wrong(reason: str) -> QuarantineError:
    return QuarantineError(QuarantineCode.WRONG_STRUCTURE, reason)
