"""What a zip says of its own directory, read before zipfile makes an object of every entry."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, NamedTuple

ENTRY = b"PK\x01\x02"
END, END_SIZE = b"PK\x05\x06", 22
LOCATOR, LOCATOR_SIZE = b"PK\x06\x07", 20
END_64, END_64_SIZE = b"PK\x06\x06", 56
COMMENT = 0xFFFF
"""Bytes that a comment behind the end record may have."""
ELSEWHERE = (0xFFFF, 0xFFFFFFFF)
"""Stand in the end record for numbers that only the one of zip64 can hold."""


class Directory(NamedTuple):
    """How large the directory of a zip is, and what stands behind the zip."""

    entries: int
    """As the zip says; zipfile does not go by it."""
    size: int
    """Bytes; zipfile reads entries until they are used up."""
    end: int
    """Place of the first byte behind it, which is that of the end records."""
    behind: bytes
    """What follows the comment of the zip, up to 64 KiB."""


def directory_of(original: BinaryIO) -> Directory | None:
    """Return what the end records say; None where there are none: zipfile then says what is wrong."""
    size = original.seek(0, os.SEEK_END)
    start = max(0, size - END_SIZE - COMMENT - LOCATOR_SIZE)
    original.seek(start)
    tail = original.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_SIZE:
        return None
    entries, length, _, comment = struct.unpack("<HLLH", tail[at + 10 : at + END_SIZE])
    found = Directory(entries, length, start + at, tail[at + END_SIZE + comment :])
    if found.entries != ELSEWHERE[0] and found.size != ELSEWHERE[1]:
        return found
    locator = tail[max(0, at - LOCATOR_SIZE) : at]
    if not locator.startswith(LOCATOR):
        return found
    # zipfile looks right before the locator too, whatever place that names.
    place = max(0, start + at - LOCATOR_SIZE - END_64_SIZE)
    original.seek(place)
    end = original.read(END_64_SIZE)
    if not end.startswith(END_64):
        return found
    entries, length = struct.unpack("<QQ", end[32:48])
    return Directory(entries, length, place, found.behind)


def ends_with_zip(original: BinaryIO) -> bool:
    """Return whether a zip with members ends the file, whatever the file begins with."""
    found = directory_of(original)
    if not found or found.size > found.end:
        return False
    original.seek(found.end - found.size)
    return original.read(len(ENTRY)) == ENTRY
