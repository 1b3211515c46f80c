"""The wake-up: says when something waits, says it again when it keeps waiting, and outlives every error."""

from __future__ import annotations

import asyncio
import json
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from erp_feeds.inbox.poller import PollResult, ServerPoller
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration import trigger
from erp_feeds.orchestration.trigger import (
    ABANDONED_SECONDS,
    HOLD_SECONDS,
    NEXT_RUN_SECONDS,
    RUNS_AT_ONCE,
    InboxTrigger,
)
from support.merchants import merchant_of

MERCHANT = merchant_of(
    ftps={"connection": "testshop_ftps", "poll_interval": 20, "stable_for": 10},
    interfaces={"srs_customers": {}, "srs_purchases": {}},
)
CUSTOMERS = ("srs_customers", "TestShop_SRS_Customers_1.zip", 10)
PURCHASES = ("srs_purchases", "TestShop_SRS_Purchases_1.zip", 20)

pytestmark = pytest.mark.timeout(60)  # a trigger that outlives the end of its script would go on for ever


def test_a_trigger_is_made_again_from_what_it_serialises() -> None:
    trigger = InboxTrigger(MERCHANT.model_dump(mode="json"))
    path, arguments = trigger.serialize()
    again = pkgutil.resolve_name(path)(**json.loads(json.dumps(arguments)))
    assert type(again) is InboxTrigger
    assert again.serialize() == (path, arguments)


def test_settings_of_another_version_cost_no_other_merchant_the_triggerer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def sleep(_: float) -> None:
        raise ScriptEndError

    monkeypatch.setattr(trigger, "asyncio", SimpleNamespace(sleep=sleep))
    newer = InboxTrigger({**MERCHANT.model_dump(mode="json"), "field_of_tomorrow": "a secret"})
    with pytest.raises(ScriptEndError):
        asyncio.run(anext(newer.run()))
    said = capsys.readouterr().out
    assert "testshop: no scan of the inbox" in said
    assert "(field_of_tomorrow)" in said
    assert "secret" not in said


class ScriptEndError(BaseException):
    """No more scans: ends the trigger, which no error does."""


NOTHING = PollResult(frozenset())


def waiting(*files: tuple[str, str, int]) -> PollResult:
    """Files that no run has taken."""
    return PollResult(frozenset(files), frozenset(files))


def taken(*files: tuple[str, str, int], runs: int = 1, then: PollResult = NOTHING) -> PollResult:
    """Files that runs have taken, and what waits besides."""
    return replace(then, waiting=then.untaken | set(files), runs=runs)


UNSEEN = PollResult(error="the server is away")
Events = Callable[..., list[tuple[float, int]]]


@pytest.fixture
def pauses() -> list[float]:
    """How long the trigger slept after each scan."""
    return []


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> Events:
    """Let a trigger scan by a script of (when, what is there); return when it sent events, with how many."""

    def run(*script: tuple[float, PollResult]) -> list[tuple[float, int]]:
        clock = {"now": 0.0}
        scans = iter(script)

        async def scan(self: ServerPoller, merchant: Merchant) -> PollResult:
            assert merchant == MERCHANT
            step = next(scans, None)
            if step is None:
                raise ScriptEndError
            clock["now"], found = step
            return found

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(ServerPoller, "scan", scan)
        # Only the trigger's own clock and sleep: asyncio goes on by the real ones.
        monkeypatch.setattr(
            trigger, "time", SimpleNamespace(monotonic=lambda: clock["now"], time=lambda: clock["now"])
        )
        monkeypatch.setattr(trigger, "asyncio", SimpleNamespace(sleep=sleep))
        return asyncio.run(_spoken(clock))

    return run


async def _spoken(clock: dict[str, float]) -> list[tuple[float, int]]:
    trigger = InboxTrigger(MERCHANT.model_dump(mode="json"))
    spoken: list[tuple[float, int]] = []
    try:
        async for event in trigger.run():
            assert event.payload["merchant"] == "testshop"
            assert event.payload.keys() == {
                "merchant",
                "host",
                "folder",
                "files",
            }  # no list of work, no personal data
            spoken.append((clock["now"], event.payload["files"]))
    except ScriptEndError:
        return spoken
    raise AssertionError("the trigger ended by itself")


def test_silent_while_nothing_waits(events: Events) -> None:
    assert events((1000, waiting()), (2000, waiting()), (3000, waiting())) == []


def test_speaks_once_of_what_waits(events: Events) -> None:
    scans = [(1000.0 + second, waiting(CUSTOMERS)) for second in range(0, int(ABANDONED_SECONDS), 10)]
    assert events(*scans) == [(1000, 1)]


