"""The inbox: which files of a merchant the server holds, and when they were last changed."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from erp_feeds.batch import NotTaken, RemoteFile, WhyNotTaken
from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.ftps.listing import Entry, Listing, is_perhaps_link, is_temporary, utc
from erp_feeds.ftps.session import FileStat
from erp_feeds.inbox.not_taken import first_of_each_shop, is_meant, normalised, not_taken
from erp_feeds.inbox.paths import folder_of, folders, kind_of, uploaded_name
from erp_feeds.interfaces.spec import FileName, Interface
from erp_feeds.merchant import Merchant

NO_TIME = datetime.fromtimestamp(0, UTC)
"""Time of a file on a server that gives none: name and size alone identify it."""
MAX_TIME_REQUESTS = 1_000
"""Files whose exact time one scan requests, where the listing gives it roughly: each is a round trip."""
REQUEST_SECONDS = 120.0
"""Seconds after which a scan requests no more of them."""
UNKNOWN_SIZE = -1
UNLISTED = "?"
"""Time of an entry in a listing that gives none."""


class Lister(Protocol):
    """What the inbox needs of an FTPS client."""

    def listing(self, folder: str) -> Listing:
        """List a folder; a missing one is empty."""
        ...

    def has_folder(self, folder: str) -> bool:
        """Return whether this user may enter a folder."""
        ...

    def stat(self, path: str) -> FileStat:
        """Return SIZE and MDTM of a file."""
        ...


class ListedOnce:
    """A server during one scan: a folder that several merchants share is listed once."""

    def __init__(self, hook: Lister) -> None:
        self._hook = hook
        self._listings: dict[str, Listing] = {}

    def listing(self, folder: str) -> Listing:
        """List a folder, or return its listing of a moment ago."""
        if folder not in self._listings:
            self._listings[folder] = self._hook.listing(folder)
        return self._listings[folder]

    def has_folder(self, folder: str) -> bool:
        """Return whether this user may enter a folder."""
        return self._hook.has_folder(folder)

    def stat(self, path: str) -> FileStat:
        """Return SIZE and MDTM of a file."""
        return self._hook.stat(path)


@dataclass(frozen=True)
class Inbox:
    """What one scan found."""

    remote_files: tuple[RemoteFile, ...]
    """In the order in which they load."""
    truncated: tuple[str, ...] = ()
    """Folders of which the server did not list every name."""
    unreadable: int = 0
    """Lines of listings that are in no known form."""
    not_taken: tuple[NotTaken, ...] = ()
    """Files that no run takes: misnamed ones of this merchant first, and of each other shop one."""
    failed: tuple[FeedError, ...] = ()
    """Why folders could not be listed, where others could."""
    interfaces: tuple[Interface, ...] = ()
    """Those whose folders were listed."""

    @property
    def misnamed(self) -> tuple[str, ...]:
        """Paths of this merchant's files under a wrong name or in a wrong folder: they are never taken."""
        return tuple(each.path for each in self.not_taken if each.why == WhyNotTaken.MISNAMED)


def list_files(hook: Lister, merchant: Merchant, interfaces: Sequence[Interface]) -> Inbox:
    """List the files that the ERP parties have uploaded, also those under a claimed name.

    Args:
        hook: The open FTPS client.
        merchant: Whose root folder and shop name count.
        interfaces: Kinds of files to find; folders that they share are listed once.

    Returns:
        Remote files by rank of the interface, index number as an integer, name (rule: ERP cache 6).

    Raises:
        FeedError: No folder can be listed, or the merchant's root folder does not exist.
    """
    ranked: list[tuple[int, int, str, RemoteFile]] = []
    others: list[NotTaken] = []
    listings, failed = _listings(hook, folders(merchant, interfaces))
    for folder, entry, found in _entries(merchant, interfaces, listings):
        if found and (remote_file := _remote_file(found[0], folder, entry)):
            ranked.append((found[0].rank, int(found[1].index_number), entry.name, remote_file))
        elif not (found or entry.is_folder or is_temporary(entry.name)):
            others.append(not_taken(merchant, interfaces, folder, entry.name))
    if not any(listing.form for listing in listings.values()):
        require_root(hook, merchant)
    return Inbox(
        tuple(remote_file for *_, remote_file in sorted(ranked, key=lambda each: each[:3])),
        tuple(folder for folder, listing in listings.items() if listing.truncated),
        sum(listing.unreadable for listing in listings.values()),
        first_of_each_shop(others),
        failed,
        tuple(interface for interface in interfaces if folder_of(merchant, interface) in listings),
    )


def _listings(hook: Lister, names: Iterable[str]) -> tuple[dict[str, Listing], tuple[FeedError, ...]]:
    """List folders, and return also why some cannot be listed; where none can, that is raised."""
    listings: dict[str, Listing] = {}
    failed: list[FeedError] = []
    for folder in names:
        try:
            listings[folder] = hook.listing(folder)
        except (RetryError, FailError) as error:
            failed.append(error)
    if failed and not listings:
        raise failed[0]
    return listings, tuple(failed)


