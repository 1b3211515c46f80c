"""A file on its way from the server: how far it has come, and whether it is still the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pycurl

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.ftps.connection import Extras
from erp_feeds.ftps.errors import ChangedError, CurlError, FileGoneError, FileRefusedError, RaggedEndError
from erp_feeds.ftps.folder import is_gone
from erp_feeds.ftps.session import NOTHING_KNOWN, FileStat, Session

PROGRESS_SECONDS = 10.0
"""Seconds between two lines of the log about a transfer."""


@dataclass
class Transfer:
    """How far a file has come."""

    path: str
    log: Any
    extras: Extras
    """Of the connection, for its limits."""
    received: int = 0
    """Bytes."""
    complete: bool = False
    first: FileStat | None = None
    """Size and time when the transfer began."""
    knows_rest: bool = True
    """False once the server has refused to send only the rest of a file."""

    def __post_init__(self) -> None:
        self._began = self._logged = time.monotonic()

    @property
    def size(self) -> int | None:
        """Bytes, as the server sent them when the transfer began."""
        return self.first and self.first[0]

    @property
    def limit(self) -> int:
        """Most bytes to take: the size of the file, where the server gives it."""
        return int(self.extras.max_file_mb * 1_000_000) if self.size is None else self.size

    def seconds_left(self) -> float:
        """Return how long all of it may still take, at the minimal rate."""
        allowed = self.extras.operation_timeout + self.limit / self.extras.min_rate
        return self._began + allowed - time.monotonic()

    def expect(self, stat: FileStat) -> None:
        """Reject a file that is no longer the one whose transfer began, or is larger than allowed."""
        self.first = self.first or stat
        if stat != self.first:
            raise self._changed()
        if self.size is not None and self.size > self.extras.max_file_mb * 1_000_000:
            raise self._too_large()

    def can_go_on(self) -> bool:
        """Return whether the rest may be requested: not where the name could be another file's by now."""
        is_same = self.knows_rest and self.first is not None and None not in self.first
        return (is_same or not self.received) and self.seconds_left() > 0

    def finish(self, stat: FileStat) -> None:
        """Mark the transfer as complete when every byte is there, and the file is unchanged or gone by now.

        A file that is removed after its last byte was read is complete, and could not be fetched again.
        """
        if stat not in {NOTHING_KNOWN, self.first}:
            raise self._changed()
        if self.size is not None and self.received != self.size:
            raise RetryError(f"{self.path}: {self.received} of {self.size} bytes came", "short_transfer")
        self.complete = True

    def error_of(self, error: CurlError) -> FeedError | None:
        """Return what an error of libcurl means for this file; None where it is about something else."""
        if error.number == pycurl.E_FILESIZE_EXCEEDED:
            return self._too_large() if self.size is None else self._changed()
        if error.number == pycurl.E_QUOTE_ERROR and self.received:
            self.knows_rest = False
            message = f"{self.path} was cut, and the server does not know REST: only a new download brings it"
            return RetryError(message, "not_resumable")
        return None

    def take(self, block: bytes) -> None:
        """Count a block, and log now and then how far a long transfer is."""
        self.received += len(block)
        now = time.monotonic()
        if now - self._logged >= PROGRESS_SECONDS:
            self._logged = now
            size = self.size
            share = f" of {size / 1e6:,.0f} MB ({self.received / size:.0%})" if size else " MB"
            rate = self.received / 1e6 / (now - self._began)
            self.log.info("%s: %.0f%s, %.1f MB/s", self.path, self.received / 1e6, share, rate)

    def _changed(self) -> ChangedError:
        return ChangedError(f"{self.path} changed while it was fetched", "changed")

    def _too_large(self) -> FailError:
        message = f"{self.path} is larger than {self.extras.max_file_mb:g} MB: see the extra 'max_file_mb'"
        return FailError(message, "too_large")


def missing_bytes(session: Session, transfer: Transfer) -> Iterator[bytes]:
    """Yield the bytes of a file that are still missing, and compare the file with what the server says of it.

    Args:
        session: Logged in.
        transfer: Knows what came before.

    Raises:
        FileGoneError: It is no longer there.
        FileRefusedError: The server refuses to hand it out.
        ChangedError: It is no longer the file whose first bytes came.
        RetryError: It did not come whole.
        CurlError: Anything else.
    """
    path = transfer.path.encode(session.encoding_of(transfer.path))
    transfer.expect(session.stat(path))
    try:
        for block in blocks(session, transfer, path):
            transfer.take(block)
            yield block
    except CurlError as error:
        if error.is_of_the_file:
            raise _refusal(session, transfer.path, error) from None
        raise (transfer.error_of(error) or error) from None
    if session.was_ragged and transfer.received != transfer.size:
        raise RaggedEndError(f"{transfer.path}: the data ended without the end of TLS", "no_close_notify")
    session.open()
    transfer.finish(session.stat(path))


def blocks(session: Session, transfer: Transfer, path: bytes) -> Iterator[bytes]:
    """Yield the bytes after those that have come already."""
    if transfer.received and transfer.received == transfer.size:  # everything came before the error
        return
    deadline = transfer.seconds_left()
    if deadline <= 0:
        raise ChangedError(f"{transfer.path} does not come in time", "too_slow")
    yield from session.read(path, transfer.received, transfer.limit - transfer.received, deadline)


def _refusal(session: Session, path: str, error: CurlError) -> FailError:
    session.open()
    if is_gone(session, path):
        return FileGoneError(f"{path} is no longer there", "vanished")
    message = f"{path}: the server lists it and refuses it with '{error.last}'"
    return FileRefusedError(message, "not_readable")
