"""The inbox: which files of a merchant the server holds, and when they were last changed."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from erp_feeds.batch import Sighting
from erp_feeds.errors import FailError
from erp_feeds.interfaces.spec import FileName, Interface
from erp_feeds.merchant import Merchant
from erp_feeds.transport.ftps.listing import Entry, Listing, is_temporary, utc
from erp_feeds.transport.ftps.transfer import Stamp

NO_TIME = datetime.fromtimestamp(0, UTC)
"""Stands for the time of a file on a server that tells none: name and size alone identify it."""
ASIDE = ".loaded.part"
"""Behind the name of a loaded file that is about to be moved or deleted; no look takes it for an upload."""
UNKNOWN_SIZE = -1
UNLISTED = "?"
"""Stands for the time in a listing that gives none."""


class Lister(Protocol):
    """What the inbox needs of an FTPS client."""

    def listing(self, folder: str) -> Listing:
        """List a folder; a missing one is empty."""
        ...

    def has_folder(self, folder: str) -> bool:
        """Tell whether this user may enter a folder."""
        ...

    def stamp(self, path: str) -> Stamp:
        """Return SIZE and MDTM of a file."""
        ...


class ListedOnce:
    """A server during one look: merchants that share a folder have it listed once."""

    def __init__(self, hook: Lister) -> None:
        self._hook = hook
        self._listings: dict[str, Listing] = {}

    def listing(self, folder: str) -> Listing:
        """List a folder, or return its listing of a moment ago."""
        if folder not in self._listings:
            self._listings[folder] = self._hook.listing(folder)
        return self._listings[folder]

    def has_folder(self, folder: str) -> bool:
        """Tell whether this user may enter a folder."""
        return self._hook.has_folder(folder)

    def stamp(self, path: str) -> Stamp:
        """Return SIZE and MDTM of a file."""
        return self._hook.stamp(path)


@dataclass(frozen=True)
class Inbox:
    """What one look found."""

    sightings: tuple[Sighting, ...]
    """In the order in which they load."""
    truncated: tuple[str, ...] = ()
    """Folders of which the server did not list every name."""
    unreadable: int = 0
    """Lines of listings that are in no known form."""
    set_aside: tuple[str, ...] = ()
    """Paths of loaded files that lie under their name + ASIDE, since a task was killed before they went."""


def folders(merchant: Merchant, interfaces: Iterable[Interface]) -> list[str]:
    """Return the folders on the server in which a merchant's files appear."""
    return sorted({folder_of(merchant, interface) for interface in interfaces})


def folder_of(merchant: Merchant, interface: Interface) -> str:
    """Return the folder on the server in which the files of an interface appear."""
    return posixpath.join(merchant.ftps.root.replace("\\", "/"), interface.folder)


def look(hook: Lister, merchant: Merchant, interfaces: Sequence[Interface]) -> Inbox:
    """List the files that the ERP parties have placed.

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
    set_aside: list[str] = []
    listings = {folder: hook.listing(folder) for folder in folders(merchant, interfaces)}
    for folder, listing in listings.items():
        kinds = [interface for interface in interfaces if folder_of(merchant, interface) == folder]
        for entry in listing.entries:
            found = _kind(merchant, kinds, entry.name)
            sighting = found and _sighting(found[0], folder, entry)
            if found and sighting:
                ranked.append((found[0].rank, int(found[1].index_number), entry.name, sighting))
            elif entry.name.endswith(ASIDE) and _kind(merchant, kinds, entry.name.removesuffix(ASIDE)):
                set_aside.append(posixpath.join(folder, entry.name.removesuffix(ASIDE)))
    if not any(listing.form for listing in listings.values()):
        require_root(hook, merchant)
    return Inbox(
        tuple(sighting for *_, sighting in sorted(ranked, key=lambda each: each[:3])),
        tuple(folder for folder, listing in listings.items() if listing.truncated),
        sum(listing.unreadable for listing in listings.values()),
        tuple(set_aside),
    )


def require_root(hook: Lister, merchant: Merchant) -> None:
    """Refuse a root folder that does not exist.

    Raises:
        FailError: says which folder to correct.
    """
    if not hook.has_folder(merchant.ftps.root):
        message = (
            f"FTPS connection '{merchant.ftps.connection}': folder {merchant.ftps.root} does not exist or is "
            "closed to this user: correct ftps.root in the merchant file, or the user's rights on the server"
        )
        raise FailError(message, "no_root_folder")


def stamped(hook: Lister, sightings: Iterable[Sighting]) -> list[Sighting]:
    """Ask for size and time to the second where the listing gives them roughly or not at all.

    A file that is gone by now, or has no size that could tell its completeness, stays out.
    """
    asked = (_asked(hook, sighting) if sighting.listed else sighting for sighting in sightings)
    return [sighting for sighting in asked if sighting.size >= 0]


def _asked(hook: Lister, sighting: Sighting) -> Sighting:
    size, time = hook.stamp(sighting.path)
    modified = (utc(time) if time else None) or sighting.modified
    return sighting.model_copy(update={"size": sighting.size if size is None else size, "modified": modified})


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
    """Return the file as listed; None for what is no file."""
    if entry.is_folder:
        return None
    return Sighting(
        interface=interface.name,
        name=entry.name,
        size=UNKNOWN_SIZE if entry.size is None else entry.size,
        modified=entry.modified or NO_TIME,
        path=posixpath.join(folder, entry.name),
        listed="" if entry.is_certain() else entry.listed or UNLISTED,
    )
