"""Parses XML and reads plain records in bulk; the parser's target gets only the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, cast

from lxml import etree

from erp_feeds.xml.feed import SAFE, doctype_error
from erp_feeds.xml.plain import PlainRecords, Shape, plain_records

BULK = 16 << 10
"""Smallest section of text, in bytes, whose plain records are read in bulk: for less it does not pay."""
_SAMPLE = 64 << 10
"""Bytes at the start of a file that show what kind of records it has."""
_CONSTRUCT = re.compile(rb"<[!?]")
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}


def mostly_plain(head: bytes, shape: Shape) -> bool:
    """Return whether most records seem to be plain: otherwise searching for plain ones does not pay."""
    begin = b"<" + shape.record
    _, first, records = head[:_SAMPLE].partition(begin)
    odd = sum(records.count(each) for each in (b"<!", b"<?", b'="', b"='", b"&#"))
    return bool(first) and odd * 2 <= 1 + records.count(begin)


class BulkTarget(Protocol):
    """Target of a parser that takes plain records in bulk too."""

    @property
    def is_between_records(self) -> bool:
        """Whether the parser stands where a record may begin."""

    def take_plain(self, found: PlainRecords, feed_odd: Callable[[int, int], None]) -> None:
        """Take the plain records of a section; `feed_odd` parses what lies between two places of it."""


class _Checker:
    """Target without events: its parser checks that the text is well-formed, at the lowest cost."""

    def doctype(self, *_: str | None) -> None:
        raise doctype_error()

    def close(self) -> None:
        pass


class BulkParser:
    """Parses in two ways at once: one parser checks all of the text, another reads what is not plain.

    It has the methods of an lxml parser that `feed` needs. The text must be UTF-8.
    """

    def __init__(self, target: BulkTarget, shape: Shape, bulk: int = BULK) -> None:
        self._checker = etree.XMLParser(target=cast(Any, _Checker()), **SAFE)
        self._reader = parser_for(target)
        self._target = target
        self._shape = shape
        self._bulk = bulk
        self._mark = re.compile(rb"<!--|<!\[CDATA\[|<\?|</%b[\s>]" % re.escape(shape.record))
        self._rest = b""
        """Text that is not read yet; it begins outside of tags, comments and the like."""

    @property
    def feed_error_log(self) -> Any:
        """What is wrong with the text so far."""
        return self._checker.feed_error_log

    def feed(self, data: bytes) -> None:
        """Parse the next piece.

        Raises:
            XMLSyntaxError: The text is not well-formed.
        """
        text = self._rest + data
        self._rest = b""
        try:
            self._checker.feed(data)
        except etree.XMLSyntaxError:
            self._reader.feed(text)  # an error that the target finds before that place comes first
            raise
        try:
            self._rest = self._read(text)
        except etree.XMLSyntaxError:
            self._checker.close()  # its message about that place is better
            raise

    def _read(self, text: bytes) -> bytes:
        """Read what can be read now; return the rest."""
        place = again = 0
        while place < len(text):
            if place >= again and self._target.is_between_records:
                place, again = self._read_bulk(text, place)
            end = self._end_of_odd(text, place)
            if end < 0:
                break
            self._reader.feed(text[place:end])
            place = end
        return text[place:]

    def close(self) -> None:
        """End the document."""
        try:
            self._checker.close()
        finally:  # an error that the target finds earlier comes first
            if self._rest:
                self._reader.feed(self._rest)
            self._reader.close()

    def _end_of_odd(self, text: bytes, place: int) -> int:
        """Return the place after the next end of a record, or of a comment and the like; -1 for none."""
        found = self._mark.search(text, place)
        if not found:
            return -1
        closing = _ENDS.get(found[0])
        if closing is None:
            return text.find(b">", found.end() - 1) + 1 or -1
        at = text.find(closing, found.end())
        return at + len(closing) if at >= 0 else -1

    def _read_bulk(self, text: bytes, place: int) -> tuple[int, int]:
        """Read the children that are whole before the next comment and the like.

        Returns:
            The place after them, and the place from which there may be more.
        """
        construct = _CONSTRUCT.search(text, place)
        end = construct.start() if construct else len(text)
        if end - place < self._bulk:
            return place, end
        section = text[place:end]
        found = plain_records(section, self._shape)
        if found is None:
            return place, end
        self._target.take_plain(found, lambda start, stop: self._reader.feed(section[start:stop]))
        return place + int(found.end[-1]), end


def parser_for(target: Any) -> Any:
    """Return an lxml parser that calls the methods of a target."""
    return etree.XMLParser(target=target, remove_comments=True, remove_pis=True, **SAFE)