def test_speaks_of_what_is_added_when_the_run_at_work_is_through_or_takes_long(events: Events) -> None:
    through = events(
        (1000, waiting(CUSTOMERS)),
        (1001, waiting(CUSTOMERS, PURCHASES)),
        (1002, waiting(PURCHASES)),
        (1003, waiting(PURCHASES)),
    )
    assert through == [(1000, 1), (1002, 1)]
    late = 1001 + HOLD_SECONDS
    long = events(*((now, waiting(CUSTOMERS, PURCHASES)) for now in (1001, late, late + 1)))
    assert long == [(1001, 2)]
    long = events((1000, waiting(CUSTOMERS)), *((now, waiting(CUSTOMERS, PURCHASES)) for now in (1001, late)))
    assert long == [(1000, 1), (late, 2)]


def test_speaks_of_the_same_file_when_it_comes_back(events: Events) -> None:
    spoken = events((1000, waiting(CUSTOMERS)), (1001, waiting()), (1002, waiting(CUSTOMERS)))
    assert spoken == [(1000, 1), (1002, 1)]


def test_speaks_again_of_what_keeps_waiting(events: Events) -> None:
    late = ABANDONED_SECONDS + 1
    times = (1000, 999 + late, 1000 + late, 1001 + late, 1000 + 2 * late)
    for left in (waiting(CUSTOMERS), taken(CUSTOMERS)):
        spoken = events(*((now, left) for now in times))
        assert spoken == [(1000, 1), (1000 + late, 1), (1000 + 2 * late, 1)]


def test_speaks_of_new_files_when_the_run_at_work_is_through(events: Events) -> None:
    both = taken(CUSTOMERS, then=waiting(PURCHASES))
    spoken = events((1000, waiting(CUSTOMERS)), (1010, both), (1020, both), (1021, waiting(PURCHASES)))
    assert spoken == [(1000, 1), (1021, 1)]
    long = events((1000, waiting(CUSTOMERS)), *((1001 + late, both) for late in (0, HOLD_SECONDS)))
    assert long == [(1000, 1), (1001 + HOLD_SECONDS, 1)]


def test_a_second_run_begins_at_once_where_more_files_wait_than_one_takes(events: Events) -> None:
    first, second, third = (("srs_customers", f"{number}.zip", 1) for number in range(3))
    full = replace(waiting(second), is_full=True)
    spoken = events(
        (1000, replace(waiting(first), is_full=True)),
        (1001, replace(waiting(first), is_full=True)),  # its run has not taken it yet
        (1002, taken(first, then=full)),
        (1003, taken(first, then=full)),
        (1004, taken(first, second, runs=RUNS_AT_ONCE, then=replace(waiting(third), is_full=True))),
        (1005, taken(second, then=replace(waiting(third), is_full=True))),
        (1006, taken(second, third, runs=RUNS_AT_ONCE)),
    )
    assert spoken == [(1000, 1), (1002, 1), (1005, 1)]


def test_scans_sooner_for_the_next_run_where_more_files_wait_than_one_takes(
    events: Events, pauses: list[float]
) -> None:
    full = replace(waiting(CUSTOMERS), is_full=True)
    assert events(*((now, full) for now in (1000.0, 1020.0, 1000.0 + HOLD_SECONDS))) == [(1000, 1)]
    assert pauses[:2] == [NEXT_RUN_SECONDS] * 2
    assert pauses[2] > NEXT_RUN_SECONDS


def test_scans_sooner_while_runs_are_under_way_and_more_files_wait_than_one_takes(
    events: Events, pauses: list[float]
) -> None:
    more = replace(waiting(CUSTOMERS), is_full=True)
    events(*((1000.0 + HOLD_SECONDS * number, taken(PURCHASES, then=more)) for number in range(3)))
    assert pauses == [NEXT_RUN_SECONDS] * 3


def test_is_silent_while_the_inbox_cannot_be_seen_and_repeats_no_event_after_it(events: Events) -> None:
    spoken = events(
        (1000, waiting(CUSTOMERS)),
        (1001, UNSEEN),
        (1002, waiting(CUSTOMERS)),
        (1003, UNSEEN),
        (1004, waiting(PURCHASES)),
    )
    assert spoken == [(1000, 1), (1004, 1)]


def test_scans_at_the_same_moments_whenever_it_was_started(events: Events, pauses: list[float]) -> None:
    """Merchants of one server thereby share its scans."""
    times = (1000.0, 1003.0, 1019.5, 1020.0)
    events(*((now, waiting()) for now in times))
    moments = [(now + pause) % 20 for now, pause in zip(times, pauses, strict=True)]
    assert moments == pytest.approx([moments[0]] * len(times))
    assert all(0 < pause <= 20 for pause in pauses)


def test_scans_sooner_during_an_upload_and_later_after_a_refused_login(
    events: Events, pauses: list[float]
) -> None:
    scans = (PollResult(frozenset(), pause=2), PollResult(error="login refused", pause=300), waiting())
    events(*((1000.0, found) for found in scans))
    assert pauses[:2] == [2, 300]
    assert pauses[2] <= 20
