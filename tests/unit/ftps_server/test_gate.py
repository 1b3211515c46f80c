"""The gate of the FTPS server: who is logged out, and who is not."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from erp_feeds.ftps_server import gate as gates
from erp_feeds.ftps_server.gate import Gate, Limits
from erp_feeds.store.ftps_accounts import Login


class SlowAccounts:
    """Answers a review once it is allowed to."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def login(self, name: str, password: str) -> Login | None:
        return None

    def good(self, names: Collection[str]) -> set[tuple[str, int]]:
        self.may_answer.wait(30)
        return {(name, 1) for name in names if name != "disabled"}


class LoggedIn:
    """What the gate looks at of a session."""

    is_busy = False
    outdated_since: float | None = None

    def __init__(self, name: str) -> None:
        self.login = Login(name, name, 1)


def test_who_logs_in_during_a_review_is_not_judged_by_it(tmp_path: Path) -> None:
    accounts = SlowAccounts()
    gate = Gate(tmp_path, accounts, Limits())
    good, disabled, later = sessions = [LoggedIn(name) for name in ("good", "disabled", "later")]
    known: set[Any] = gate.sessions
    known |= {good, disabled}
    gate.review()
    known.add(later)
    accounts.may_answer.set()
    while gate._good is not None:
        gate.settle()
    assert [each.outdated_since is None for each in sessions] == [True, False, True]
    gate.close()


def test_who_fails_on_is_forgotten_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "REMEMBERED", 4)
    gate = Gate(tmp_path, SlowAccounts(), Limits(failed_logins=3))
    for other in ("a", "b", "c"):
        gate.failed("shop", "attacker", is_known=True)
        gate.failed(other, other, is_known=True)
    assert gate.is_locked("shop", "attacker")
    assert not gate.is_locked("a", "a")
    gate.close()
