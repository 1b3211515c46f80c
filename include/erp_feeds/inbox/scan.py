"""One scan of a merchant's inbox, compared with the ledger: which files are new, and which are complete.

Used by the task `sense` and by the poller alike. What a scan finds is remembered in the store, so that no
process waits for a second scan that another one has made already.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from erp_feeds.batch import NotTaken, RemoteFile
from erp_feeds.errors import FailError, FeedError, counted, visible
from erp_feeds.inbox import listing
from erp_feeds.inbox.listing import Lister
from erp_feeds.interfaces import interfaces_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.store import inbox_scans
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.sql import statement

RECENT_SECONDS = 15 * 60
"""Seconds for which the minute of a LIST line proves nothing; many, as the server's clock may be wrong."""


MOST_NOT_TAKEN = 100
"""Files that no run takes and the store keeps: enough to see what is wrong."""


@dataclass(frozen=True)
class InboxScan:
    """What is in an inbox."""

    registered: tuple[RemoteFile, ...]
    """New, and unchanged for stable_for over at least two scans: a run fetches them."""
    uploading: int
    """How many others are new, and perhaps still being uploaded."""
    known: tuple[RemoteFile, ...]
    """What the ledger knows already."""
    truncated: tuple[str, ...]
    """Folders of which the server did not list every name."""
    unreadable: int
    """Lines of listings that are in no known form."""
    without_size: int
    """Files without a size in the listing: nothing shows when they are complete."""
    misnamed: tuple[str, ...]
    """Paths of this merchant's files under a wrong name or in a wrong folder: they are never taken."""
    not_taken: tuple[NotTaken, ...] = ()
    """Those, and all others that no run takes."""
    failed: tuple[FeedError, ...] = ()
    """Why folders could not be listed, where others could: their files wait."""

    def never_taken(self) -> list[str]:
        """Return a sentence for each kind of file that no run will ever take as it is."""
        sentences = []
        if self.unreadable:
            sentences.append(f"{counted(self.unreadable, 'line')} of the listing skipped: unknown form")
        if self.without_size:
            sentences.append(
                f"{counted(self.without_size, 'file')} ignored, because the server gives no size"
            )
        if self.misnamed:
            sentences.append(
                f"{counted(len(self.misnamed), 'file')} with a wrong name or folder, "
                f"such as {visible(self.misnamed[0])}: "
                "`python -m erp_feeds doctor` shows which names are expected"
            )
        return sentences


def scan(hook: Lister, connection: psycopg.Connection, merchant: Merchant) -> InboxScan:
    """Scan an inbox once, and remember in the ledger what it holds.

    Raises:
        RetryError: The server or the store cannot be reached for now.
        FailError: Every folder, or the login, must be corrected first.
    """
    found = listing.list_files(hook, merchant, interfaces_of(merchant))
    candidates = unknown(connection, merchant.name, found.remote_files)
    exact, later = listing.with_exact_times(hook, candidates)
    new = exact
    if any(each.listed for each in exact):
        new = unknown(connection, merchant.name, exact, exact=True)
        remember_times(connection, merchant.name, exact)
    registered = register(connection, merchant.name, found.interfaces, new, merchant.ftps.stable_for)
    exact_of = {each.path: each for each in exact}
    not_known = {each.path for each in (*later, *new)}
    return InboxScan(
        registered=tuple(registered),
        uploading=len(new) - len(registered),
        known=tuple(
            exact_of.get(each.path, each) for each in found.remote_files if each.path not in not_known
        ),
        truncated=found.truncated,
        unreadable=found.unreadable,
        misnamed=found.misnamed,
        not_taken=found.not_taken,
        without_size=len(candidates) - len(exact) - len(later),
        failed=found.failed,
    )


def note_result(connection: psycopg.Connection, merchant: str, scanned: InboxScan) -> None:
    """Note whether all of an inbox could be scanned, for the incident, and what no run takes."""
    if scanned.failed:
        inbox_scans.failed(connection, [merchant], str(scanned.failed[0]))
    else:
        inbox_scans.succeeded(connection, [merchant], scanned.not_taken[:MOST_NOT_TAKEN])


@plain_errors("finding new files")
def unknown(
    connection: psycopg.Connection, merchant: str, found: Sequence[RemoteFile], *, exact: bool = False
) -> list[RemoteFile]:
    """Return the files that the ledger does not have yet.

    Args:
        connection: Of the store.
        merchant: Whose inbox was scanned.
        found: What lies there.
        exact: Each time is to the second. Else a time that LIST gives roughly is compared with what earlier
            scans remember of LIST; files whose name and size no row has then come first.
    """
    values = {"merchant": merchant, **columns(found), "exact": exact}
    return [found[position - 1] for (position,) in connection.execute(statement("scan/unknown"), values)]


@plain_errors("remembering times as the server lists them")
def remember_times(connection: psycopg.Connection, merchant: str, exact: Sequence[RemoteFile]) -> None:
    """Let later scans know files by the rough time of LIST, once that is old enough to prove anything."""
    values = {"merchant": merchant, **columns(exact), "age": RECENT_SECONDS}
    connection.execute(statement("scan/remember_times"), values)


def register(
    connection: psycopg.Connection,
    merchant: str,
    interfaces: Collection[Interface],
    new: Sequence[RemoteFile],
    stable_for: float,
) -> list[RemoteFile]:
    """Register the new files that an earlier scan found unchanged, return them, and remember the others.

    Whether complete or not, a new file has taken the place of one that was never fetched from its path.

    Args:
        connection: Of the store.
        merchant: Whose inbox was scanned.
        interfaces: Those that were scanned: files of others stay as they are.
        new: All that is there and not registered yet.
        stable_for: Seconds that a file must stay the same to be complete.
    """
    declared = {interface.name: interface for interface in interfaces}
    values = {
        "merchant": merchant,
        "interfaces": list(declared),
        **columns(new),
        "path": [remote_file.path for remote_file in new],
        "index_number": [_index_number(declared[each.interface], each.name) for each in new],
        "stable_for": stable_for,
    }
    registered = []
    with transaction(connection, "registering new files"):
        if new:  # most scans find nothing new
            connection.execute(statement("scan/mark_replaced"), values)
            registered = connection.execute(statement("scan/register"), values).fetchall()
            connection.execute(statement("scan/remember"), values)
        connection.execute(statement("scan/forget"), values)
    complete = {path for (path,) in registered}
    return [remote_file for remote_file in new if remote_file.path in complete]


def columns(remote_files: Sequence[RemoteFile]) -> dict[str, list[Any]]:
    """Return remote files as parallel arrays, for unnest."""
    return {
        field: [getattr(remote_file, field) for remote_file in remote_files]
        for field in ("interface", "name", "size", "modified", "listed")
    }


def _index_number(interface: Interface, name: str) -> str:
    found = interface.match(name)
    if found is None:
        raise FailError(f"'{name}' is no file name of {interface.name}")
    return found.index_number
