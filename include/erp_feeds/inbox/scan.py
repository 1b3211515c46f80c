"""One look at a merchant's inbox, held against the ledger: what is new, and what of it is complete.

Used by the task `sense` and by the watcher alike. What a look finds is remembered in the store, so that no
process waits for a second look that another one has taken already.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from erp_feeds.batch import Sighting
from erp_feeds.inbox import listing
from erp_feeds.inbox.listing import Lister
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.store import looks

ASKED_AT_ONCE = 1_000
"""Files whose exact time one look asks for, where LIST gives it roughly: the others follow in later looks."""


@dataclass(frozen=True)
class Look:
    """What is in an inbox."""

    complete: tuple[Sighting, ...]
    """New, and unchanged for the merchant's stable_for over at least two looks."""
    settling: int
    """How many others are new, and perhaps still being uploaded."""
    known: tuple[Sighting, ...]
    """What the ledger knows already."""
    truncated: tuple[str, ...]
    """Folders of which the server did not list every name."""
    unreadable: int
    """Lines of listings that are in no known form."""
    without_size: int
    """Files of which the server tells no size, so that nothing could tell when they are complete."""
    stray: tuple[str, ...]
    """Paths of files meant for this merchant, in a folder or under a name that nothing looks for."""

    def passed_over(self) -> list[str]:
        """Return a sentence for each kind of thing that no run will ever take as it is."""
        said = []
        if self.unreadable:
            said.append(f"{self.unreadable} lines of the listing are in no known form and were passed over")
        if self.without_size:
            said.append(f"{self.without_size} files are passed over, since the server tells no size of them")
        if self.stray:
            said.append(
                f"{len(self.stray)} files are passed over for their name or folder, such as {self.stray[0]}: "
                "`python -m erp_feeds doctor` tells what is expected"
            )
        return said


def look(hook: Lister, connection: psycopg.Connection, merchant: Merchant) -> Look:
    """Look at an inbox once.

    Raises:
        RetryError: The server or the store cannot be reached for now.
        FailError: A folder or the login must be corrected first.
    """
    interfaces = interfaces_of(merchant)
    found = listing.look(hook, merchant, interfaces)
    candidates = looks.unlisted(connection, merchant.name, found.sightings)
    beyond = _beyond_reach(candidates)
    within = [each for each in candidates if each.path not in beyond]
    asked = listing.stamped(hook, within)
    new = looks.unknown(connection, merchant.name, asked)
    names = [interface.name for interface in interfaces]
    complete = looks.settled(connection, merchant.name, names, new, merchant.ftps.stable_for)
    exact = {sighting.path: sighting for sighting in asked}
    not_known = beyond | {sighting.path for sighting in new}
    return Look(
        complete=tuple(complete),
        settling=len(new) - len(complete),
        known=tuple(exact.get(each.path, each) for each in found.sightings if each.path not in not_known),
        truncated=found.truncated,
        unreadable=found.unreadable,
        stray=found.stray,
        without_size=len(within) - len(asked),
    )


def _beyond_reach(candidates: list[Sighting]) -> set[str]:
    """Return the paths that this look does not ask for, since each question is a round trip to the server."""
    return {sighting.path for sighting in [each for each in candidates if each.listed][ASKED_AT_ONCE:]}
