"""What the first bytes of an XML file prove about its encoding, before a parser reads them wrongly."""

from __future__ import annotations

import codecs
import re

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF8: "UTF-8",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_WIDE_STARTS = (b"<\0", b"\0<")
"""How a document begins in UTF-16."""
_WIDE_NAMES = re.compile(r"utf-?16|utf-?32|ucs-?[24]|iso-10646-ucs", re.IGNORECASE)
"""Encodings of more than one byte a character: a declaration that can be read byte by byte disproves them."""
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")


def check_encoding(head: bytes) -> None:
    """Quarantine what no parser can read as it is declared, and say so better than a parser would.

    Where a byte order mark and the declaration differ, the parser believes the mark, which cannot be wrong.

    Args:
        head: The first bytes of the file.

    Raises:
        QuarantineError: wrong_encoding, unknown_encoding.
    """
    mark = next((name for bytes_, name in _MARKS.items() if head.startswith(bytes_)), None)
    if mark == "UTF-32":
        raise QuarantineError(
            QuarantineCode.UNKNOWN_ENCODING, "the XML is in UTF-32, which is not read: write UTF-8"
        )
    declared = declared_encoding(head)
    if mark:
        return
    if head.startswith(_WIDE_STARTS) and not declared:
        reason = "the XML is in UTF-16, but has neither a byte order mark nor a declaration that says so"
        raise QuarantineError(QuarantineCode.WRONG_ENCODING, reason)
    if not head.startswith(_WIDE_STARTS) and declared and _WIDE_NAMES.match(declared):
        said = in_words(declared)
        reason = f"line 1 declares {said}, but the bytes are in an encoding with one byte a character"
        raise QuarantineError(QuarantineCode.WRONG_ENCODING, reason)


def declared_encoding(head: bytes) -> str:
    """Return the encoding that the XML declaration names, '' where there is none."""
    for mark in _MARKS:
        head = head.removeprefix(mark)
    found = _DECLARATION.match(head.replace(b"\0", b""))
    return found[1].decode("ascii") if found else ""


def is_utf8(head: bytes) -> bool:
    """Return whether the file says to be UTF-8, or ASCII, by mark or by declaration."""
    if head.startswith(_WIDE_STARTS) or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    return declared_encoding(head).lower() in ("", "utf-8", "us-ascii")


def in_words(declared: str) -> str:
    """Return a declared encoding for a message: only a known name, since a file may declare any text."""
    if not declared:
        return "none, which means UTF-8"
    try:
        codecs.lookup(declared)
    except LookupError:
        wide = _WIDE_NAMES.match(declared)  # Python does not know UCS-4
        return wide[0] if wide else "one of an unknown name"
    return declared
