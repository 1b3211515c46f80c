"""The wake-up: says when something waits, says it again when it keeps waiting, and outlives every fault."""

from __future__ import annotations

import asyncio
import json
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from erp_feeds import watcher
from erp_feeds.batch import FeedFile, Sighting
from erp_feeds.errors import FailError, RetryError
from erp_feeds.merchant import Merchant
from erp_feeds.watcher import REMIND_AFTER, InboxTrigger, Patience, Waiting

MERCHANT = Merchant.model_validate(
    {
        "name": "testshop",
        "shop_name": "TestShop",
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "ftps": {"connection": "testshop_ftps", "poll_interval": 0.001, "stable_for": 10},
        "interfaces": {"srs_customers": {}, "srs_purchases": {}},
    }
)
CUSTOMERS = ("srs_customers", "TestShop_SRS_Customers_1.zip", 10)
PURCHASES = ("srs_purchases", "TestShop_SRS_Purchases_1.zip", 20)

pytestmark = pytest.mark.timeout(60)  # a trigger that outlives the end of its script would go on for ever


def sighting(size: int = 10, name: str = CUSTOMERS[1]) -> Sighting:
    modified = datetime(2017, 1, 6, tzinfo=UTC)
    return Sighting(interface="srs_customers", name=name, size=size, modified=modified)


class TestPatience:
    def test_one_look_is_never_enough(self) -> None:
        patience = Patience(stable_for=0)
        assert patience.complete([sighting()], now=100) == []
        assert patience.complete([sighting()], now=101) == [sighting()]

    def test_two_looks_at_once_are_one(self) -> None:
        patience = Patience(stable_for=0)
        assert patience.complete([sighting()], now=100) == []
        assert patience.complete([sighting()], now=100) == []

    def test_waits_as_long_as_the_merchant_says(self) -> None:
        patience = Patience(stable_for=10)
        looks = {now: patience.complete([sighting()], now) for now in (100.0, 105.0, 109.9, 110.0, 115.0)}
        assert looks == {100.0: [], 105.0: [], 109.9: [], 110.0: [sighting()], 115.0: [sighting()]}

    def test_an_upload_that_grows_starts_anew(self) -> None:
        patience = Patience(stable_for=10)
        patience.complete([sighting(1)], now=100)
        assert patience.complete([sighting(2)], now=110) == []
        assert patience.complete([sighting(2)], now=119) == []
        assert patience.complete([sighting(2)], now=120) == [sighting(2)]

    def test_what_was_away_starts_anew(self) -> None:
        patience = Patience(stable_for=10)
        patience.complete([sighting()], now=100)
        patience.complete([], now=105)
        assert patience.complete([sighting()], now=110) == []

    def test_a_growing_file_holds_up_no_other(self) -> None:
        patience = Patience(stable_for=10)
        patience.complete([sighting(name="a"), sighting(1, "b")], now=100)
        assert patience.complete([sighting(name="a"), sighting(2, "b")], now=110) == [sighting(name="a")]


def test_a_trigger_is_made_again_from_what_it_serialises() -> None:
    trigger = InboxTrigger(MERCHANT.model_dump(mode="json"))
    path, arguments = trigger.serialize()
    again = pkgutil.resolve_name(path)(**json.loads(json.dumps(arguments)))
    assert type(again) is InboxTrigger
    assert again.merchant == MERCHANT
    assert again.serialize() == (path, arguments)


Look = tuple[float, Waiting | Exception]
"""When, and what is there or goes wrong."""


class ScriptEndError(BaseException):
    """No more looks: ends the trigger, which no fault does."""


