"""A feed is judged by its latest file and what the merchant file expects, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from erp_feeds.merchant import Freshness
from erp_feeds.operations.freshness import FeedState, freshness_of

LAST = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)  # 07:30 in Amsterdam
ZONE = "Europe/Amsterdam"


def state(hours: float, last: datetime = LAST, **told: Any) -> str:
    return freshness_of(last, last + timedelta(hours=hours), Freshness(**told), ZONE).state


def test_by_default_a_feed_brings_a_file_a_day() -> None:
    assert [state(hours) for hours in (0, 26, 26.1, 36, 36.1, 500)] == [
        "on time", "on time", "late", "late", "missing", "missing",
    ]  # fmt: skip
    found = freshness_of(LAST, LAST + timedelta(hours=3), Freshness(), ZONE)
    assert (found.last, found.age) == (LAST, timedelta(hours=3))
    assert found.next_expected == LAST + timedelta(hours=26)
    assert {str(each.tzinfo) for each in (found.last, found.next_expected) if each} == {ZONE}


def test_a_merchant_sets_the_ages() -> None:
    assert [state(hours, warn_after="90m", error_after="2h") for hours in (1.5, 1.6, 2.1)] == [
        "on time", "late", "missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ("2026-03-02T06:59+01:00", "2026-03-03T07:00+01:00"),  # in time
        ("2026-03-02T07:30+01:00", "2026-03-03T07:00+01:00"),  # late: it is no file of tomorrow
        ("2026-03-01T23:30+01:00", "2026-03-03T07:00+01:00"),  # the evening before: it is the file of the 2nd
        ("2026-03-02T19:30+01:00", "2026-03-04T07:00+01:00"),  # the evening before the 3rd
        ("2026-03-28T06:50+01:00", "2026-03-29T07:00+02:00"),  # the night in which clocks go forward
        ("2026-10-24T06:50+02:00", "2026-10-25T07:00+01:00"),
    ],
)
def test_by_time_of_day_a_file_counts_for_the_deadline_it_is_nearest_to(came: str, expected: str) -> None:
    last, due = datetime.fromisoformat(came), datetime.fromisoformat(expected)
    rule = Freshness.model_validate({"expected_by": "07:00"})

    def found(now: datetime) -> tuple[str, datetime | None]:
        judged = freshness_of(last, now, rule, ZONE)
        return judged.state, judged.next_expected

    assert found(due) == ("on time", due)
    assert found(due + timedelta(minutes=1)) == ("late", due)
    assert found(due + timedelta(hours=12)) == ("late", due)
    assert found(due + timedelta(hours=12, minutes=1)) == ("missing", due)


def test_before_the_first_file_and_where_nothing_is_expected_nobody_waits() -> None:
    assert freshness_of(None, LAST, Freshness(), ZONE).state is FeedState.WAITING_FOR_FIRST_FILE
    assert freshness_of(LAST, LAST + timedelta(days=99), None, ZONE).state is FeedState.NOT_CHECKED
