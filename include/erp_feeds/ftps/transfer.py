"""A file on its way from the server: how far it has come, and whether it is still the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.ftps.connection import Extras
from erp_feeds.ftps.errors import ChangedError

PROGRESS_EVERY = 10.0
"""Seconds between two lines of the log about a transfer."""

Stamp = tuple[int | None, str | None]
"""SIZE and MDTM of a file, each None where the server does not answer it."""
NOTHING_KNOWN: Stamp = (None, None)


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
    first: Stamp | None = None
    """Size and time when the transfer began."""
    knows_rest: bool = True
    """Until the server says otherwise."""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    """Of what has come, to compare it with what a server sends anew."""

    def __post_init__(self) -> None:
        self._began = self._said = time.monotonic()

    @property
    def size(self) -> int | None:
        """Bytes, as the server told them when the transfer began."""
        return self.first and self.first[0]

    @property
    def limit(self) -> int:
        """Bytes above which nothing is taken: those of the file, where the server tells them."""
        return int(self.extras.max_file_mb * 1_000_000) if self.size is None else self.size

    def seconds_left(self) -> float:
        """Return how long all of it may still take, at the minimal rate."""
        allowed = self.extras.operation_timeout + self.limit / self.extras.min_rate
        return self._began + allowed - time.monotonic()

    def expect(self, stamp: Stamp) -> None:
        """Refuse a file that is no longer the one whose transfer began, or is larger than allowed."""
        self.first = self.first or stamp
        if stamp != self.first:
            raise self._changed()
        if self.size is not None and self.size > self.extras.max_file_mb * 1_000_000:
            raise self._too_large()

    def finish(self, stamp: Stamp) -> None:
        """Call the transfer complete when every byte is there, and the file still as it was, or gone.

        One that is taken away behind its last byte is whole: nobody could fetch it once more.
        """
        if stamp != NOTHING_KNOWN or self.size is None:
            self.expect(stamp)
        if self.size is not None and self.received != self.size:
            raise RetryError(f"{self.path}: {self.received} of {self.size} bytes came", "short_transfer")
        self.complete = True

    def too_long(self) -> FeedError:
        """Return the error for a file of which more comes than there should be."""
        return self._too_large() if self.size is None else self._changed()

    def can_resume(self) -> bool:
        """Tell whether the rest alone may be asked for: not where another file could be under the name."""
        return self.knows_rest and self.first is not None and None not in self.first

    def beyond(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass over what came already, when the server begins anew; other bytes are another file's."""
        expected, again, left = self.digest.digest(), hashlib.sha256(), self.received
        for block in blocks:
            known, new = block[:left], block[left:]
            again.update(known)
            left -= len(known)
            if known and not left and again.digest() != expected:
                raise self._changed()
            if new:
                yield new
        if left:
            raise self._changed()

    def take(self, block: bytes) -> None:
        """Count a block, and tell now and then how far a long transfer is."""
        self.received += len(block)
        self.digest.update(block)
        now = time.monotonic()
        if now - self._said >= PROGRESS_EVERY:
            self._said = now
            size = self.size
            share = f" of {size / 1e6:,.0f} MB ({self.received / size:.0%})" if size else " MB"
            rate = self.received / 1e6 / (now - self._began)
            self.log.info("%s: %.0f%s, %.1f MB/s", self.path, self.received / 1e6, share, rate)

    def _changed(self) -> ChangedError:
        return ChangedError(f"{self.path} changed while it was fetched", "changed")

    def _too_large(self) -> FailError:
        message = f"{self.path} is larger than {self.extras.max_file_mb:g} MB: see the extra 'max_file_mb'"
        return FailError(message, "too_large")
