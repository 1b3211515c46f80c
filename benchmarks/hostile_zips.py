"""Ways to build a zip that no feed should hold, and to break one with knowledge of its headers."""

from __future__ import annotations

import io
import random
import re
import struct
import warnings
import zipfile

from erp_feeds.interfaces.spec import Interface
from hostile_xml import Way, cut, flip, put, slice_again, slice_gone, spot

SHOP = "Fuzz"
LARGE = 1 << 20
"""Bytes from which a document comes alone: the memory under test is the reader's, not the maker's."""
NAMES = (
    *(
        "a.xml",
        "readme.txt",
        "folder/",
        "folder/b.xml",
        "../up.xml",
        "/root.xml",
        "C:\\x.xml",
        "a\\..\\b.xml",
    ),
    *(
        "__MACOSX/._a.xml",
        "Thumbs.db",
        "inner.zip",
        "x" * 300 + ".xml",
        "\u00e9.xml",
        "",
        ".",
        ".xml",
        "nul\0.xml",
    ),
    *("Other_ErpCache_Customers_1.xml", "Other_SRS_Customers_1.xml"),
)


def zipped(chance: random.Random, interface: Interface, data: bytes) -> bytes:
    """Zip the document, at times beside other members and by methods that no feed may use."""
    packed = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(packed, "w") as archive:
        names = [interface.file_name(SHOP, "1", "xml")]
        others = chance.choice((0, 0, 0, 1, 2)) if len(data) < LARGE else 0
        for _ in range(others):
            names.append(chance.choice((*NAMES, *names, interface.file_name(SHOP, "2", "xml"))))
        chance.shuffle(names)
        for name in names:
            info = zipfile.ZipInfo(name)
            info.compress_type = chance.choice(
                (*[zipfile.ZIP_DEFLATED] * 12, *[zipfile.ZIP_STORED] * 4, 12, 14)
            )
            archive.writestr(info, data)
        archive.comment = b"c" * chance.choice((0, 0, 0, 9, 65_535))
    return packed.getvalue()


HEADERS = ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46), (b"PK\x05\x06", 22))
"""Signature and length of a zip's local headers, directory entries and end."""


def _header_field(chance: random.Random, data: bytes) -> bytes:
    """Write a telling number over one field of a header: flags, method, sizes, offsets, counts, lengths."""
    signature, length = chance.choice(HEADERS)
    place = spot(chance, re.compile(re.escape(signature)), data)
    if not place:
        return data
    form = chance.choice(("<H", "<I"))
    top = (1 << 8 * struct.calcsize(form)) - 1
    value = chance.choice(
        (0, 1, 2, 8, 9, 0x800, 0x801, top, top - 1, top // 2, len(data) & top, chance.randrange(top))
    )
    at = place.start() + 4 + 2 * chance.randrange((length - 6) // 2)
    return put(data, at, at + struct.calcsize(form), struct.pack(form, value))


def _name_bytes(chance: random.Random, data: bytes) -> bytes:
    """Write over a part of a member's name, in one of its two places or in both."""
    new = chance.choice((b"\0", b"/", b"..", b"\xff\xfe", b"\\", b"\n", b"PK"))
    old = chance.choice((b"Fuzz", b".xml", b"Customers", b"SRS"))
    return data.replace(old, new.ljust(len(old), b"x"), chance.choice((1, 2, -1)))


def _prefixed(chance: random.Random, data: bytes) -> bytes:
    return chance.choice((b"\0", b"PK", b"MZ" * 40, b"PK\x03\x04", b"<?xml?>", b"PK\x07\x08")) + data


def _followed(chance: random.Random, data: bytes) -> bytes:
    return data + chance.choice((b"\0" * 9, data, b"PK\x05\x06", b"PK\x06\x06" + b"\0" * 60, b"x" * 70_000))


ZIP_WAYS: tuple[Way, ...] = (
    *(flip, cut, slice_gone, slice_again, _name_bytes, _prefixed, _followed),
    *(_header_field, _header_field, _header_field),
)
