"""Ways to break an XML export, as bad disks, careless exporters and attackers do."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from erp_feeds.interfaces.spec import Interface

Way = Callable[[random.Random, bytes], bytes]
"""Takes a source of chance and a document; returns it broken, or whole where there is nothing to break."""
XSI = "http://www.w3.org/2001/XMLSchema-instance"

VALUES = (
    *("", " ", "0", "-1", "1e5", "1.23E+05", "NaN", "INF", ".5", "5.", "1,000", "1,00", "--1", "100.01"),
    *("12345678901234567.89", "0" * 400 + "1", "9" * 400, "-0", "00000", "1" * 201, "\u0661\u0662"),
    *("2017-02-29", "0001-01-01", "9999-12-31", "0000-00-00", "31-12-2016", "2017-01-05 11:53", "T"),
    *("2017-03-26T02:30:00", "2017-10-29T02:30:00", "2017-01-05T24:00:00", "2017-01-05T11:53:26+14:00"),
    *("a@b", "a@b.nl", "A@B.NL", "@", "a" * 300 + "@b.nl", "a@xn--b.nl", "\u00e9@\u00e9.nl", "ja", "maybe"),
    *(
        "'",
        '"',
        "\\",
        "&amp;",
        "&#9;",
        "&#10;",
        "&#13;",
        "&#0;",
        "&#x1F;",
        "&#xD800;",
        "&#x10FFFF;",
        "&nope;",
    ),
    *("\u00a0", "\u200b", "\ufeff", "\U0001f600", "e\u0301", "\u202e", "\x85", "\u2028", "=", "  =", "  a=b"),
    *(
        "<![CDATA[x]]>",
        "<![CDATA[]]>",
        "<![CDATA[<]]>",
        "a<!-- c -->b",
        "<?p i?>",
        "<b>1</b>",
        "]]>",
        "<",
        "&",
    ),
    *("#N/A", "null", "%s", "{}", '{"a":1}', "2147483648", "9223372036854775808", "\t\t", "\n\n", "#", "##"),
)
TAGS = (
    "a",
    "x:a",
    "Customer",
    "Customers",
    "Line",
    "Lines",
    "Transaction",
    "Version",
    "Importer",
    "\u00e9",
    "1",
    "-",
)
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037", "utf-7")
DECLARED = (
    "UTF-8",
    "utf-16",
    "ISO-8859-1",
    "windows-1252",
    "UTF-7",
    "UCS-4",
    "EBCDIC-CP-US",
    "none",
    "",
    "x" * 99,
)
DOCTYPES = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE r SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://localhost/x"> %p;]>',
    "<!DOCTYPE",
    "<!DOCTYPE r [",
)
_TEXT = re.compile(rb">([^<>]*)</")
_ELEMENT = re.compile(rb"<([^\s<>/?!]+)[^<>]*>[^<>]*</\1>")
_TAG = re.compile(rb"</?([^\s<>/?!]+)")
_OPENING = re.compile(rb"<[^\s<>/?!]+")


def spot(chance: random.Random, pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    """Return one of the places that look like the pattern, if there is any."""
    found = list(pattern.finditer(data))
    return chance.choice(found) if found else None


def put(data: bytes, start: int, end: int, new: bytes) -> bytes:
    """Return the bytes with a stretch replaced."""
    return data[:start] + new + data[end:]


def flip(chance: random.Random, data: bytes) -> bytes:
    """Change a few bytes, as a bad disk does."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8)) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.choice(
            (0, 9, 60, 62, 38, 255, chance.randrange(256))
        )
    return bytes(changed)


def cut(chance: random.Random, data: bytes) -> bytes:
    """Stop in the middle, as a broken upload does."""
    return data[: chance.randrange(len(data) + 1)]


def slice_gone(chance: random.Random, data: bytes) -> bytes:
    """Lose a stretch."""
    start = chance.randrange(len(data) + 1)
    return put(data, start, start + chance.choice((1, 16, 300)), b"")


def slice_again(chance: random.Random, data: bytes) -> bytes:
    """Repeat a stretch elsewhere: records in records, a second root, half tags."""
    start, at = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
    return put(data, at, at, data[start : start + chance.choice((1, 40, 900))])


