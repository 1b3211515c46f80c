"""An FTPS server in memory: what inbox and clearing ask of one, and what goes on between two commands."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from erp_feeds.errors import FailError
from erp_feeds.ftps.listing import Entry, Listing
from erp_feeds.ftps.session import NOTHING_KNOWN, FileStat


@dataclass(frozen=True)
class Stored:
    """A file on the server."""

    content: str
    modified: datetime


@dataclass
class MemoryServer:
    """Paths are absolute; a rename writes over what is there, as real servers do."""

    files: dict[str, Stored] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    knows: set[str] = field(default_factory=lambda: {"SIZE", "MDTM"})
    refuses: set[str] = field(default_factory=set)
    """Names of commands."""
    commands: list[str] = field(default_factory=list)
    written_over: list[Stored] = field(default_factory=list)
    """What a rename has destroyed."""
    meanwhile: Callable[[], object] = lambda: None
    """What others do before each command."""

    def place(self, path: str, content: str, second: int = 0) -> None:
        """Do what an ERP party does; the time tells which upload is the newer."""
        self.files[path] = Stored(content, datetime.fromtimestamp(1_483_617_206 + second, UTC))
        self.folders.add(posixpath.dirname(path))

    def _obey(self, command: str) -> None:
        self.meanwhile()
        self.commands.append(command)
        if command in self.refuses:
            raise FailError(f"550 {command} refused", "refused")

    def stat(self, path: str) -> FileStat:
        self._obey("stat")
        found = self.files.get(path)
        if found is None:
            return NOTHING_KNOWN
        size = len(found.content) if "SIZE" in self.knows else None
        return (size, f"{found.modified:%Y%m%d%H%M%S}" if "MDTM" in self.knows else None)

    def rename(self, from_name: str, to_name: str) -> str:
        self._obey("rename")
        if from_name not in self.files or posixpath.dirname(to_name) not in self.folders:
            raise FailError("550 no such file or folder", "refused")
        if to_name in self.files:
            self.written_over.append(self.files[to_name])
        self.files[to_name] = self.files.pop(from_name)
        return "250 done"

    def delete_file(self, path: str) -> None:
        self._obey("delete_file")
        if path not in self.files:
            raise FailError("550 no such file", "refused")
        del self.files[path]

    def create_directory(self, path: str) -> None:
        self._obey("create_directory")
        self.folders.add(path)

    def has_folder(self, folder: str) -> bool:
        self._obey("has_folder")
        return folder in self.folders

    def listing(self, folder: str) -> Listing:
        self._obey("listing")
        if folder not in self.folders:
            return Listing()
        inside = [(path, found) for path, found in self.files.items() if posixpath.dirname(path) == folder]
        entries = [
            Entry(posixpath.basename(path), len(found.content), found.modified, is_folder=False)
            for path, found in inside
        ]
        return Listing(tuple(entries), "MLSD")
