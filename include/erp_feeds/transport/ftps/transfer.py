"""A file on its way from the server: how far it has come, and whether it is still the same."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from erp_feeds.transport.ftps.faults import ChangedError

PROGRESS_EVERY = 10.0
"""Seconds between two lines of the log about a transfer."""

Stamp = tuple[int | None, str | None]
"""SIZE and MDTM of a file, each None where the server does not answer it."""


@dataclass
class Transfer:
    """How far a file has come."""

    path: str
    log: Any
    received: int = 0
    """Bytes."""
    complete: bool = False
    first: Stamp | None = None
    """Size and time when the transfer began."""

    def __post_init__(self) -> None:
        self._began = self._said = time.monotonic()

    def expect(self, place: str, stamp: Stamp) -> Stamp:
        """Refuse a file that is no longer the one whose transfer began."""
        self.first = self.first or stamp
        if stamp != self.first:
            raise ChangedError(f"{place}: {self.path} changed while it was fetched", "changed")
        return stamp

    def take(self, block: bytes) -> None:
        """Count a block, and tell now and then how far a long transfer is."""
        self.received += len(block)
        now = time.monotonic()
        if now - self._said >= PROGRESS_EVERY:
            self._said = now
            size = self.first and self.first[0]
            share = f" of {size / 1e6:,.0f} MB ({self.received / size:.0%})" if size else " MB"
            rate = self.received / 1e6 / (now - self._began)
            self.log.info("%s: %.0f%s, %.1f MB/s", self.path, self.received / 1e6, share, rate)
