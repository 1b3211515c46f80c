"""Merchants on one server share one login and one scan at a time."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.merchant import Merchant

if TYPE_CHECKING:
    from psycopg import Connection

    from erp_feeds.batch import FeedFile
    from erp_feeds.inbox.listing import Lister

COALESCE_SECONDS = 0.2
"""Seconds for which requests are collected, to answer them by one scan."""
REFUSED_LOGIN_SECONDS = 300.0
"""Seconds between two logins after a refused one: a server may lock out a user who keeps trying."""
POLLING = ThreadPoolExecutor(max_workers=64, thread_name_prefix="inbox")
"""Threads of our own: FTPS is blocking, and asyncio's default pool is small and shared with the triggerer.
Many, since a server that is down holds its thread until its timeout, and must hold up no other server."""

Waiting = frozenset[tuple[str, str, int]]
"""Interface, name and size of what waits."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PollResult:
    """What a scan found for one merchant."""

    waiting: Waiting | None = None
    """What no run has finished; None: the inbox cannot be scanned now."""
    untaken: Waiting = frozenset()
    """What the next run will take: none has so far."""
    is_full: bool = False
    """Whether that is as much as a run takes."""
    runs: int = 0
    """How many have taken files, and not finished them."""
    error: str = ""
    """Why not, as a message for people."""
    pause: float = 0.0
    """Seconds until the next scan, where it is not the merchant's poll interval."""
    host: str = ""
    """Host name of the server that was scanned."""


class ServerPoller:
    """The merchants of one server. Lives in one event loop."""

    def __init__(self, connection_id: str) -> None:
        self._connection_id = connection_id
        self._asking: dict[str, tuple[Merchant, asyncio.Future[PollResult]]] = {}
        self._not_scanned: set[str] = set()
        self._running: asyncio.Task[None] | None = None

    async def scan(self, merchant: Merchant) -> PollResult:
        """Return what the next scan finds; requests that arrive within COALESCE_SECONDS share it.

        A scan still under way is waited for: a slow server gets no second login, and holds one thread.
        """
        loop = asyncio.get_running_loop()
        if not self._asking:
            loop.call_later(COALESCE_SECONDS, self._start_next)
        _, answer = self._asking.setdefault(merchant.name, (merchant, loop.create_future()))
        return await asyncio.shield(answer)

    def _start_next(self) -> None:
        if self._running or not self._asking:
            return
        asking, self._asking = self._asking, {}
        self._running = asyncio.get_running_loop().create_task(self._answer(list(asking.values())))
        self._running.add_done_callback(self._on_done)

    def _on_done(self, _: asyncio.Task[None]) -> None:
        self._running = None
        self._start_next()

    async def _answer(self, asking: list[tuple[Merchant, asyncio.Future[PollResult]]]) -> None:
        merchants = [merchant for merchant, _ in asking]
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                POLLING, scan_together, self._connection_id, merchants
            )
        except Exception as error:  # any error: a trigger that ends would leave its inbox without scans
            found = {merchant.name: _not_scanned(error) for merchant in merchants}
        self._log_changes(found)
        for merchant, answer in asking:
            if not answer.done():
                answer.set_result(found[merchant.name])

    def _log_changes(self, found: dict[str, PollResult]) -> None:
        """Log once, not at every scan, which inboxes cannot be scanned, and that they can be again."""
        unseen = {name for name, each in found.items() if each.waiting is None}
        for error in sorted({found[name].error for name in unseen - self._not_scanned}):
            names = sorted(name for name in unseen - self._not_scanned if found[name].error == error)
            log.warning("cannot scan the inbox", merchants=", ".join(names), reason=error)
        if seen := (found.keys() - unseen) & self._not_scanned:
            log.info("the inbox can be scanned again", merchants=", ".join(sorted(seen)))
        self._not_scanned = (self._not_scanned - found.keys()) | unseen


def poller_of(connection_id: str) -> ServerPoller:
    """Return the poller of a server in the running event loop; it lives as long as a trigger holds it."""
    known = _pollers(id(asyncio.get_running_loop()))
    found = known.get(connection_id)
    if found is None:
        found = known[connection_id] = ServerPoller(connection_id)
    return found


@cache
def _pollers(loop: int) -> weakref.WeakValueDictionary[str, ServerPoller]:  # noqa: ARG001 - the key of the cache
    return weakref.WeakValueDictionary()


def scan_together(connection_id: str, merchants: Sequence[Merchant]) -> dict[str, PollResult]:
    """Scan several inboxes of one server: one login, and each folder listed once. Blocks, hence a thread.

    An error of one merchant's folders is that merchant's alone.

    Raises:
        RetryError: The server or the store cannot be reached for now.
        FailError: The login or the store's connection must be corrected first.
    """
    # Only the triggerer scans; the DAG loader, which imports this module too, stays light.
    from erp_feeds.ftps import FtpsHook
    from erp_feeds.inbox.listing import ListedOnce
    from erp_feeds.store import connection as store
    from erp_feeds.store import inbox_scans

    found: dict[str, PollResult] = {}
    with store.connect() as connection:
        try:
            with FtpsHook(connection_id) as hook:
                server = ListedOnce(hook)
                for merchant in merchants:
                    hook.get_conn()  # raises where it is the server that fails, and not one folder
                    scanned = _scan_inbox(server, connection, merchant)
                    found[merchant.name] = replace(scanned, host=hook.server().host)
        except FeedError as error:
            missed = [merchant.name for merchant in merchants if merchant.name not in found]
            inbox_scans.failed(connection, missed, str(error))
            if not found:
                raise
            found |= {name: _not_scanned(error) for name in missed}
    return found


def _scan_inbox(server: Lister, connection: Connection[Any], merchant: Merchant) -> PollResult:
    """Scan one inbox, and note whether it can be scanned."""
    from erp_feeds.inbox import scan
    from erp_feeds.store import inbox_scans
    from erp_feeds.store.merchant_settings import effective

    try:
        merchant = effective(connection, merchant)
        found = scan.scan(server, connection, merchant)
    except (FailError, RetryError) as error:
        inbox_scans.failed(connection, [merchant.name], str(error))
        return _not_scanned(error)
    scan.note_result(connection, merchant.name, found)
    pause = min(merchant.ftps.stable_for, merchant.ftps.poll_interval) if found.uploading else 0.0
    return replace(_waiting(connection, merchant), pause=pause)


def _waiting(connection: Connection[Any], merchant: Merchant) -> PollResult:
    """Return what waits for a run, and what runs have taken."""
    from erp_feeds.store import waiting_files

    files = waiting_files.unfinished(connection, merchant)
    if not files:
        return PollResult(frozenset())
    runs = waiting_files.taken_by(connection, merchant.name)
    untaken = waiting_files.unfinished(connection, merchant, runs) if runs else files
    is_full = waiting_files.fills_a_run(untaken, merchant.limits)
    return PollResult(_named(files), _named(untaken), is_full, len(runs))


def _named(files: Iterable[FeedFile]) -> Waiting:
    return frozenset((file.interface, file.name, file.size) for file in files)


def _not_scanned(error: Exception) -> PollResult:
    """Return the result for an error; of an internal error only the type, since its text may quote data."""
    if not isinstance(error, FeedError):
        return PollResult(error=type(error).__name__)
    return PollResult(error=str(error), pause=REFUSED_LOGIN_SECONDS if error.code == "login_refused" else 0.0)
