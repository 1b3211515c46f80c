"""Who may log in, how often, and for how long: checked beside the server's loop, which never waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from erp_feeds.errors import counted
from erp_feeds.ftps_server.space import Space
from erp_feeds.store.ftps_accounts import READER, Login

if TYPE_CHECKING:
    from erp_feeds.ftps_server.handler import Session

log = logging.getLogger("erp_feeds.ftps_server")

CHECKERS = 4
"""Passwords that are checked at a time: each costs 16 MB and 50 ms."""
LOCKED_SECONDS = 600.0
"""How long failed logins count."""
REMEMBERED = 10_000
"""Pairs of login and address whose failures are remembered."""
OUTDATED_SECONDS = 60.0
"""How long a session of an earlier password may do what follows an upload, such as renaming it."""


class Accounts(Protocol):
    """What knows the passwords; called in threads."""

    def login(self, name: str, password: str) -> Login | None:
        """Return what a password opens; None: nothing."""
        ...

    def good(self, names: Collection[str]) -> set[tuple[str, int]]:
        """Return which of these logins are open now, with the versions of their passwords that are good."""
        ...


@dataclass(frozen=True)
class Limits:
    """How much one login or address may ask of the server."""

    failed_logins: int = 10
    """Of one login from one address in ten minutes; of an address, five times as many."""
    sessions_per_login: int = 20
    """Not of the reader."""
    sessions_per_address: int = 100
    sessions: int = 500
    quota: int = 20_000_000_000
    """Bytes in the folder of one login."""


@dataclass(frozen=True)
class Checked:
    """The result of checking a password."""

    login: Login | None
    is_known: bool
    """Whether the name is an open account's: any other may be a password typed into the wrong field."""
    home: Path
    space: Space | None


class Gate:
    """Checks logins; everything but `_check` runs in the server's loop."""

    def __init__(self, home: Path, accounts: Accounts, limits: Limits) -> None:
        self.limits = limits
        self.sessions: set[Session] = set()
        """Those that are logged in."""
        self.pending: dict[Session, Future[Checked]] = {}
        self._home = home
        self._accounts = accounts
        self._workers = ThreadPoolExecutor(CHECKERS, thread_name_prefix="ftps-login")
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}
        self._spaces: dict[str, Space] = {}
        self._good: Future[set[tuple[str, int]]] | None = None
        self._reviewed: set[Session] = set()
        """Those that the answer is about: who logged in since may have a newer account or password."""

    def ask(self, session: Session, password: str) -> None:
        """Check a password; the session hears of it in a later turn of the loop."""
        self.pending[session] = self._workers.submit(self._check, session.username, password)

    def settle(self) -> None:
        """Pass on what has been checked since the last turn."""
        for session in [each for each, future in self.pending.items() if future.done()]:
            session.checked(self.pending.pop(session))
        if self._good and self._good.done():
            if not self._good.exception():  # else the store is out of reach, and nobody is logged out
                self._end_outdated(self._good.result())
            self._good = None

    def review(self) -> None:
        """Ask which sessions use a disabled account, or a password that is no longer good."""
        if self.sessions and self._good is None:
            self._reviewed = set(self.sessions)
            names = {session.login.name for session in self._reviewed}
            self._good = self._workers.submit(self._accounts.good, names)

    def is_locked(self, name: str, address: str) -> bool:
        """Return whether too many logins have failed within `LOCKED_SECONDS`."""
        allowed = self.limits.failed_logins
        return self._failed(name, address) >= allowed or self._failed("", address) >= 5 * allowed

    def failed(self, name: str, address: str, *, is_known: bool) -> None:
        """Count a failed login."""
        for key in ((name, address), ("", address)):
            number = self._failed(*key) + 1
            self._failures.pop(key, None)  # who fails again is forgotten last
            self._failures[key] = (number, time.monotonic())
        while len(self._failures) > REMEMBERED:
            del self._failures[next(iter(self._failures))]
        log.warning("%s from %s: login refused", name if is_known else "unknown login", address)
        if self.is_locked(name, address):
            log.warning("%s: no more logins for %.0f minutes", address, LOCKED_SECONDS / 60)

    def is_full(self, name: str) -> bool:
        """Return whether a login has as many sessions as it may."""
        number = sum(each.login.name == name for each in self.sessions)
        return name != READER and number >= self.limits.sessions_per_login

    def close(self) -> None:
        """End the threads."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _failed(self, name: str, address: str) -> int:
        number, at = self._failures.get((name, address), (0, 0.0))
        return number if time.monotonic() - at < LOCKED_SECONDS else 0

    def _check(self, name: str, password: str) -> Checked:
        found = self._accounts.login(name, password)
        if found is None:
            return Checked(None, bool(self._accounts.good([name])), self._home, None)
        home = self._home / found.folder
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not found.folder:
            return Checked(found, is_known=True, home=home, space=None)
        space = self._spaces.setdefault(found.folder, Space(home, self.limits.quota, self._workers))
        space.measure()
        return Checked(found, is_known=True, home=home, space=space)

    def _end_outdated(self, good: set[tuple[str, int]]) -> None:
        now = time.monotonic()
        ended = 0
        for session in self.sessions & self._reviewed:
            if (session.login.name, session.login.version) in good:
                session.outdated_since = None
            elif session.outdated_since is None:
                session.outdated_since = now
            elif not session.is_busy and now - session.outdated_since > OUTDATED_SECONDS:
                session.end("421 The account has changed: log in again.")
                ended += 1
        if ended:
            log.info("ended %s of changed accounts", counted(ended, "session"))
