"""How much space a login has left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

MEASURE_SECONDS = 60.0
MEASURE_AGAIN_SECONDS = 5.0
"""When a quota is nearly used up: files may have been moved or deleted since."""
NEARLY = 0.9


class Space:
    """The bytes in a folder: measured now and then, and in between what arrives is added.

    A folder may hold very many files: the server's loop never waits for a measurement, but has it made by
    `workers` in time, before the quota seems used up.
    """

    def __init__(self, folder: Path, quota: int, workers: Executor) -> None:
        self._folder = folder
        self._quota = quota
        self._workers = workers
        self._used = 0
        self._measured: float | None = None

    def measure(self) -> None:
        """Measure the folder, unless that was done a moment ago; for a thread beside the loop."""
        if self._is_due():
            self._measure()

    def has_room(self) -> bool:
        """Return whether anything more may be stored."""
        self._measure_beside()
        return self._used < self._quota

    def give_back(self, size: int) -> None:
        """Count bytes of a file that was removed."""
        self._used = max(self._used - size, 0)

    def take(self, size: int) -> bool:
        """Count bytes that arrive, and return True; False where they are not within the quota."""
        self._measure_beside()
        if self._used + size > self._quota:
            return False
        self._used += size
        return True

    def _measure_beside(self) -> None:
        if self._is_due():
            self._measured = time.monotonic()
            self._workers.submit(self._measure)

    def _is_due(self) -> bool:
        if self._measured is None:
            return True
        seconds = MEASURE_AGAIN_SECONDS if self._used >= NEARLY * self._quota else MEASURE_SECONDS
        return time.monotonic() - self._measured >= seconds

    def _measure(self) -> None:
        self._measured = time.monotonic()
        self._used = sum(_sizes(self._folder))


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(place, name).lstat().st_size
            except OSError:  # it has just been moved or deleted
                continue
