"""Reads XML of any size in one conforming pass, without a tree: libxml2 calls, and rows are filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Limits
from erp_feeds.xml.blocks import BlockBuilder
from erp_feeds.xml.bulk_parser import BULK, BulkParser, mostly_plain, parser_for
from erp_feeds.xml.encoding import is_utf8
from erp_feeds.xml.feed import CHUNK, believed_mark, doctype_error, feed, read_head
from erp_feeds.xml.plain import PLAIN_DEPTH, PlainRecords, Shape
from erp_feeds.xml.row_collector import Oddness, RowCollector
from erp_feeds.xml.rows import Block
from erp_feeds.xml.structure_limits import StructureLimits
from erp_feeds.xml.surroundings import Place, Surroundings

_START = 1_000
"""Bytes for the start of the next record, which shows the end of the record before."""
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_UNKNOWN = ""
"""Stands for an element that a row does not know; None means that it is known and not read yet."""


class RecordReader:
    """Reads XML members, one after the other; it is the target whose methods the parser calls at each event.

    Fields are read at one level only: below the record, the line, or the settings; level 0 means outside of
    all of these. `start` and `end` handle the plain case, a field that the row knows, in as few steps as
    possible; all other cases go to the methods below them.
    """

    __slots__ = (
        "_among", "_block", "_buffer", "_bulk", "_clear", "_depth", "_due", "_ended", "_fed", "_holder",
        "_level", "_limits", "_line", "_lines", "_max_depth", "_max_record", "_oddness", "_open", "_record",
        "_records", "_row", "_settings", "_shape", "_skipped", "_table", "data", "end_ns", "holds_records",
        "mismatched", "namespaced", "start_ns", "surroundings",
    )  # fmt: skip

    def __init__(self, interface: Interface, limits: Limits, bulk: int = BULK) -> None:
        """Prepare to read files of an interface, with the element names of the merchant, within limits.

        `bulk`: smallest section, in bytes, whose plain records are read in bulk; 0: always, even if it does
        not pay. It changes the cost, never the result.
        """
        self._bulk = bulk
        self._max_depth, self._max_record = limits.depth, limits.record_bytes
        self._limits = StructureLimits(limits)
        self.start_ns, self.end_ns = self._limits.start_ns, self._limits.end_ns
        self._record, self._among = interface.record_path[-1], len(interface.record_path)
        self._shape = Shape.of(interface, limits.fields)
        self._block = block = BlockBuilder(interface, limits.fields)
        lines = interface.lines
        self._holder, self._line = (lines.holder, lines.element) if lines else ("", "")
        self._records, self._lines = block.records, block.lines
        self.surroundings = Surroundings(interface, limits.fields)
        self._settings = self.surroundings.rows
        self._table = self._records
        self._row = self._table.row
        self._buffer: list[str] = []
        self._clear, self.data = self._buffer.clear, self._buffer.append
        self._ended = self._fed = 0
        self._due = False
        self._oddness = Oddness.NONE

    def blocks(self, source: BinaryIO, file: int, chunk: int = CHUNK) -> Iterator[Block]:
        """Read a member, and yield the blocks that are full; `rest` yields what is left after the last one.

        Raises:
            QuarantineError: doctype, not_well_formed, wrong_encoding, unknown_encoding, wrong_structure,
                record_too_large, too_deep, too_many_attributes, too_many_namespaces, name_too_long.
        """
        self._begin_member(file)
        most = self._max_record
        chunk = min(chunk, most)
        head = read_head(source, chunk)
        parser = self._parser(head, chunk)
        waited, ended = 0, self._ended
        for size in feed(parser, head, source, chunk):
            waited = waited + size if self._ended == ended else 0
            ended = self._ended
            if waited > most + _START:
                reason = f"{most} bytes without the end of a record; see limits.record_bytes"
                raise QuarantineError(QuarantineCode.RECORD_TOO_LARGE, reason)
            yield from self._full()
            self._fed += size
            self._due = self._fed >= chunk
        self.surroundings.end_member()
        self.mismatched = believed_mark(parser)
        self._block.end_part()

    def _parser(self, head: bytes, chunk: int) -> Any:
        """Return the parser of a member: a small one has nothing to read in bulk."""
        shallow = self._among + PLAIN_DEPTH < self._max_depth
        large = min(chunk, len(head)) >= self._bulk
        if shallow and large and is_utf8(head) and (not self._bulk or mostly_plain(head, self._shape)):
            return BulkParser(self, self._shape, self._bulk)
        return parser_for(self)

    @property
    def is_between_records(self) -> bool:
        """Whether the parser stands where a record may begin."""
        in_container = self.surroundings.has_container and self._depth == self._among - 1
        return in_container and not (self._level or self._skipped)

    def take_plain(self, found: PlainRecords, feed_odd: Callable[[int, int], None]) -> None:
        """Take the plain records of a section; `feed_odd` parses what lies between two places of it."""
        if self._due:
            self._end_block()
        self._block.add_plain(found, feed_odd)
        self._ended += len(found.records)
        self.holds_records |= bool(found.records)

    def _full(self) -> Iterator[Block]:
        yield from self._block.ready
        self._block.ready.clear()

    def rest(self) -> Iterator[Block]:
        """Yield the last block, which may be empty."""
        self._end_block()
        yield from self._full()

    def _begin_member(self, file: int) -> None:
        self._depth = self._level = self._skipped = 0
        self._open = ""
        self._limits.begin_member()
        self.surroundings.begin_member()
        self.holds_records = False
        self.namespaced = False
        """Whether any element is in a namespace; those elements are read by their local names."""
        self.mismatched = False
        """Whether a byte order mark proved another encoding than the declared one."""
        self._block.begin_member(file)

    def start(self, tag: str, attrib: Mapping[str, str]) -> None:
        """Begin an element."""
        self._depth = depth = self._depth + 1
        if depth == self._level:
            self._clear()
            self._open = tag
        elif tag == self._record and depth == self._among and not (self._level or self._skipped):
            self._clear()
            self._open_row(self._records, depth)
        elif tag == self._line and self._in_plain_holder(depth):
            self._open_row(self._lines, depth)
        else:
            self._start_other(tag, depth)
        if attrib:
            self._attributes(tag, attrib)

    def end(self, tag: str) -> None:
        """End an element."""
        depth = self._depth
        self._depth = depth - 1
        if depth == self._level:
            if self._oddness or self._row.get(tag, _UNKNOWN) is not None:
                self._note(tag)
            else:
                self._row[tag] = "".join(self._buffer)
        elif depth < self._level:
            self._end_row()
        elif depth == self._skipped:
            self._skipped = 0
            if depth == self._among:
                self._end_child()

    def doctype(self, *_: str | None) -> None:
        """Quarantine a file with a DOCTYPE, before anything in it is read."""
        raise doctype_error()

    def close(self) -> None:
        """End the document: `blocks` does what is left."""

    def _local(self, tag: str) -> str:
        if tag[0] != "{":
            return tag
        self.namespaced = True
        return tag[tag.rindex("}") + 1 :]

    def _note(self, tag: str) -> None:
        """End a field that is not plain: unknown, in a namespace, repeated, nested or said to be nil."""
        name, text = self._local(tag), "".join(self._buffer)
        if not self._oddness and self._row.get(name, _UNKNOWN) is None:
            self._row[name] = text  # every field of a file with a namespace passes here
            return
        self._table.note(name, text, self._oddness)
        self._oddness = Oddness.NONE

    def _in_plain_holder(self, depth: int) -> bool:
        """Return whether an element lies right in the holder of the lines, which holds nothing odd."""
        in_record = self._table is self._records and depth == self._level + 1 == self._among + 2
        return in_record and self._open == self._holder and not self._oddness

    def _start_other(self, tag: str, depth: int) -> None:
        """Begin an element that is not a field."""
        self._limits.check_depth(depth)
        if not self._level:
            if not self._skipped:
                self._clear()
                self._outside(self._local(tag), depth)
        elif self._holder and self._table is self._records and self._local(self._open) == self._holder:
            if depth == self._level + 1:
                self._in_holder(self._local(tag), depth)
        else:
            self._oddness = Oddness.HOLDS_ELEMENTS

    def _in_holder(self, name: str, depth: int) -> None:
        """Begin a line, or what stands among the lines."""
        if self._oddness:
            self._records.reject_field(self._holder)
            self._oddness = Oddness.NONE
        if name == self._line:
            self._open_row(self._lines, depth)
        else:
            self._note_unexpected(f"{self._holder}/{name}")

    def _outside(self, name: str, depth: int) -> None:
        """Begin an element outside of records and settings."""
        place = self.surroundings.begin(name, depth)
        if place == Place.RECORD:  # in a namespace
            self._open_row(self._records, depth)
        elif place == Place.SETTINGS:
            self._open_row(self._settings, depth)
        elif place != Place.ABOVE_RECORDS:
            self._skipped = depth
            if place == Place.AMONG_RECORDS:
                self._note_unexpected(self.surroundings.path_of(name, depth))

    def _note_unexpected(self, path: str) -> None:
        self.surroundings.unexpected[path] += 1
        self._block.part.unknown[path] += 1

    def _open_row(self, table: RowCollector, depth: int) -> None:
        """Begin a record, a line or the settings."""
        if depth >= self._max_depth:
            self._limits.check_depth(depth + 1)  # its fields would lie too deep
        self._table, self._row, self._level = table, table.row, depth + 1

    def _end_row(self) -> None:
        """End a record, a line or a settings node."""
        table = self._table
        table.close_row()
        if table is self._lines:
            self._block.end_line()
            self._table, self._row = self._records, self._records.row
            self._level = self._among + 1
            self._open = self._holder
            self._clear()
            return
        self._level = 0
        if table is self._records:
            self.holds_records = True
            self._end_child()

    def _attributes(self, tag: str, attrib: Mapping[str, str]) -> None:
        """Tally attributes, since no field reads any but xsi:nil."""
        self._limits.check_attributes(len(attrib))
        if self._depth == self._level and attrib.get(f"{_XSI}nil", "").strip() in ("true", "1"):
            self._oddness = Oddness.NIL
        among = self._among
        in_settings = self._level and self._table is self._settings
        if self._depth < among or in_settings or 0 < self._skipped < among:
            return
        bearer = tag.rpartition("}")[2]
        place = "" if bearer == self._record else f"{bearer}/"
        for name in attrib:
            if not name.startswith(_XSI):
                self._block.part.attributes[f"{place}@{name.rpartition('}')[2]}"] += 1

    def _end_child(self) -> None:
        """End a record, or what stands among the records: the only place between two blocks."""
        self._ended += 1
        if self._due:
            self._end_block()

    def _end_block(self) -> None:
        self._block.end_block()
        self._due = False
        self._fed = 0
