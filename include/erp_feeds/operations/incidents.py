"""Compares what is open of a merchant with its incidents: new ones open, those without a cause resolve."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from erp_feeds.codes import IncidentKind
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.operations.freshness import FeedState, freshness_of
from erp_feeds.store import inbox_scans, incidents
from erp_feeds.store.inbox_scans import InboxState
from erp_feeds.store.incidents import Cause, Incident
from erp_feeds.store.merchant_settings import for_reports

KIND_OF = {FeedState.LATE: IncidentKind.LATE, FeedState.MISSING: IncidentKind.MISSING}
MISSED_SCANS = 3
"""Scans that must be left out before a silent inbox counts, where the merchant has it scanned rarely."""


@dataclass(frozen=True)
class Feed:
    """One interface of a merchant, and how fresh it is."""

    merchant: str
    interface: str
    state: FeedState
    last_file: datetime | None
    age: str | None
    next_expected: datetime | None
    """Until when the next file is on time, in the merchant's zone."""


def feeds(connection: psycopg.Connection, merchants: Collection[Merchant], now: datetime) -> list[Feed]:
    """Return how fresh each interface of some merchants is."""
    merchants = for_reports(connection, merchants)
    latest = incidents.latest_files_of(connection, [merchant.name for merchant in merchants])
    found = []
    for merchant, name in ((each, known.name) for each in merchants for known in interfaces_of(each)):
        last = latest.get(merchant.name, {}).get(name)
        fresh = freshness_of(last, now, merchant.interfaces[name].freshness, merchant.timezone)
        age = None if fresh.age is None else _in_words(fresh.age)
        found.append(Feed(merchant.name, name, fresh.state, fresh.last, age, fresh.next_expected))
    return found


def to_sync(connection: psycopg.Connection, merchants: Collection[Merchant], now: datetime) -> list[Merchant]:
    """Return the merchants that `sync` may find something to do for: of many, most have nothing open."""
    names = [merchant.name for merchant in merchants]
    states = {state.merchant: state for state in inbox_scans.states(connection, names)}
    late = {feed.merchant for feed in feeds(connection, merchants, now) if feed.state in KIND_OF}
    found = incidents.concerned(connection, names) | late
    return [
        merchant
        for merchant in merchants
        if merchant.name in found or _inbox(states.get(merchant.name), merchant, now, at_once=False)
    ]


def sync(
    connection: psycopg.Connection, merchant: Merchant, now: datetime, *, failed: Cause | None = None
) -> list[Incident]:
    """Bring the incidents of a merchant up to date; return those of which an alert is due.

    Args:
        connection: Of the store.
        merchant: Whose files, records, feeds and inbox are compared.
        now: The moment to judge.
        failed: A task that has just failed. Where it is `sense`, and the inbox is out of reach, that is the
            incident, and at once: a run has given up on it.
    """
    gave_up = failed is not None and failed.code == "sense"
    state = inbox_scans.state(connection, merchant.name)
    opened = incidents.listed(connection, merchant.name, with_dismissed=True)
    known = next((each for each in opened if each.kind == IncidentKind.UNREACHABLE), None)
    inbox = _inbox(state, merchant, now, at_once=gave_up or known is not None)
    if failed and not (gave_up and inbox):
        incidents.task_failed(connection, merchant.name, failed)
    seen = _seen_until(state, known, now)
    late = [cause for feed in feeds(connection, [merchant], seen) if (cause := _late(feed, merchant))]
    # Most of many merchants have nothing to compare.
    if opened or late or inbox or incidents.causes(connection, merchant.name):
        incidents.update(connection, merchant.name, [*late, *inbox])
    return incidents.pending(connection, merchant.name)


def _late(feed: Feed, merchant: Merchant) -> Cause | None:
    """Return a cause for a feed that is late or missing."""
    if feed.state not in KIND_OF or feed.last_file is None or feed.next_expected is None:
        return None
    reason = (
        f"the latest file came on {merchant.local_time(feed.last_file)}, the next was expected by "
        f"{merchant.zoned_time(feed.next_expected)}"
    )
    return Cause(feed.interface, KIND_OF[feed.state], "", 1, feed.next_expected, reason)


def _seen_until(state: InboxState | None, known: Incident | None, now: datetime) -> datetime:
    """Return until when feeds are judged: what came later waits unseen, and no sender is blamed for it.

    The check that resolves an unreachable inbox still judges by the moment before: files that waited there
    are only now being found. Where a person has dismissed the inbox, feeds are judged as if it were scanned.
    """
    if known:
        return now if known.dismissed_at else min(now, known.since)
    seen = (state.failing_since or state.succeeded_at) if state else None
    return min(now, seen) if seen else now


def _inbox(state: InboxState | None, merchant: Merchant, now: datetime, *, at_once: bool) -> list[Cause]:
    """Return a cause for an inbox that was not scanned for too long; for one that fails, at once if so asked.

    Once open it stays so until a scan succeeds, however soon it opened.
    """
    since = (state.failing_since or state.succeeded_at) if state else None
    if state is None or since is None:
        return []
    allowed = max(merchant.unreachable_after, MISSED_SCANS * timedelta(seconds=merchant.ftps.poll_interval))
    if now - since < allowed and not (state.failing_since and at_once):
        return []
    silent = f"no scan since {merchant.zoned_time(since)}: is the DAG paused, or the triggerer down?"
    return [Cause(None, IncidentKind.UNREACHABLE, "", 1, since, state.reason or silent)]


def _in_words(age: timedelta) -> str:
    """Return an age in its two largest units: 12m, 27h 5m, 3d 4h."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes}m"
    hours = minutes // 60
    return f"{hours}h {minutes % 60}m" if hours < 48 else f"{hours // 24}d {hours % 24}h"
