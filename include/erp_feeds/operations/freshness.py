"""Whether a feed is on time: a pure function of its latest file, the clock and the merchant file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from erp_feeds.merchant import Freshness

DAY = timedelta(days=1)
HALF_A_DAY = timedelta(hours=12)


class FeedState(StrEnum):
    """Whether the files of an interface come as expected."""

    ON_TIME = "on time"
    LATE = "late"
    MISSING = "missing"
    WAITING_FOR_FIRST_FILE = "waiting for the first file"
    NOT_CHECKED = "not checked"
    """The merchant file says `freshness: null`."""


@dataclass(frozen=True)
class FeedFreshness:
    """How fresh the feed of one interface is."""

    state: FeedState
    last: datetime | None = None
    """When its latest file came, in the merchant's zone."""
    age: timedelta | None = None
    next_expected: datetime | None = None
    """Until when the next file is on time, in the merchant's zone."""


def freshness_of(
    last: datetime | None, now: datetime, settings: Freshness | None, timezone: str
) -> FeedFreshness:
    """Return how fresh a feed is.

    By age, the next file is expected `warn_after` the latest one. By time of day, a file counts for the
    deadline that it is nearest to, so one that comes late, or the evening before, is that day's file; the
    next is expected a day after that deadline, and missing 12 hours later: then a file is the next day's.

    Args:
        last: When the latest file came; None before the first.
        now: The moment to judge.
        settings: What the merchant file expects; None: nothing.
        timezone: The merchant's.
    """
    if last is None:
        return FeedFreshness(FeedState.WAITING_FOR_FIRST_FILE)
    last = last.astimezone(ZoneInfo(timezone))
    if settings is None:
        return FeedFreshness(FeedState.NOT_CHECKED, last, now - last)
    late, missing = _limits(last, settings, ZoneInfo(timezone))
    state = FeedState.ON_TIME
    if now > late:
        state = FeedState.LATE if now <= missing else FeedState.MISSING
    return FeedFreshness(state, last, now - last, late)


def _limits(last: datetime, settings: Freshness, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the moments after which the feed is late, and missing."""
    if settings.expected_by is None:
        warn, error = settings.ages
        began = last.astimezone(UTC)  # hours that pass, also when the clock changes
        return (began + warn).astimezone(zone), began + error
    days = (last.date() + each * DAY for each in (-1, 0, 1))
    deadlines = [datetime.combine(day, settings.expected_by, zone) for day in days]
    its_own = min(deadlines, key=lambda deadline: abs(deadline.timestamp() - last.timestamp()))
    late = datetime.combine(its_own.date() + DAY, settings.expected_by, zone)
    return late, datetime.fromtimestamp(late.timestamp() + HALF_A_DAY.total_seconds(), zone)
