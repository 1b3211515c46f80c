"""One scan of a merchant's inbox, compared with the ledger: which files are new, and which are complete.

Used by the task `sense` and by the watcher alike. What a look finds is remembered in the store, so that no
process waits for a second look that another one has taken already.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from erp_feeds.batch import RemoteFile
from erp_feeds.inbox import listing
from erp_feeds.inbox.listing import Lister
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.store import looks

ASKED_AT_ONCE = 1_000
"""Files whose exact time one look asks for, where LIST gives it roughly: the others follow in later looks."""


@dataclass(frozen=True)
class InboxScan:
    """What is in an inbox."""

    complete: tuple[RemoteFile, ...]
    """New, and unchanged for stable_for in at least two scans."""
    uploading: int
    """How many others are new, and perhaps still being uploaded."""
    known: tuple[RemoteFile, ...]
    """What the ledger knows already."""
    truncated: tuple[str, ...]
    """Folders of which the server did not list every name."""
    unreadable: int
    """Lines of listings that are in no known form."""
    without_size: int
    """Files without a size in the listing: nobody could know when they are complete."""
    misnamed: tuple[str, ...]
    """Paths of this merchant's files under a wrong name or in a wrong folder: they are never taken."""

    def never_taken(self) -> list[str]:
        """Return a sentence for each kind of thing that no run will ever take as it is."""
        said = []
        if self.unreadable:
            said.append(f"{self.unreadable} lines of the listing have an unknown form and were skipped")
        if self.without_size:
            said.append(f"{self.without_size} files are ignored, because the server gives no size for them")
        if self.misnamed:
            said.append(
                f"{len(self.misnamed)} files have a wrong name or folder, such as {self.misnamed[0]}: "
                "`python -m erp_feeds doctor` shows which names are expected"
            )
        return said


def look(hook: Lister, connection: psycopg.Connection, merchant: Merchant) -> InboxScan:
    """Scan an inbox once.

    Raises:
        RetryError: The server or the store cannot be reached for now.
        FailError: A folder or the login must be corrected first.
    """
    interfaces = interfaces_of(merchant)
    found = listing.look(hook, merchant, interfaces)
    candidates = looks.unlisted(connection, merchant.name, found.remote_files)
    beyond = _beyond_reach(candidates)
    within = [each for each in candidates if each.path not in beyond]
    asked = listing.stamped(hook, within)
    new = looks.unknown(connection, merchant.name, asked)
    names = [interface.name for interface in interfaces]
    complete = looks.stable(connection, merchant.name, names, new, merchant.ftps.stable_for)
    exact = {remote_file.path: remote_file for remote_file in asked}
    not_known = beyond | {remote_file.path for remote_file in new}
    return InboxScan(
        complete=tuple(complete),
        uploading=len(new) - len(complete),
        known=tuple(exact.get(each.path, each) for each in found.remote_files if each.path not in not_known),
        truncated=found.truncated,
        unreadable=found.unreadable,
        misnamed=found.misnamed,
        without_size=len(within) - len(asked),
    )


def _beyond_reach(candidates: list[RemoteFile]) -> set[str]:
    """Return the paths that this look does not ask for, since each question is a round trip to the server."""
    return {remote_file.path for remote_file in [each for each in candidates if each.listed][ASKED_AT_ONCE:]}
