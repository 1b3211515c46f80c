"""A load that is killed at any moment and run again ends in the rows of an undisturbed one."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import time
from collections.abc import Mapping
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from erp_feeds import tasks
from erp_feeds.batch import Batch
from erp_feeds.demo.exports import zipped
from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample
from support.ftps_fixtures import RunningFtps
from support.store_feed import TABLES, TESTSHOP
from support.store_rows import rows

TESTS = Path(__file__).parents[1]
THOROUGH = settings.get_current_profile_name() == "thorough"
pytestmark = pytest.mark.timeout(7200 if THOROUGH else 300)

KILLS_IN_A_ROW, ROUNDS = (6, 5) if THOROUGH else (8, 2)
RECORDS = (
    5_000 if THOROUGH else 800
)  # in the first file of each interface; twice as many, some 100,000 lines, in the second
INDEXES = ("20170101", "20170102")
MERCHANT = TESTSHOP.model_copy(update={"ftps": TESTSHOP.ftps.model_copy(update={"stable_for": 0})})
WRITTEN = tuple(table for table in (*TABLES, "file_runs") if table != "files")
"""What a load writes; it only updates the ledger."""
NAMING_A_FILE = tuple(set(WRITTEN) - {"purchase_lines", "file_runs", "mappings", "totals"})


@pytest.fixture
def batch(
    store: psycopg.Connection, ftps: RunningFtps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Batch:
    """Two overlapping files of every interface, processed as far as `split`; a record of each is rejected."""
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(f"AIRFLOW_CONN_{MERCHANT.ftps.connection.upper()}", ftps.connection())
    monkeypatch.setenv("PYTHONPATH", str(TESTS))  # the fork server loads the helpers before it forks
    store.autocommit = True
    for interface in INTERFACES.values():
        (ftps.root / interface.folder).mkdir(exist_ok=True)
        for number, index in enumerate(INDEXES, 1):
            xml = twice_in_one_record("".join(sample(interface, RECORDS * number)))
            member = interface.file_name(MERCHANT.shop_name, index, "xml")
            target = ftps.root / interface.folder / interface.file_name(MERCHANT.shop_name, index)
            target.write_bytes(zipped(member, xml.encode(), date(2017, 1, 1)))
    assert tasks.sense(MERCHANT, "crash").uploading == len(INTERFACES) * len(INDEXES)
    processed = tasks.sense(MERCHANT, "crash").batch
    for step in (tasks.download, tasks.unzip, tasks.parse, tasks.deduplicate, tasks.split):
        processed = step(MERCHANT, processed)
    assert len(processed.files) == len(INTERFACES) * len(INDEXES)
    return processed


def twice_in_one_record(xml: str) -> str:
    """Repeat a field of the first record that has it, so that every interface rejects one record."""
    field = r"(<(AccountNumber|CustomerNumber|DateTime)>[^<]*</\2>)"
    return re.sub(field, r"\1\1", xml, count=1)


def test_a_killed_load_that_runs_again_ends_in_the_rows_of_an_undisturbed_one(
    store: psycopg.Connection, batch: Batch
) -> None:
    began = time.monotonic()
    tasks.load(MERCHANT, batch)
    seconds = time.monotonic() - began
    undisturbed = rows(store)
    assert all(undisturbed[table] for interface in INTERFACES.values() for table in interface.tables)
    assert len(undisturbed["rejects"]) == len(batch.files)
    chance = random.Random(2017)
    killed = 0
    for _ in range(ROUNDS):
        unload(store)
        for _ in range(KILLS_IN_A_ROW):  # each falls on what the one before has left
            killed += kill_a_load(batch, chance.uniform(0, seconds / 2))
            assert not half_loaded(store)
        tasks.load(MERCHANT, batch)
        assert rows(store) == undisturbed
    assert killed >= KILLS_IN_A_ROW * ROUNDS * 3 // 4
    before = rows(store, with_clocks=True)
    tasks.load(MERCHANT, batch)
    assert rows(store, with_clocks=True) == before


def kill_a_load(batch: Batch, after: float) -> bool:
    """Load in a process of its own, and kill it some seconds after its start unless it has ended by then."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # else each process imports for seconds
    ours, theirs = context.Pipe()
    process = context.Process(target=load, args=(theirs, dict(os.environ), batch))
    process.start()
    assert ours.recv() == "ready"
    process.join(after)
    process.kill()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def load(parent: Connection, environment: Mapping[str, str], batch: Batch) -> None:
    """Body of the killed process; the fork server may have started in another test's environment."""
    os.environ.update(environment)
    parent.send("ready")
    tasks.load(MERCHANT, batch)


def unload(store: psycopg.Connection) -> None:
    """Go back to where the files are archived and nothing is loaded."""
    store.execute(f"TRUNCATE {', '.join(WRITTEN)}")
    store.execute("ALTER TABLE files DISABLE TRIGGER USER")
    store.execute(
        "UPDATE files SET state = 'archived', counts = '{}', code = NULL, run_id = NULL, finished_at = NULL"
    )


def half_loaded(store: psycopg.Connection) -> list[Any]:
    """Name the files that are loaded without rows, or not loaded with rows; each has a rejected record."""
    named = " UNION ".join(f"SELECT file_id FROM {table}" for table in NAMING_A_FILE)
    query = f"SELECT name FROM files WHERE (state = 'loaded') <> (file_id IN ({named}))"
    return store.execute(query).fetchall()