def misnamed_files(
    merchant: Merchant, interfaces: Sequence[Interface], listings: Mapping[str, Listing]
) -> tuple[str, ...]:
    """Return the paths of files that were meant for a merchant and will never be taken, in name order.

    Args:
        merchant: Whose files are expected.
        interfaces: Kinds of files that are switched on.
        listings: Folder -> what lies there.
    """
    return tuple(
        sorted(
            posixpath.join(folder, entry.name)
            for folder, entry, found in _entries(merchant, interfaces, listings)
            if not found and _is_misnamed(merchant, interfaces, entry)
        )
    )


def nobodys_files(
    merchant: Merchant,
    interfaces: Sequence[Interface],
    listings: Mapping[str, Listing],
    shops: Collection[str],
) -> tuple[str, ...]:
    """Return the paths of files that are named as interfaces ask, of a shop that nobody reads there.

    Args:
        merchant: Whose files are expected.
        interfaces: Kinds of files that are switched on.
        listings: Folder -> what lies there.
        shops: Shop names of all merchants that read these folders.
    """
    known = {normalised(shop) for shop in shops}
    return tuple(
        sorted(
            posixpath.join(folder, entry.name)
            for folder, entry, _ in _entries(merchant, interfaces, listings)
            if not (entry.is_folder or is_temporary(entry.name))
            and (read := [found for each in interfaces if (found := each.match(uploaded_name(entry.name)))])
            and known.isdisjoint(normalised(found.shop_name) for found in read)
        )
    )


def _entries(
    merchant: Merchant, interfaces: Sequence[Interface], listings: Mapping[str, Listing]
) -> Iterator[tuple[str, Entry, tuple[Interface, FileName] | None]]:
    """Yield the entries of each folder, each with its interface and parsed name, or None."""
    for folder, listing in listings.items():
        kinds = [interface for interface in interfaces if folder_of(merchant, interface) == folder]
        for entry in listing.entries:
            yield folder, entry, kind_of(merchant, kinds, uploaded_name(entry.name))


def _is_misnamed(merchant: Merchant, interfaces: Iterable[Interface], entry: Entry) -> bool:
    """Return whether an entry that no interface takes is a file that was meant for this merchant."""
    return not (entry.is_folder or is_temporary(entry.name)) and is_meant(merchant, interfaces, entry.name)


def require_root(hook: Lister, merchant: Merchant) -> None:
    """Check that the root folder exists.

    Raises:
        FailError: says which folder to correct.
    """
    if not hook.has_folder(merchant.ftps.root):
        message = (
            f"FTPS connection '{merchant.ftps.connection}': folder {merchant.ftps.root} does not exist or is "
            "closed to this user: correct ftps.root in the merchant file, or the user's rights on the server"
        )
        raise FailError(message, "no_root_folder")


def with_exact_times(
    hook: Lister, remote_files: Iterable[RemoteFile]
) -> tuple[list[RemoteFile], list[RemoteFile]]:
    """Ask for the exact size and time of files whose listing lacks them, as many as one scan may ask for.

    Those without a size come last: some never have one.

    Returns:
        The files with exact size and time, without those that are gone by now, or of which no size shows when
        they are complete; the files that later scans ask for.
    """
    exact: list[RemoteFile] = []
    later: list[RemoteFile] = []
    number, until = 0, time.monotonic() + REQUEST_SECONDS
    for each in sorted(remote_files, key=lambda each: each.size == UNKNOWN_SIZE):
        if not each.listed:
            exact.append(each)
        elif number == MAX_TIME_REQUESTS or time.monotonic() > until:
            later.append(each)
        else:
            number += 1
            exact.append(_with_exact_time(hook, each))
    return [each for each in exact if each.size != UNKNOWN_SIZE], later


def _with_exact_time(hook: Lister, remote_file: RemoteFile) -> RemoteFile:
    size, moment = hook.stat(remote_file.path)
    modified = (utc(moment) if moment else None) or remote_file.modified
    if size is None:
        size = UNKNOWN_SIZE if is_perhaps_link(remote_file.listed) else remote_file.size
    return remote_file.model_copy(update={"size": size, "modified": modified})


def _remote_file(interface: Interface, folder: str, entry: Entry) -> RemoteFile | None:
    """Return the file as listed; None for what is no file."""
    if entry.is_folder:
        return None
    return RemoteFile(
        interface=interface.name,
        name=uploaded_name(entry.name),
        size=UNKNOWN_SIZE if entry.size is None else entry.size,
        modified=entry.modified or NO_TIME,
        path=posixpath.join(folder, entry.name),
        listed="" if entry.is_certain() else entry.listed or UNLISTED,
    )
