"""The trigger of a merchant's DAG: scans the inbox and sends an event when files wait there.

Level-triggered: an event carries no list of work. The run that it starts takes everything in the inbox that
the ledger does not know, so an event that is lost, doubled or late loses and repeats nothing, and a restarted
triggerer needs no memory.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from pydantic import ValidationError

from erp_feeds.inbox.poller import PollResult, Waiting, poller_of
from erp_feeds.merchant import Merchant

ABANDONED_SECONDS = 15 * 60.0
"""Seconds after which files that still wait are announced again: their run may have failed. A long time,
since a run that starts while the first one runs finds nothing, and its success would hide the failure."""
RUNS_AT_ONCE = 2
"""Runs between which more files than one run takes are shared: one loads, the next reads meanwhile."""
OTHER_VERSION_SECONDS = 10 * 60.0
"""Seconds between two lines of the log that say why an inbox is not scanned."""
NEXT_RUN_SECONDS = 10.0
"""Seconds until the next scan at most, where as much waits as a run takes and a run is under way: the next
run shall begin as soon as it may. Not sooner, since scans of a full inbox hold up the runs."""
HOLD_SECONDS = 60.0
"""Seconds for which new files wait while a run is active, so that the next run takes many together; also
those within which the run of an event must have taken its files."""


class InboxTrigger(BaseEventTrigger):
    """Fires when complete files wait in a merchant's inbox that the ledger does not hold as done."""

    def __init__(self, merchant: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow ships no types for it
        self.settings = merchant  # not checked here: an error would end the triggerer, for all merchants

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"merchant": self.settings}

    def __repr__(self) -> str:
        """Name the inbox; Airflow asks for it often, and would write all settings of the merchant."""
        return f"<InboxTrigger {self.settings.get('name')}>"

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Announce what waits: at once when something was added, and again while it keeps waiting."""
        try:
            merchant = Merchant.model_validate(self.settings)
        except ValidationError as error:
            await self._wait_for_the_other_version(error)
        ftps = merchant.ftps
        server = poller_of(ftps.connection)
        announced: Waiting = frozenset()
        announced_at = 0.0
        while True:
            found = await server.scan(merchant)
            pause = found.pause or _until_next(ftps.connection, ftps.poll_interval)
            if found.waiting is not None:
                now = time.monotonic()
                announced &= found.untaken
                if found.waiting and now - announced_at > _pause(found, announced):
                    announced, announced_at = found.untaken, now
                    payload = {
                        "merchant": merchant.name,
                        "host": found.host,
                        "folder": ftps.root,
                        "files": len(found.untaken or found.waiting),
                    }
                    yield TriggerEvent(payload)  # type: ignore[no-untyped-call] # Airflow ships no types for it
                if found.is_full and (found.runs or now - announced_at < HOLD_SECONDS):
                    pause = min(pause, NEXT_RUN_SECONDS)
            await asyncio.sleep(pause)

    async def _wait_for_the_other_version(self, error: ValidationError) -> NoReturn:
        """Stay until Airflow replaces this trigger, or restarts with the version of its DAG."""
        fields = ", ".join(".".join(map(str, found["loc"])) for found in error.errors(include_input=False))
        while True:
            self.log.error(
                "%s: no scan of the inbox, since another version of this package wrote the settings of the "
                "trigger (%s): restart the triggerer and the DAG processor with one version",
                self.settings.get("name"),
                fields,
            )
            await asyncio.sleep(OTHER_VERSION_SECONDS)


def _pause(found: PollResult, announced: Waiting) -> float:
    """Return how many seconds after an event the next is due; `announced`: what no run has taken since."""
    if found.untaken <= announced:
        return ABANDONED_SECONDS
    is_run_to_come = bool(announced)
    is_room = not found.runs or (found.is_full and found.runs < RUNS_AT_ONCE)
    return 0.0 if is_room and not is_run_to_come else HOLD_SECONDS


def _until_next(server: str, interval: float) -> float:
    """Return the seconds to the next scan: all merchants of a server at one moment, servers not."""
    phase = zlib.crc32(server.encode()) % 1_000 / 1_000 * interval
    return interval - (time.time() - phase) % interval
