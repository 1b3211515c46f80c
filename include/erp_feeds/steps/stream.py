"""Reads XML of any size in one conforming pass, holding only the records that are not yet read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Limits
from erp_feeds.xml.encoding import declared_encoding, in_words, refuse_impossible_encoding

CHUNK = 2 << 20
"""Bytes fed at a time: larger ones cost memory, smaller ones time."""

LONGEST_ROOT = 50
"""Signs of the root's name in a refusal: a name is structure, unless somebody wrote data as a name."""
_HEAD = 64 << 10
_START = 1_000
"""Bytes for the start of the next record, with which the end of a record is seen."""
_DOCTYPE = re.compile(rb"(?:\s++|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_MARKS = b"\xef\xbb\xbf\xff\xfe\0"
_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


class RecordStream:
    """One XML member: iterate to see its container again and again, each time with new closed records.

    Every child but the last is complete. Between two looks the read ones are dropped from the container.
    At the last look (`finished`) the last child is complete too.
    """

    def __init__(
        self,
        source: BinaryIO,
        interface: Interface,
        limits: Limits | None = None,
        *,
        chunk: int = CHUNK,
        comments: bool = False,
    ) -> None:
        """Prepare to read.

        Args:
            source: Bytes of the member.
            interface: With the element names of the merchant.
            limits: What the XML may hold; None for what has been read under its limits before.
            chunk: Bytes fed at a time.
            comments: Whether comments and processing instructions stay.
        """
        self._source = source
        self._path = interface.record_path[:-1]
        self._guard = _Guard(limits) if limits else None
        self._chunk = min(chunk, limits.record_bytes) if limits else chunk
        self._declared = ""
        self._equals = False
        self._parser = etree.XMLPullParser(
            events=("start",), tag=tuple(f"{{*}}{name}" for name in self._path), remove_comments=not comments,
            remove_pis=not comments, **_SAFE,
        )  # fmt: skip
        self._tail = b""
        self.container: etree._Element | None = None
        self.finished = False
        self.attributes = False
        """Whether an attribute may stand in what was read since the last look."""
        self.namespaces = False
        """Whether a namespace may be declared somewhere in what was read so far."""

    def __iter__(self) -> Iterator[etree._Element]:
        """Yield the container whenever it holds closed records, and once at the end.

        Raises:
            QuarantineError: doctype, not_well_formed, wrong_encoding, unknown_encoding, wrong_structure,
                record_too_large, too_deep, too_many_attributes, too_many_namespaces, name_too_long.
        """
        waited = 0
        for data in self._chunks():
            self._feed(data)
            waited += len(data)
            self._check(data)
            if self.container is not None and len(self.container) > 1:
                waited = 0
                yield self.container
                _drop_read(self.container)
                self.attributes = self._equals  # the last child may have begun in these bytes
            if self._guard:
                self._guard.check_wait(waited)
        root = self._close()
        if self.container is None:
            raise _wrong(f"no {'/'.join(self._path)} with records; the root is {_local(root)[:LONGEST_ROOT]}")
        self.finished = True
        yield self.container

    def root(self) -> etree._Element:
        """Return the root of what has been read."""
        if self.container is None:
            raise ValueError("the container has not started")
        root = self.container
        while (parent := root.getparent()) is not None:
            root = parent
        return root

    @property
    def mismatched(self) -> bool:
        """Whether a byte order mark proved another encoding than the declared one."""
        return any(entry.type_name == "WAR_ENCODING_MISMATCH" for entry in self._parser.feed_error_log)

    def _chunks(self) -> Iterator[bytes]:
        """Yield the bytes; the first ones are looked at as a whole, however small the chunks are."""
        head = b""
        while len(head) < _HEAD and (data := self._source.read(max(self._chunk, _HEAD))):
            head += data
        _refuse_doctype_of_prolog(head)
        refuse_impossible_encoding(head)
        self._declared = declared_encoding(head)
        for start in range(0, len(head), self._chunk):
            yield head[start : start + self._chunk]
        while data := self._source.read(self._chunk):
            yield data

    def _check(self, data: bytes) -> None:
        """Hold what is not yet read against the limits, after these bytes."""
        before, self._equals = self._equals, b"=" in data  # a tag may begin in the bytes before
        self.attributes = self.attributes or before or self._equals
        if self._guard and self.container is not None:
            self._guard.check(self.container, attributes=self.attributes, namespaces=self.namespaces)

    def _feed(self, data: bytes) -> None:
        window = self._tail + data
        self.namespaces = self.namespaces or b"xmlns" in window or b"x\0m\0l\0n\0s" in window
        self._tail = window[-16:]
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError:
            raise self._malformed() from None
        # After an undeclared entity nothing is raised, and the next feed would start another document.
        if self._fault() is not None:
            raise self._malformed()
        for _, element in self._parser.read_events():
            if isinstance(element, etree._Element):
                self._started(element)

    def _started(self, element: etree._Element) -> None:
        path = [_local(element), *map(_local, element.iterancestors())]
        _refuse_doctype(element)
        if tuple(reversed(path)) != self._path:
            return
        if self.container is not None:
            raise _wrong(f"a second {self._path[-1]}, at line {line_of(element)}")
        self.container = element

    def _close(self) -> etree._Element:
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError:
            raise self._malformed() from None
        _refuse_doctype(root)
        return root

    def _fault(self) -> etree._LogEntry | None:
        log = self._parser.feed_error_log
        return next((entry for entry in log if entry.level >= etree.ErrorLevels.ERROR), None)

    def _malformed(self) -> QuarantineError:
        """Name the fault by libxml2's own term: its message may quote the file, its term never does."""
        fault = self._fault()
        if fault is None:
            return QuarantineError(QuarantineCode.NOT_WELL_FORMED, "the XML is empty")
        place = f"line {fault.line}, column {fault.column}"
        code = _CODES.get(fault.type_name, QuarantineCode.NOT_WELL_FORMED)
        if code is QuarantineCode.RECORD_TOO_LARGE and fault.message.startswith("Excessive depth"):
            code = QuarantineCode.TOO_DEEP
        declared = in_words(self._declared)
        reasons = {
            QuarantineCode.WRONG_ENCODING: f"bytes at {place} are not in the declared encoding: {declared}",
            QuarantineCode.UNKNOWN_ENCODING: f"the encoding declared at {place} is unknown: write UTF-8",
        }
        term = fault.type_name.removeprefix("ERR_").replace("_", " ").lower()
        return QuarantineError(code, reasons.get(code, f"the XML breaks at {place}: {term}"))


_CODES = {
    "ERR_INVALID_ENCODING": QuarantineCode.WRONG_ENCODING,
    "ERR_UNSUPPORTED_ENCODING": QuarantineCode.UNKNOWN_ENCODING,
    "ERR_UNKNOWN_ENCODING": QuarantineCode.UNKNOWN_ENCODING,
    "ERR_NAME_TOO_LONG": QuarantineCode.NAME_TOO_LONG,
    "ERR_RESOURCE_LIMIT": QuarantineCode.RECORD_TOO_LARGE,
}
"""What libxml2 finds -> why the file is refused; all else is not well-formed."""


class _Guard:
    """Holds what has been read against a merchant's limits, so that memory and time stay bounded."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._too_deep = etree.XPath(f"boolean({'/*' * (limits.depth + 1)})")
        self._too_many_attributes = etree.XPath(f"boolean(//@*[{limits.attributes + 1}])")

    def check(self, container: etree._Element, *, attributes: bool, namespaces: bool) -> None:
        """Refuse what is deeper or wider than the limits.

        Args:
            container: In the tree of what is not yet read.
            attributes: Whether there may be any.
            namespaces: Whether there may be any.
        """
        limits = self._limits
        if self._too_deep(container):
            reason = f"elements lie more than {limits.depth} deep within each other; see limits.depth"
            raise QuarantineError(QuarantineCode.TOO_DEEP, reason)
        if attributes and self._too_many_attributes(container):
            reason = f"an element has more than {limits.attributes} attributes; see limits.attributes"
            raise QuarantineError(QuarantineCode.TOO_MANY_ATTRIBUTES, reason)
        if namespaces and len(container.nsmap) > limits.namespaces:
            reason = f"more than {limits.namespaces} namespaces are declared; see limits.namespaces"
            raise QuarantineError(QuarantineCode.TOO_MANY_NAMESPACES, reason)

    def check_wait(self, waited: int) -> None:
        """Refuse a file in which no record ends for too long, over `waited` bytes."""
        if waited > self._limits.record_bytes + _START:
            reason = f"{self._limits.record_bytes} bytes without the end of a record; see limits.record_bytes"
            raise QuarantineError(QuarantineCode.RECORD_TOO_LARGE, reason)


def _drop_read(container: etree._Element) -> None:
    """Drop every child before the last element."""
    last = last_child(container)
    if last is not None:
        del container[: container.index(last)]


def last_child(container: etree._Element) -> etree._Element | None:
    """Return the last element of a container, which may still be open; comments may follow it."""
    return next(container.iterchildren("*", reversed=True), None)


def line_of(element: etree._Element) -> int:
    """Return the line on which an element starts."""
    line = element.sourceline
    return line if isinstance(line, int) else 0


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _wrong(reason: str) -> QuarantineError:
    return QuarantineError(QuarantineCode.WRONG_STRUCTURE, reason)


def _refuse_doctype(element: etree._Element) -> None:
    """Refuse any DOCTYPE: entities could expand without end, or read what is none of the file's business."""
    if element.getroottree().docinfo.internalDTD is not None:
        raise _doctype()


def _doctype() -> QuarantineError:
    return QuarantineError(QuarantineCode.DOCTYPE, "the XML has a DOCTYPE, which no feed needs")


def _refuse_doctype_of_prolog(head: bytes) -> None:
    """Find a DOCTYPE before a parser reads it, so that neither its entities nor other faults come first."""
    if _DOCTYPE.match(head.lstrip(_MARKS).replace(b"\0", b"")):
        raise _doctype()
