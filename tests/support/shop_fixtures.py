"""A merchant's inbox on the local FTPS server, and the line walked by hand over it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from erp_feeds import tasks
from erp_feeds.batch import Batch, Replay
from erp_feeds.demo.exports import Export
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.store import waiting_files
from support.ftps_fixtures import RunningFtps
from support.merchants import merchant_of

STEPS: tuple[Callable[[Merchant, Batch], Batch], ...] = (
    tasks.download,
    tasks.unzip,
    tasks.parse,
    tasks.deduplicate,
    tasks.split,
    tasks.load,
)
PLACED = datetime(2017, 2, 1, 12, tzinfo=UTC)


class Shop:
    """A merchant's inbox on the server, and the line that empties it."""

    def __init__(self, merchant: Merchant, inbox: Path, store: psycopg.Connection) -> None:
        self.merchant = merchant
        self.inbox = inbox
        self.store = store

    def place(self, *exports: Export, minute: int = 0) -> Path:
        """Put files into the inbox at once, as a rename does; return the last one's path."""
        path = self.inbox
        for export in exports:
            folder = self.inbox / INTERFACES[export.interface].folder
            folder.mkdir(exist_ok=True)
            path = folder / export.name
            upload = path.with_suffix(".part")
            upload.write_bytes(export.content)
            moment = (PLACED + timedelta(minutes=minute)).timestamp()
            os.utime(
                upload, (moment, moment)
            )  # the listing tells whole seconds: a test may not depend on now
            upload.rename(path)
        return path

    def sense(self, run: str, replay: tuple[date, date] | Replay | None = None) -> Batch:
        """Look, and look once more where something settles: with a wait of nothing, twice is enough.

        Days are a backfill's, which does not look at all.
        """
        if isinstance(replay, tuple):
            return tasks.sense_archive(self.merchant, run, Replay().within(*replay))
        sensed = tasks.sense(self.merchant, run, replay)
        return (tasks.sense(self.merchant, run, replay) if sensed.uploading else sensed).batch

    def run_tasks(self, run: str, replay: tuple[date, date] | Replay | None = None) -> Batch:
        """Walk the line up to load; a replay is the days [first, last) or a choice of files.

        Between two steps lies what XCom carries.
        """
        batch = self.sense(run, replay)
        for step in STEPS:
            batch = step(self.merchant, Batch.from_xcom(json.loads(json.dumps(batch.to_xcom()))))
        return batch

    def report(self, batch: Batch) -> dict[str, int]:
        return tasks.report(self.merchant, batch)

    def states(self) -> dict[int, str]:
        """Number of the sighting -> its state."""
        return dict(self.store.execute("SELECT file_id, state FROM files ORDER BY 1").fetchall())

    def accounts(self) -> dict[str, str]:
        """Account -> its price list."""
        query = "SELECT account_number, price_list_name FROM accounts ORDER BY 1"
        return dict(self.store.execute(query).fetchall())


@pytest.fixture
def shop(
    tmp_path: Path,
    ftps: RunningFtps,
    ftps_connection: Callable[..., str],
    store: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    """The demo's B2B shop, whose inbox is still empty; nothing in a test waits for time to pass."""
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(waiting_files, "RETRY_SECONDS", 0)
    inbox = ftps.root / "testshop"
    inbox.mkdir()
    merchant = merchant_of(
        ftps={"connection": ftps_connection(), "root": "\\testshop\\", "stable_for": 0},
        limits={"incomplete_attempts": 3},
    )
    return Shop(merchant, inbox, store)
