"""A member of a zip as it is read: metered, and what is wrong with it is a reason for quarantine."""

from __future__ import annotations

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.merchant import Limits

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
HEAD = 64
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError)
"""What zipfile raises on damaged bytes."""


DAMAGE_IN_WORDS = {
    "is not a zip file": "its end is missing",
    "Truncated": "it ends too early",
    "Bad CRC-32": "a checksum is wrong",
    "Bad magic number": "a part of it is not where its directory says",
    "Bad offset": "a part of it is not where its directory says",
    "Overlapped entries": "its members overlap",
    "differ": "its directory and a member do not have the same name",
    "multiple disks": "it is only a part of a split zip",
    "Corrupt": "its directory is damaged",
}
"""Parts of zipfile's messages, which speak to programmers and quote names of members: what each means."""


class Meter:
    """Counts the unzipped bytes of one file, whatever its headers promise."""

    def __init__(self, zipped: int, limits: Limits) -> None:
        self._zipped = max(zipped, 1)
        self._limits = limits
        self._total = 0

    def add(self, count: int) -> None:
        """Count some bytes.

        Raises:
            QuarantineError: These are more than the limits allow.
        """
        self._total += count
        if self._total > self._limits.unzipped_bytes:
            reason = f"unzips to more than {self._limits.unzipped_bytes} bytes; see limits.unzipped_bytes"
            raise QuarantineError(QuarantineCode.TOO_LARGE, reason)
        if self._total > self._zipped * self._limits.ratio:
            reason = f"unzips to more than {self._limits.ratio} times its size; see limits.ratio"
            raise QuarantineError(QuarantineCode.TOO_COMPRESSED, reason)


class MeteredMember(io.RawIOBase):
    """A member of a zip: each read counts against the limits, and errors become quarantine reasons."""

    def __init__(self, source: IO[bytes], name: str, meter: Meter) -> None:
        self.name = name
        self._source = source
        self._meter = meter
        self._head = b""

    def readable(self) -> bool:
        """Return True, as of any file that is read."""
        return True

    def check_not_nested(self, called: str) -> None:
        """Quarantine a zip that is named like XML; `called` is its name for the message."""
        self._head = self.read(HEAD)
        if self._head.startswith(ZIP_STARTS):
            raise QuarantineError(QuarantineCode.NESTED_ZIP, f"{called} is itself a zip")

    def read(self, size: int = -1, /) -> bytes:
        """Read a block.

        Raises:
            QuarantineError: the zip is damaged, or the limits are passed.
        """
        if size is None or size < 0:
            return self.readall()
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        with zip_errors():
            block = self._source.read(size)
        self._meter.add(len(block))
        return block

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, as `read` does."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def damage_in_words(error: Exception) -> str:
    """Return what is wrong with a zip for somebody who does not know Python."""
    if isinstance(error, EOFError):
        return "it ends too early"
    if isinstance(error, zlib.error):
        return "a member cannot be unzipped"
    if isinstance(error, NotImplementedError):
        return "it uses a part of the format that nobody needs here"
    known = (words for part, words in DAMAGE_IN_WORDS.items() if part in str(error))
    return next(known, "its parts do not fit together")


@contextmanager
def zip_errors() -> Iterator[None]:
    """Turn what zipfile finds wrong into a quarantine; a missing directory or checksum means a cut upload."""
    try:
        yield
    except DAMAGE as error:
        raise QuarantineError(
            QuarantineCode.TRUNCATED, f"the zip is cut or damaged ({damage_in_words(error)})"
        ) from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        reason = "the zip is cut or damaged (it points before its own start)"
        raise QuarantineError(QuarantineCode.TRUNCATED, reason) from None
