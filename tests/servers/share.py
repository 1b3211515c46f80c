"""A folder as the test and as the server see it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PLACED = datetime(2017, 1, 5, 11, 53, 26, tzinfo=UTC)


@dataclass(frozen=True)
class Share:
    """An ERP party's folder on the server."""

    folder: Path
    """Where it lies on disk."""
    path: str
    """What clients call it."""

    def place(self, name: str | bytes, content: bytes = b"content") -> str:
        """Put a file there, as placed at a fixed time; return its path on the server."""
        file = self.folder / os.fsdecode(name)
        file.write_bytes(content)
        file.chmod(0o644)
        os.utime(file, (PLACED.timestamp(), PLACED.timestamp()))
        return f"{self.path}/{os.fsdecode(name)}"

    def make(self, name: str) -> Path:
        """Make a folder there that every server may write to."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        return folder
