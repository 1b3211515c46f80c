"""Merchants whose files lie on one server share one login and one look at a time."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import structlog

from erp_feeds.batch import FeedFile, Sighting
from erp_feeds.errors import FailError, FeedError
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.settings import settings

MOMENT = 0.2
"""Seconds in which the questions of one moment come in."""
LOCKOUT = 300.0
"""Seconds between two logins of a user that the server refuses, since it may lock out who keeps trying."""
POLLING = ThreadPoolExecutor(max_workers=64, thread_name_prefix="inbox")
"""Threads of our own: FTPS is blocking, and asyncio's default pool is small and shared with the triggerer.
Many, since a server that is down holds its thread until its timeout, and must hold up no other server."""

Waiting = frozenset[tuple[str, str, int]]
"""Interface, name and size of what waits."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Found:
    """What a look brought for one merchant."""

    waiting: Waiting | None = None
    """None: the inbox cannot be seen now."""
    fault: str = ""
    """Why not, in words for people."""
    pause: float = 0.0
    """Seconds until the next look should come, where that is not the merchant's poll interval."""


class Gathering:
    """The merchants of one server. Lives in one event loop."""

    def __init__(self, connection_id: str) -> None:
        self._connection_id = connection_id
        self._asking: dict[str, tuple[Merchant, asyncio.Future[Found]]] = {}
        self._unseen: set[str] = set()
        self._running: asyncio.Task[None] | None = None

    async def look(self, merchant: Merchant) -> Found:
        """Return what the next look finds, together with the merchants that ask at the same moment.

        A look still under way is waited for: a slow server gets no second login, and holds one thread.
        """
        loop = asyncio.get_running_loop()
        if not self._asking:
            loop.call_later(MOMENT, self._go)
        _, answer = self._asking.setdefault(merchant.name, (merchant, loop.create_future()))
        return await asyncio.shield(answer)

    def _go(self) -> None:
        if self._running or not self._asking:
            return
        asking, self._asking = self._asking, {}
        self._running = asyncio.get_running_loop().create_task(self._answer(list(asking.values())))
        self._running.add_done_callback(self._done)

    def _done(self, _: asyncio.Task[None]) -> None:
        self._running = None
        self._go()

    async def _answer(self, asking: list[tuple[Merchant, asyncio.Future[Found]]]) -> None:
        merchants = [merchant for merchant, _ in asking]
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                POLLING, look_together, self._connection_id, merchants
            )
        except Exception as fault:  # whatever it is: a trigger that ends would leave its inbox unwatched
            found = {merchant.name: _unseen(fault) for merchant in merchants}
        self._tell(found)
        for merchant, answer in asking:
            if not answer.done():
                answer.set_result(found[merchant.name])

    def _tell(self, found: dict[str, Found]) -> None:
        """Say once, and not at every look, which inboxes cannot be seen; and that they can be seen again."""
        unseen = {name for name, each in found.items() if each.waiting is None}
        for fault in sorted({found[name].fault for name in unseen - self._unseen}):
            names = sorted(name for name in unseen - self._unseen if found[name].fault == fault)
            log.warning("inbox cannot be seen", merchants=", ".join(names), reason=fault)
        if seen := (found.keys() - unseen) & self._unseen:
            log.info("inbox can be seen again", merchants=", ".join(sorted(seen)))
        self._unseen = (self._unseen - found.keys()) | unseen


def gathering(connection_id: str) -> Gathering:
    """Return the gathering of a server in the running event loop; it lives as long as a trigger holds it."""
    known = _gatherings(id(asyncio.get_running_loop()))
    found = known.get(connection_id)
    if found is None:
        found = known[connection_id] = Gathering(connection_id)
    return found


@cache
def _gatherings(loop: int) -> weakref.WeakValueDictionary[str, Gathering]:  # noqa: ARG001 - the key of the cache
    return weakref.WeakValueDictionary()


def look_together(connection_id: str, merchants: Iterable[Merchant]) -> dict[str, Found]:
    """Look at several inboxes of one server: one login, and each folder listed once. Blocks, hence a thread.

    A fault of one merchant's folders is that merchant's alone.

    Raises:
        RetryError: The server or the store cannot be reached for now.
        FailError: The login or the store's connection must be corrected first.
    """
    # Only the triggerer looks; the DAG loader, which reads the watcher too, stays light.
    from erp_feeds.ftps import FtpsHook
    from erp_feeds.inbox import scan
    from erp_feeds.inbox.listing import ListedOnce
    from erp_feeds.store import connection as store
    from erp_feeds.store import ledger

    found: dict[str, Found] = {}
    with FtpsHook(connection_id) as hook, store.connect(settings().store_connection) as connection:
        hook.get_conn()
        server = ListedOnce(hook)
        for merchant in merchants:
            try:
                look = scan.look(server, connection, merchant)
            except FailError as fault:
                found[merchant.name] = _unseen(fault)
                continue
            names = [interface.name for interface in interfaces_of(merchant)]
            unfinished = ledger.unfinished(connection, merchant.name, names, merchant.limits.files_per_run)
            files: list[Sighting | FeedFile] = [*look.complete, *unfinished]
            waiting = frozenset((file.interface, file.name, file.size) for file in files)
            soon = min(merchant.ftps.stable_for, merchant.ftps.poll_interval) if look.settling else 0.0
            found[merchant.name] = Found(waiting, pause=soon)
    return found


def _unseen(fault: Exception) -> Found:
    """Return what a fault leaves; the words of a fault of the software may quote data, and stay out."""
    if not isinstance(fault, FeedError):
        return Found(fault=type(fault).__name__)
    return Found(fault=str(fault), pause=LOCKOUT if fault.code == "login_refused" else 0.0)