def waiting(*files: tuple[str, str, int]) -> Waiting:
    return frozenset(files)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the trigger logs, in order; a reason follows its event."""
    lines: list[str] = []

    def record(event: str, merchant: str, reason: str = "") -> None:
        lines.append(f"{event}: {reason}" if reason else event)

    monkeypatch.setattr(watcher, "log", SimpleNamespace(info=record, warning=record))
    return lines


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Callable[..., list[tuple[float, int]]]:
    """Let a trigger look by a script; return when it spoke, and of how many files."""

    def run(*script: Look) -> list[tuple[float, int]]:
        clock = {"now": 0.0}
        looks = iter(script)

        def look(self: InboxTrigger) -> Waiting:
            clock["now"], found = next(looks, (clock["now"], ScriptEndError()))
            if isinstance(found, BaseException):
                raise found
            return found

        monkeypatch.setattr(InboxTrigger, "look", look)
        # Only the watcher's own clock: asyncio goes on by the real one.
        monkeypatch.setattr(watcher, "time", SimpleNamespace(monotonic=lambda: clock["now"]))
        return asyncio.run(_spoken(clock))

    return run


async def _spoken(clock: dict[str, float]) -> list[tuple[float, int]]:
    trigger = InboxTrigger(MERCHANT.model_dump(mode="json"))
    spoken: list[tuple[float, int]] = []
    try:
        async for event in trigger.run():
            assert event.payload["merchant"] == "testshop"
            assert event.payload.keys() == {"merchant", "files"}  # no list of work, no personal data
            spoken.append((clock["now"], event.payload["files"]))
    except ScriptEndError:
        return spoken
    raise AssertionError("the trigger ended by itself")


Events = Callable[..., list[tuple[float, int]]]


def test_silent_while_nothing_waits(events: Events) -> None:
    assert events((1000, waiting()), (2000, waiting()), (3000, waiting())) == []


def test_speaks_once_of_what_waits(events: Events) -> None:
    looks = [(1000.0 + second, waiting(CUSTOMERS)) for second in range(0, int(REMIND_AFTER), 10)]
    assert events(*looks) == [(1000, 1)]


def test_speaks_at_once_when_something_is_added(events: Events) -> None:
    spoken = events(
        (1000, waiting(CUSTOMERS)),
        (1001, waiting(CUSTOMERS, PURCHASES)),
        (1002, waiting(CUSTOMERS, PURCHASES)),
        (1003, waiting(PURCHASES)),
    )
    assert spoken == [(1000, 1), (1001, 2)]


def test_speaks_of_the_same_file_when_it_comes_back(events: Events) -> None:
    spoken = events((1000, waiting(CUSTOMERS)), (1001, waiting()), (1002, waiting(CUSTOMERS)))
    assert spoken == [(1000, 1), (1002, 1)]


def test_speaks_again_of_what_keeps_waiting(events: Events) -> None:
    late = REMIND_AFTER + 1
    times = (1000, 1000 + REMIND_AFTER, 1000 + late, 1001 + late, 1000 + 2 * late)
    assert events(*((now, waiting(CUSTOMERS)) for now in times)) == [
        (1000, 1),
        (1000 + late, 1),
        (1000 + 2 * late, 1),
    ]


def test_is_silent_during_a_fault_and_says_so_once(events: Events, said: list[str]) -> None:
    fault = RetryError("the server is away")
    spoken = events(
        (1000, fault),
        (2000, OSError("network is unreachable")),
        (3000, FailError("wrong password")),
        (4000, waiting(CUSTOMERS)),
        (4001, waiting(CUSTOMERS)),
    )
    assert spoken == [(4000, 1)]
    assert said == ["inbox cannot be seen: the server is away", "inbox can be seen again"]


def test_a_short_fault_repeats_no_event_and_the_next_is_said_anew(events: Events, said: list[str]) -> None:
    fault = RetryError("the server is away")
    spoken = events(
        (1000, waiting(CUSTOMERS)),
        (1001, fault),
        (1002, waiting(CUSTOMERS)),
        (1003, fault),
        (1004, waiting(CUSTOMERS, PURCHASES)),
    )
    assert spoken == [(1000, 1), (1004, 2)]
    assert said == ["inbox cannot be seen: the server is away", "inbox can be seen again"] * 2


def test_outlives_a_fault_of_the_software_without_quoting_it(events: Events, said: list[str]) -> None:
    assert events((1000, ValueError("ada@example.com")), (1001, waiting(CUSTOMERS))) == [(1001, 1)]
    assert said == ["inbox cannot be seen: ValueError", "inbox can be seen again"]


def test_looks_at_the_inbox_and_then_at_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only complete files are asked for; what the ledger holds unfinished counts, however old."""
    from erp_feeds.store import connection, ledger
    from erp_feeds.transport import ftps, inbox

    @contextmanager
    def opened(name: str) -> Iterator[str]:
        yield name

    asked: list[list[Sighting]] = []

    def unknown(store: str, merchant: str, sightings: list[Sighting]) -> list[Sighting]:
        assert (store, merchant) == ("erp_feeds_store", "testshop")
        asked.append(sightings)
        return sightings

    def unfinished(store: str, merchant: str, names: list[str], limit: int) -> list[FeedFile]:
        assert (names, limit) == (["srs_customers", "srs_purchases"], MERCHANT.limits.files_per_run)
        return [FeedFile(file_id=1, interface=PURCHASES[0], name=PURCHASES[1], size=20, index_number="1")]

    clock: dict[str, Any] = {"now": 1000.0}
    monkeypatch.setattr(watcher, "time", SimpleNamespace(monotonic=lambda: clock["now"]))
    monkeypatch.setattr(ftps, "FtpsHook", opened)
    monkeypatch.setattr(inbox, "look", lambda hook, merchant, interfaces: [sighting()])
    monkeypatch.setattr(connection, "connect", opened)
    monkeypatch.setattr(ledger, "unknown", unknown)
    monkeypatch.setattr(ledger, "unfinished", unfinished)

    trigger = InboxTrigger(MERCHANT.model_dump(mode="json"))
    assert trigger.look() == waiting(PURCHASES)
    clock["now"] += MERCHANT.ftps.stable_for
    assert trigger.look() == waiting(CUSTOMERS, PURCHASES)
    assert asked == [[], [sighting()]]
