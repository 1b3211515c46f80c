"""Reads XML of any size in one conforming pass, without a tree: libxml2 calls, and rows are filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Field, Interface
from erp_feeds.merchant import Limits
from erp_feeds.xml.blocks import BlockBuilder
from erp_feeds.xml.bulk_parser import BULK, BulkParser, mostly_plain, parser_for
from erp_feeds.xml.encoding import is_utf8
from erp_feeds.xml.feed import CHUNK, believed_mark, doctype_error, feed, read_head
from erp_feeds.xml.plain import PLAIN_DEPTH, PlainRecords, Shape
from erp_feeds.xml.row_collector import Oddness, RowCollector
from erp_feeds.xml.rows import Block, normalised

LONGEST_ROOT = 50
"""Characters of the root's name in a reason: a name is structure, unless somebody wrote data as a name."""
_START = 1_000
"""Bytes for the start of the next record, with which the end of a record is seen."""
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_UNKNOWN = ""
"""Stands for an element that a row does not know: anything but None, which means not yet read."""


class RecordReader:
    """Reads XML members, one after the other; it is the target whose methods the parser calls at each event.

    Fields are read at one level only: below the record, below the line, or below the settings. Where that
    level is 0, the element stands outside of such a row. `start` and `end` take the plain case, a field that
    the row knows, in as few steps as Python has; everything else goes to the methods below them.
    """

    __slots__ = (
        "_among", "_block", "_buffer", "_bulk", "_clear", "_depth", "_due", "_ended", "_fed", "_found",
        "_header", "_holder", "_level", "_limits", "_line", "_lines", "_oddness", "_open", "_path", "_record",
        "_records", "_root", "_row", "_scope", "_settings", "_shape", "_skipped", "_table", "data", "foreign",
        "holds_records", "mismatched", "namespaced", "surroundings",
    )  # fmt: skip

    def __init__(self, interface: Interface, limits: Limits, bulk: int = BULK) -> None:
        """Prepare to read files of an interface, with the element names of the merchant, within limits.

        `bulk`: bytes from which on plain records are read in bulk, 0: always, also where it does not pay; it
        changes the cost, never what is read.
        """
        self._bulk = bulk
        self._limits = limits
        self._path = interface.record_path
        self._record, self._among = self._path[-1], len(self._path)
        self._shape = Shape.of(interface, limits.fields)
        self._header = header = interface.header
        self._block = block = BlockBuilder(interface, limits.fields)
        lines = interface.lines
        self._holder, self._line = (lines.holder, lines.element) if lines else ("", "")
        self._records, self._lines = block.records, block.lines
        names = (header.importer_element, header.version_element) if header else ()
        place = f"{self._path[0]}/{header.element}/" if header else ""
        self._settings = RowCollector([Field(name, name) for name in names], limits.fields, place=place)
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
        most = self._limits.record_bytes
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
        if not self._found:
            wanted = "/".join(self._path[:-1])
            raise _wrong(f"no {wanted} with records; the root is {self._root[:LONGEST_ROOT]}")
        self.mismatched = believed_mark(parser)
        self.surroundings += self._settings.unknown
        self._block.end_part()

    def _parser(self, head: bytes, chunk: int) -> Any:
        """Return the parser of a member: a small one has nothing to read in bulk."""
        shallow = self._among + PLAIN_DEPTH < self._limits.depth
        large = min(chunk, len(head)) >= self._bulk
        if shallow and large and is_utf8(head) and (not self._bulk or mostly_plain(head, self._shape)):
            return BulkParser(self, self._shape, self._bulk)
        return parser_for(self)

    @property
    def is_between_records(self) -> bool:
        """Whether the parser stands where a record may begin."""
        return self._found and self._depth == self._among - 1 and not (self._level or self._skipped)

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
        self._depth = self._level = self._skipped = self._scope = 0
        self._open = self._root = ""
        self._found = False
        self._settings.reset()
        self.surroundings: Counter[str] = Counter()
        """What stands beside the containers of the records and in the settings -> how often."""
        self.foreign: Counter[str] = Counter()
        """What is no record among the records, and no line among the lines -> how often."""
        self.holds_records = False
        self.namespaced = False
        """Whether any element is in a namespace; such are read by their local names."""
        self.mismatched = False
        """Whether a byte order mark proved another encoding than the declared one."""
        self._block.begin_member(file)

    def settings(self) -> list[tuple[str, str]]:
        """Return importer and version of each settings node read so far."""
        if self._settings.repeated:
            raise _wrong("an element of the settings occurs more than once")
        cells = [normalised(cell or "") for cell in self._settings.cells]
        return list(zip(cells[::2], cells[1::2], strict=True))

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
        """Begin an element that is no field."""
        if depth > self._limits.depth:
            raise self._too_deep()
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
            self._note_foreign(f"{self._holder}/{name}")

    def _outside(self, name: str, depth: int) -> None:
        """Begin an element on the way to the records, a record, the settings, or what is none of these."""
        if depth == 1:
            self._root = name
        if name == self._path[depth - 1]:
            if depth == self._among:  # in a namespace
                self._open_row(self._records, depth)
            elif depth == self._among - 1:
                if self._found:
                    raise _wrong(f"a second {name}")
                self._found = True
        elif self._header and depth == 2 and name == self._header.element:
            self._open_row(self._settings, depth)
        else:
            self._skipped = depth
            if depth > 1:
                place = "/".join((*self._path[: depth - 1], name))
                if depth == self._among:
                    self._note_foreign(place)
                else:
                    self.surroundings[place] += 1

    def _note_foreign(self, place: str) -> None:
        self.foreign[place] += 1
        self._block.part.unknown[place] += 1

    def _open_row(self, table: RowCollector, depth: int) -> None:
        """Begin a record, a line or the settings."""
        if depth >= self._limits.depth:
            raise self._too_deep()
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
        if len(attrib) > self._limits.attributes:
            reason = f"an element has more than {self._limits.attributes} attributes; see limits.attributes"
            raise QuarantineError(QuarantineCode.TOO_MANY_ATTRIBUTES, reason)
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

    def _too_deep(self) -> QuarantineError:
        reason = f"elements lie more than {self._limits.depth} deep within each other; see limits.depth"
        return QuarantineError(QuarantineCode.TOO_DEEP, reason)


def _wrong(reason: str) -> QuarantineError:
    return QuarantineError(QuarantineCode.WRONG_STRUCTURE, reason)
