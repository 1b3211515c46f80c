"""Merchants of one server share a scan; an error is logged once, and concerns only its own merchant."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from erp_feeds.errors import FailError, RetryError
from erp_feeds.inbox import poller as gatherings
from erp_feeds.inbox.poller import REFUSED_LOGIN_SECONDS, PollResult, ServerPoller, poller_of
from erp_feeds.merchant import Merchant
from support.merchants import merchant_of

WAITING = PollResult(frozenset({("srs_customers", "TestShop_SRS_Customers_1.zip", 10)}))


def merchant(name: str) -> Merchant:
    return merchant_of(name=name, ftps={"connection": "shared_ftps"}, interfaces={"srs_customers": {}})


class Server:
    """Answers scans by a script and remembers who asked."""

    def __init__(self) -> None:
        self.scans: list[list[str]] = []
        self.answers: list[dict[str, PollResult] | Exception] = []
        self.free = threading.Event()
        self.free.set()

    def scan_together(self, connection_id: str, merchants: list[Merchant]) -> dict[str, PollResult]:
        assert connection_id == "shared_ftps"
        assert threading.current_thread().name.startswith("inbox")
        self.scans.append(sorted(each.name for each in merchants))
        assert self.free.wait(5)
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return {each.name: answer.get(each.name, WAITING) for each in merchants}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()
    monkeypatch.setattr(gatherings, "scan_together", found.scan_together)
    monkeypatch.setattr(gatherings, "COALESCE_SECONDS", 0.01)
    return found


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged, in order."""
    lines: list[str] = []

    def record(event: str, merchants: str, reason: str = "") -> None:
        lines.append(f"{event}: {merchants}" + (f": {reason}" if reason else ""))

    monkeypatch.setattr(gatherings, "log", SimpleNamespace(info=record, warning=record))
    return lines


def scanned(*rounds: tuple[str, ...]) -> list[dict[str, PollResult]]:
    """Let merchants ask, round by round."""

    async def ask() -> list[dict[str, PollResult]]:
        shared = poller_of("shared_ftps")
        results = []
        for names in rounds:
            found = await asyncio.gather(*(shared.scan(merchant(name)) for name in names))
            results.append(dict(zip(names, found, strict=True)))
        return results

    return asyncio.run(ask())


def test_who_asks_at_the_same_moment_shares_a_scan(server: Server) -> None:
    assert scanned(("a", "b", "c"), ("a",)) == [dict.fromkeys("abc", WAITING), {"a": WAITING}]
    assert server.scans == [["a", "b", "c"], ["a"]]


def test_who_asks_while_a_scan_is_under_way_shares_the_next_one(server: Server) -> None:
    async def ask() -> list[PollResult]:
        shared = poller_of("shared_ftps")
        server.free.clear()
        asked = [asyncio.ensure_future(shared.scan(merchant("a")))]
        for name in "bc":
            await asyncio.sleep(0.05)
            asked.append(asyncio.ensure_future(shared.scan(merchant(name))))
        await asyncio.sleep(0.05)
        assert server.scans == [["a"]]
        server.free.set()
        return await asyncio.wait_for(asyncio.gather(*asked), 5)

    assert asyncio.run(ask()) == [WAITING] * 3
    assert server.scans == [["a"], ["b", "c"]]


def test_one_gathering_per_server_and_event_loop() -> None:
    async def gatherings_here() -> tuple[ServerPoller, ServerPoller, ServerPoller]:
        return poller_of("x"), poller_of("x"), poller_of("y")

    first, again, other = asyncio.run(gatherings_here())
    assert first is again
    assert first is not other


def test_a_trigger_that_is_cancelled_takes_nothing_from_the_others(server: Server) -> None:
    async def ask() -> Any:
        shared = poller_of("shared_ftps")
        leaving, staying = (asyncio.ensure_future(shared.scan(merchant(name))) for name in "ab")
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(ask()) == WAITING


def test_a_server_that_is_down_is_told_once_and_so_is_its_return(server: Server, said: list[str]) -> None:
    away = RetryError("no answer in time")
    server.answers = [away, away, away, {}, {}, away]
    found = scanned(*[("a", "b")] * 6)
    assert found[0] == dict.fromkeys("ab", PollResult(error="no answer in time"))
    assert found[3] == dict.fromkeys("ab", WAITING)
    assert said == [
        "cannot scan the inbox: a, b: no answer in time",
        "the inbox can be scanned again: a, b",
        "cannot scan the inbox: a, b: no answer in time",
    ]


def test_the_error_of_one_merchant_is_its_own(server: Server, said: list[str]) -> None:
    missing = {"a": PollResult(error="folder /a does not exist")}
    server.answers = [missing, missing, {}]
    found = scanned(*[("a", "b")] * 3)
    assert [each["b"] for each in found] == [WAITING] * 3
    assert said == ["cannot scan the inbox: a: folder /a does not exist", "the inbox can be scanned again: a"]


def test_a_error_of_the_software_is_told_without_its_words(server: Server, said: list[str]) -> None:
    server.answers = [ValueError("ada@example.com")]
    assert scanned(("a",))[0]["a"].waiting is None
    assert said == ["cannot scan the inbox: a: ValueError"]


def test_a_refused_login_is_not_repeated_at_every_scan(server: Server) -> None:
    server.answers = [FailError("login refused", "login_refused"), FailError("no such CA", "no_ca_file")]
    first, second = scanned(("a",), ("a",))
    assert (first["a"].pause, second["a"].pause) == (REFUSED_LOGIN_SECONDS, 0)
