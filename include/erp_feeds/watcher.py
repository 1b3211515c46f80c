"""The wake-up of a merchant's DAG: looks at the inbox and says when something waits there.

Level-triggered: an event carries no list of work. The run that it starts drains the inbox against the
ledger, so an event that is lost, doubled or late loses and repeats nothing, and a restarted triggerer
needs no memory.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from erp_feeds.batch import FeedFile, Sighting
from erp_feeds.errors import FeedError
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.settings import settings

REMIND_AFTER = 60.0
"""Seconds after which files that still wait are announced again: their run may have failed."""
POLLING = ThreadPoolExecutor(max_workers=16, thread_name_prefix="inbox")
"""Threads of our own: FTPS is blocking, and asyncio's default pool is small and shared with the triggerer."""

Waiting = frozenset[tuple[str, str, int]]
"""Interface, name and size of what waits."""

log = structlog.get_logger(__name__)


class Patience:
    """Remembers since when each sighting looks the same, to tell a finished upload from one in progress."""

    def __init__(self, stable_for: float) -> None:
        self.stable_for = stable_for
        self._since: dict[Sighting, float] = {}

    def complete(self, sightings: Collection[Sighting], now: float) -> list[Sighting]:
        """Return what has been unchanged for long enough, over at least two looks."""
        self._since = {sighting: self._since.get(sighting, now) for sighting in sightings}
        return [sighting for sighting, since in self._since.items() if since < now >= since + self.stable_for]


class InboxTrigger(BaseEventTrigger):
    """Fires when complete files wait in a merchant's inbox that the ledger does not hold as done."""

    def __init__(self, merchant: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow ships no types for it
        self.settings = merchant
        self.merchant = Merchant.model_validate(merchant)
        self._patience = Patience(self.merchant.ftps.stable_for)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"merchant": self.settings}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Announce what waits: at once when something was added, and again while it keeps waiting."""
        announced: Waiting = frozenset()
        announced_at = 0.0
        faulty = False
        while True:
            try:
                waiting = await asyncio.get_running_loop().run_in_executor(POLLING, self.look)
            except Exception as fault:  # whatever it is: a trigger that ends would leave the inbox unwatched
                if not faulty:  # say it once, not at every look
                    reason = str(fault) if isinstance(fault, FeedError) else type(fault).__name__
                    log.warning("inbox cannot be seen", merchant=self.merchant.name, reason=reason)
                faulty = True
            else:
                if faulty:
                    log.info("inbox can be seen again", merchant=self.merchant.name)
                faulty = False
                now = time.monotonic()
                if waiting - announced or (waiting and now - announced_at > REMIND_AFTER):
                    announced_at = now
                    payload = {"merchant": self.merchant.name, "files": len(waiting)}
                    yield TriggerEvent(payload)  # type: ignore[no-untyped-call] # Airflow ships no types for it
                announced = waiting
            await asyncio.sleep(self.merchant.ftps.poll_interval)

    def look(self) -> Waiting:
        """Return what is complete in the inbox, or unfinished in the ledger. Blocks: runs in a thread.

        Raises:
            FeedError: the server or the store cannot be reached.
        """
        # Only the triggerer looks; the DAG loader, which reads this module too, stays light.
        from erp_feeds.store import connection as store
        from erp_feeds.store import ledger
        from erp_feeds.transport import inbox
        from erp_feeds.transport.ftps import FtpsHook

        interfaces = interfaces_of(self.merchant)
        with FtpsHook(self.merchant.ftps.connection) as hook:
            sightings = inbox.look(hook, self.merchant, interfaces)
        complete = self._patience.complete(sightings, time.monotonic())
        with store.connect(settings().store_connection) as connection:
            new = ledger.unknown(connection, self.merchant.name, complete)
            names = [interface.name for interface in interfaces]
            limit = self.merchant.limits.files_per_run
            unfinished = ledger.unfinished(connection, self.merchant.name, names, limit)
        waiting: list[Sighting | FeedFile] = [*new, *unfinished]
        return frozenset((file.interface, file.name, file.size) for file in waiting)
