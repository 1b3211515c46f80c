"""Reads XML of any size in one conforming pass, holding only the records that are not yet read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from erp_feeds.errors import QuarantineCode, QuarantineError
from erp_feeds.interfaces.spec import Interface

CHUNK = 2 << 20
"""Bytes fed at a time: larger ones cost memory, smaller ones time."""

PATIENCE = 16 << 20
"""Bytes without one complete record after which a file is refused: memory stays bounded whatever comes."""

_PROLOG = 64 << 10
_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


class RecordStream:
    """One XML member: iterate to see its container again and again, each time with new closed records.

    Every child but the last is complete. Between two looks the read ones are dropped from the container.
    At the last look (`finished`) the last child is complete too.
    """

    def __init__(
        self, source: BinaryIO, interface: Interface, *, chunk: int = CHUNK, comments: bool = False
    ) -> None:
        self._source = source
        self._path = interface.record_path[:-1]
        self._chunk = chunk
        self._parser = etree.XMLPullParser(
            events=("start",), tag=tuple(f"{{*}}{name}" for name in self._path), remove_comments=not comments,
            remove_pis=not comments, **_SAFE,
        )  # fmt: skip
        self._tail = b""
        self.container: etree._Element | None = None
        self.finished = False
        self.namespaces = False
        """Whether a namespace may be declared somewhere in what was read so far."""

    def __iter__(self) -> Iterator[etree._Element]:
        """Yield the container whenever it holds closed records, and once at the end.

        Raises:
            QuarantineError: doctype, not_well_formed, wrong_structure, too_large.
        """
        waited = 0
        first = True
        while data := self._source.read(self._chunk):
            if first:
                _refuse_doctype_of_prolog(data[:_PROLOG])
                first = False
            self._feed(data)
            waited += len(data)
            if self.container is not None and len(self.container) > 1:
                waited = 0
                yield self.container
                _drop_read(self.container)
            if waited > PATIENCE:
                raise QuarantineError(
                    QuarantineCode.TOO_LARGE, f"{PATIENCE >> 20} MiB without a complete record"
                )
        root = self._close()
        if self.container is None:
            raise _wrong(f"no {'/'.join(self._path)} with records; the root is {_local(root)}")
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
        term = fault.type_name.removeprefix("ERR_").replace("_", " ").lower()
        return QuarantineError(
            QuarantineCode.NOT_WELL_FORMED,
            f"the XML breaks at line {fault.line}, column {fault.column}: {term}",
        )


def _drop_read(container: etree._Element) -> None:
    """Drop every child before the last element; comments may follow that one."""
    last = next(container.iterchildren("*", reversed=True), None)
    if last is not None:
        del container[: container.index(last)]


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
        raise QuarantineError(QuarantineCode.DOCTYPE, "the XML has a DOCTYPE, which no feed needs")


def _refuse_doctype_of_prolog(head: bytes) -> None:
    """Find a DOCTYPE before anything else is read, so that no other fault of the file can hide it."""
    parser = etree.XMLParser(recover=True, **_SAFE)
    try:
        parser.feed(head)
        root = parser.close()
    except etree.XMLSyntaxError:
        return
    if root is not None:
        _refuse_doctype(root)
