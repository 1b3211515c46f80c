"""The inbox: which files of a merchant the server holds, and which of them are complete."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from erp_feeds.batch import Sighting
from erp_feeds.interfaces.spec import FileName, Interface
from erp_feeds.merchant import Merchant
from erp_feeds.transport.listing import Entry, is_temporary

NO_TIME = datetime.fromtimestamp(0, UTC)
"""Stands for the time of a file on a server that tells none: name and size alone identify it."""


class Lister(Protocol):
    """What the inbox needs of an FTPS client."""

    def entries(self, folder: str, wanted: Callable[[str], bool] | None = None) -> list[Entry]:
        """List a folder; a missing one is empty."""
        ...

    def require_folder(self, folder: str) -> None:
        """Refuse a folder that does not exist."""
        ...


def look(hook: Lister, merchant: Merchant, interfaces: Sequence[Interface]) -> list[Sighting]:
    """List the files that the ERP parties have placed, in the order in which they load.

    Args:
        hook: The open FTPS client.
        merchant: Whose root folder and shop name count.
        interfaces: Kinds of files to look for; folders that they share are listed once.

    Returns:
        Sightings by rank of the interface, index number as an integer, name (rule: ERP cache 6).

    Raises:
        FailError: The merchant's root folder does not exist.
    """
    ranked: list[tuple[int, int, str, Sighting]] = []
    entries = 0
    for folder in sorted({interface.folder for interface in interfaces}):
        kinds = [interface for interface in interfaces if interface.folder == folder]
        path = posixpath.join(merchant.ftps.root.replace("\\", "/"), folder)
        for entry in hook.entries(path, partial(_is_ours, merchant, kinds)):
            entries += 1
            found = _kind(merchant, kinds, entry.name)
            sighting = found and _sighting(found[0], path, entry)
            if found and sighting:
                ranked.append((found[0].rank, int(found[1].index_number), entry.name, sighting))
    if not entries:
        hook.require_folder(merchant.ftps.root)
    return [sighting for *_, sighting in sorted(ranked, key=lambda each: each[:3])]


def settle(
    look: Callable[[], list[Sighting]],
    wanted: list[Sighting],
    stable_for: float,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Sighting]:
    """Return those of the wanted files whose size and time a second look finds unchanged.

    Args:
        look: Lists the inbox.
        wanted: What the first look found.
        stable_for: Seconds between the two looks.
        sleep: Waits; a test passes its own.
    """
    if not wanted:
        return []
    sleep(stable_for)
    again = set(look())
    return [sighting for sighting in wanted if sighting in again]


def _is_ours(merchant: Merchant, interfaces: Sequence[Interface], name: str) -> bool:
    return _kind(merchant, interfaces, name) is not None


def _kind(
    merchant: Merchant, interfaces: Sequence[Interface], name: str
) -> tuple[Interface, FileName] | None:
    """Return the interface that a file name belongs to; another shop's files are none of ours."""
    if is_temporary(name):
        return None
    for interface in interfaces:
        found = interface.match(name)
        if found and found.shop_name == merchant.shop_name:
            return interface, found
    return None


def _sighting(interface: Interface, folder: str, entry: Entry) -> Sighting | None:
    """Return the file as seen; None for what is no file, or has no size that could tell its completeness."""
    if entry.is_folder or entry.size is None:
        return None
    path = posixpath.join(folder, entry.name)
    modified = entry.modified or NO_TIME
    return Sighting(interface=interface.name, name=entry.name, size=entry.size, modified=modified, path=path)
