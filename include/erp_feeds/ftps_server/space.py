"""How much space a login has left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

MEASURE_SECONDS = 60.0
MEASURE_AGAIN_SECONDS = 5.0
"""When a quota seems used up: files may have been moved or deleted since."""


class Space:
    """The bytes in a folder: measured now and then, and in between what arrives is added."""

    def __init__(self, folder: Path, quota: int) -> None:
        self._folder = folder
        self._quota = quota
        self._used = 0
        self._measured: float | None = None

    def measure(self, older_than: float = MEASURE_SECONDS) -> None:
        """Measure the folder, unless that was done a moment ago."""
        now = time.monotonic()
        if self._measured is None or now - self._measured >= older_than:
            self._measured = now
            self._used = sum(_sizes(self._folder))

    def has_room(self) -> bool:
        """Return whether anything more may be stored."""
        if self._used >= self._quota:
            self.measure(MEASURE_AGAIN_SECONDS)
        return self._used < self._quota

    def forget(self) -> None:
        """Measure again when it is next in question: a file was removed."""
        self._measured = None

    def take(self, size: int) -> bool:
        """Count bytes that arrive; return whether they are within the quota."""
        self._used += size
        if self._used > self._quota:
            self.measure(MEASURE_AGAIN_SECONDS)
        return self._used <= self._quota


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(place, name).lstat().st_size
            except OSError:  # it has just been moved or deleted
                continue
