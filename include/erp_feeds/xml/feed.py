"""Feeds XML to libxml2 by pieces, and says what it found wrong, without the text of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.xml.encoding import check_encoding, declared_encoding, in_words

CHUNK = 2 << 20
"""Bytes fed at a time: larger ones cost memory, smaller ones time."""
SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_HEAD = 64 << 10
_DOCTYPE = re.compile(rb"(?:\s++|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_MARKS = b"\xef\xbb\xbf\xff\xfe\0"

_CODES = {
    "ERR_INVALID_ENCODING": QuarantineCode.WRONG_ENCODING,
    "ERR_UNSUPPORTED_ENCODING": QuarantineCode.UNKNOWN_ENCODING,
    "ERR_UNKNOWN_ENCODING": QuarantineCode.UNKNOWN_ENCODING,
    "ERR_NAME_TOO_LONG": QuarantineCode.NAME_TOO_LONG,
    "ERR_RESOURCE_LIMIT": QuarantineCode.RECORD_TOO_LARGE,
}
"""What libxml2 finds -> why the file is quarantined; all else is not well-formed."""


def read_head(source: BinaryIO, chunk: int) -> bytes:
    """Read the first bytes of a member, which are looked at as a whole, however small the pieces."""
    head = b""
    while len(head) < _HEAD and (data := source.read(max(chunk, _HEAD))):
        head += data
    return head


def feed(parser: Any, head: bytes, source: BinaryIO, chunk: int = CHUNK) -> Iterator[int]:
    """Feed a member to its end, and close the parser.

    Args:
        parser: An lxml parser, or what has its `feed`, `close` and `feed_error_log`.
        head: The first bytes of the member, as `read_head` reads them.
        source: The others.
        chunk: Bytes fed at a time.

    Yields:
        The number of bytes, after each piece.

    Raises:
        QuarantineError: doctype, not_well_formed, wrong_encoding, unknown_encoding, name_too_long,
            record_too_large, too_deep; and what the parser's target raises.
    """
    if _DOCTYPE.match(head.lstrip(_MARKS).replace(b"\0", b"")):  # before other errors in it are found
        raise doctype_error()
    check_encoding(head)
    declared = declared_encoding(head)
    try:
        for data in _pieces(head, source, chunk):
            parser.feed(data)
            if _error(parser) is not None:  # an undeclared prefix or entity may raise nothing
                raise _malformed(parser, declared)
            yield len(data)
        parser.close()
    except etree.XMLSyntaxError:
        raise _malformed(parser, declared) from None


def believed_mark(parser: Any) -> bool:
    """Return whether a byte order mark proved another encoding than the declared one."""
    return any(entry.type_name == "WAR_ENCODING_MISMATCH" for entry in parser.feed_error_log)


def doctype_error() -> QuarantineError:
    """Return the error of any DOCTYPE: entities could expand without end, or read other files."""
    return QuarantineError(QuarantineCode.DOCTYPE, "the XML has a DOCTYPE, which no feed needs")


def _pieces(head: bytes, source: BinaryIO, chunk: int) -> Iterator[bytes]:
    """Yield the bytes; the first ones were looked at as a whole, however small the pieces are."""
    for start in range(0, len(head), chunk):
        yield head[start : start + chunk]
    while data := source.read(chunk):
        yield data


def _error(parser: Any) -> Any:
    log = parser.feed_error_log
    return next((entry for entry in log if entry.level >= etree.ErrorLevels.ERROR), None)


def _malformed(parser: Any, declared: str) -> QuarantineError:
    """Name the error by libxml2's own term: its message may quote the file, its term never does."""
    error = _error(parser)
    if error is None:
        return QuarantineError(QuarantineCode.NOT_WELL_FORMED, "the XML is empty")
    place = f"line {error.line}, column {error.column}"
    code = _CODES.get(error.type_name, QuarantineCode.NOT_WELL_FORMED)
    if code is QuarantineCode.RECORD_TOO_LARGE and error.message.startswith("Excessive depth"):
        code = QuarantineCode.TOO_DEEP
    said = in_words(declared)
    reasons = {
        QuarantineCode.WRONG_ENCODING: f"bytes at {place} are not in the declared encoding: {said}",
        QuarantineCode.UNKNOWN_ENCODING: f"the encoding declared at {place} is unknown: write UTF-8",
    }
    term = error.type_name.removeprefix("ERR_").replace("_", " ").lower()
    return QuarantineError(code, reasons.get(code, f"the XML breaks at {place}: {term}"))