def _value(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _TEXT, data)
    return put(data, *place.span(1), chance.choice(VALUES).encode()) if place else data


def _long_value(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _TEXT, data)
    text = chance.choice(("x", "9", " ", "\u20ac", "a@", "&amp;", ",1", "\\")) * chance.choice(
        (300, 5_000, 60_000)
    )
    return put(data, *place.span(1), text.encode()) if place else data


def _element_gone(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _ELEMENT, data)
    return put(data, *place.span(), b"") if place else data


def _element_again(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _ELEMENT, data)
    return put(data, place.end(), place.end(), place.group() * chance.choice((1, 2, 50))) if place else data


def _element_empty(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _ELEMENT, data)
    nil = f' xmlns:xsi="{XSI}" xsi:nil="true"'.encode()
    return (
        put(data, *place.span(), b"<" + place.group(1) + chance.choice((b"", nil)) + b"/>") if place else data
    )


def _renamed(chance: random.Random, data: bytes) -> bytes:
    """Give one tag, or both tags of all elements of that name, another name."""
    place = spot(chance, _TAG, data)
    if not place:
        return data
    new = chance.choice((*TAGS, place.group(1).decode(errors="replace").lower())).encode()
    if chance.random() < 0.3:
        return put(data, *place.span(1), new)
    return re.sub(
        rb"(</?)" + re.escape(place.group(1)) + rb"(?=[\s>/])", lambda found: found.group(1) + new, data
    )


def _attribute(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _OPENING, data)
    some = (
        "a='1'",
        "a='1' a='2'",
        "xmlns='urn:x'",
        "xmlns:x='urn:x'",
        "xmlns=''",
        "x:a='1'",
        "a=",
        "xml:space='preserve'",
    )
    return put(data, place.end(), place.end(), b" " + chance.choice(some).encode()) if place else data


def _nested(chance: random.Random, data: bytes) -> bytes:
    place = spot(chance, _TEXT, data)
    depth = chance.choice((1, 30, 255, 257, 5_000))
    inner = b"<d>" * depth + b"</d>" * (depth - chance.choice((0, 0, 1))) if place else b""
    return put(data, *place.span(1), inner) if place else data


def _not_scanned(chance: random.Random, data: bytes) -> bytes:
    """Put in what is no element: comments, instructions, stray text."""
    place = spot(chance, _TAG, data)
    some = (
        "<!-- -->",
        "<!-- -- -->",
        "<!--",
        "<?x y?>",
        "<?xml version='1.0'?>",
        "stray",
        "<![CDATA[x]]>",
        "&x;",
        "\0",
    )
    return put(data, place.start(), place.start(), chance.choice(some).encode()) if place else data


def _doctype(chance: random.Random, data: bytes) -> bytes:
    at = data.find(b"?>") + 2 if chance.random() < 0.9 else 0
    padding = b" " * chance.choice((0, 0, 70_000))
    return put(data, at, at, padding + chance.choice(DOCTYPES).encode())


def _encoded(chance: random.Random, data: bytes) -> bytes:
    """Write the document in an encoding that it declares, or does not."""
    text = data.decode(errors="replace").replace("\ufffd", "?")
    encoding = chance.choice(ENCODINGS)
    if chance.random() < 0.6:
        text = text.replace("UTF-8", encoding, 1)
    return text.encode(encoding, "replace")


def _declared(chance: random.Random, data: bytes) -> bytes:
    return data.replace(b"UTF-8", chance.choice(DECLARED).encode(), 1)


def bomb(chance: random.Random, interface: Interface) -> bytes:
    """Make some megabytes of one thing, which a zip makes tiny."""
    root, *containers, record = interface.record_path
    before = "".join(f"<{name}>" for name in (root, *containers))
    filler = chance.choice(
        (f"<{record}/>", f"<{record}>", "<x/>", "x", " ", f"<{record}><x>", "<!-- -->", "&lt;")
    )
    return before.encode() + filler.encode() * (chance.choice((2, 24)) * (1 << 20) // len(filler))


XML_WAYS: tuple[Way, ...] = (
    *(flip, cut, slice_gone, slice_again, _element_gone, _element_again, _element_empty, _renamed),
    *(_attribute, _nested, _not_scanned, _doctype, _encoded, _declared, _long_value),
    *(_value, _value, _value, _value),
)
