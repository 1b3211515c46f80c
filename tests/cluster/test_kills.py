"""A cluster of real processes loses each of its parts in turn; every row is there in the end, and once."""

from __future__ import annotations

import io
import logging
import shutil
import signal
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import psutil
import psycopg
import pytest
from lxml import etree

from erp_feeds.demo import cluster, ports, postgres, process_list, servers
from erp_feeds.demo.environment import Home, merchants
from erp_feeds.demo.exporter import REAL, Inbox, account_of
from erp_feeds.demo.exports import Export, exports
from erp_feeds.demo.processes import Supervisor, only_one
from erp_feeds.demo.servers import Demo
from erp_feeds.errors import RetryError
from erp_feeds.settings import PROJECT
from erp_feeds.store.connection import open_uri

log = logging.getLogger(__name__)

WAIT_SECONDS = 1200
"""Until one day's files are loaded: Airflow gives a task whose worker is gone up after a minute."""
OUTAGE_SECONDS = 20
PORTS = ports.Ports(ui=18480, ftps=18421, mail=18425, redis=18479, s3=18490)
"""Away from those that a demo of the same machine takes meanwhile."""
KILLED = ["redis", "scheduler", "triggerer", "api-server", "dag-processor", "scheduler-2", "ftps-server"]


@pytest.fixture
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="erp-feeds-") as place, pytest.MonkeyPatch.context() as patch:
        known = Path(place) / "merchants"
        known.mkdir()
        shutil.copy(PROJECT / "include" / "merchants" / f"{REAL}.yaml", known)
        patch.setenv("ERP_FEEDS_HOME", place)
        patch.setenv("ERP_FEEDS_MERCHANTS", str(known))
        patch.setattr(servers, "DEADLINE_SECONDS", float(WAIT_SECONDS))
        home = Home(Path(place))
        supervisor = Supervisor(home)
        with only_one(home):
            ports.keep(home.run / "ports.json", PORTS)
            (home.ftps / REAL / REAL / "srs").mkdir(parents=True)  # else the first run waits for it
            try:
                made = servers.start(
                    home,
                    supervisor,
                    lambda what, seconds: log.info("%s: %.0f s", what, seconds),
                    is_cluster=True,
                )
                for name, value in made.variables.items():
                    patch.setenv(name, value)
                yield made
            finally:
                supervisor.stop()


@pytest.mark.timeout(4 * 3600)
def test_each_part_is_killed_in_turn_and_nothing_is_lost_or_doubled(demo: Demo) -> None:
    faults: dict[str, Callable[[], None]] = {
        "both workers, within a load": lambda: kill_within_a_load(demo),
        "s3 unreachable": lambda: suspend(demo, "s3"),
        "postgres": lambda: kill_postgres(demo),
        **{name: lambda name=name: kill(demo, name) for name in KILLED},
    }
    sent: list[Export] = []
    days = groupby(exports("CompleteJourney", len(faults)), key=lambda export: export.day)
    for (name, fault), (day, files) in zip(faults.items(), days, strict=True):
        sent += (new := list(files))
        began = time.monotonic()
        lose(demo, fault, day, new, len(sent))
        log.info("%s: %s files loaded %.0f s later", name, len(new), time.monotonic() - began)
    assert stored(demo) == delivered(sent)
    assert demo.api.import_errors() == []


def lose(demo: Demo, fault: Callable[[], None], day: date, files: list[Export], total: int) -> None:
    """Deliver a day, lose a part once the first file is known, wait until every file is loaded."""
    deliver(files)
    until(demo, lambda: day in ledger(demo), mends=False)
    fault()
    until(demo, lambda: ledger_states(demo) == {"loaded": total})


def kill_within_a_load(demo: Demo) -> None:
    """Kill both workers while a load holds its transaction open: it waits for a table that we hold."""
    with open_uri(demo.store_uri) as holder:
        holder.execute("LOCK TABLE purchases IN SHARE ROW EXCLUSIVE MODE")
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'purchases'::regclass AND NOT granted"
        until(demo, lambda: holder.execute(waiting).fetchone() != (0,), mends=False)
        for name in cluster.WORKERS:
            kill(demo, name)


def kill(demo: Demo, name: str) -> None:
    process = process_of(demo, name)
    for each in [process, *process.children(recursive=True)]:
        each.kill()


def kill_postgres(demo: Demo) -> None:
    server = postgres._server(demo.home.postgres)
    assert server
    server.kill()
    server.wait(30)


def suspend(demo: Demo, name: str) -> None:
    process = process_of(demo, name)
    process.send_signal(signal.SIGSTOP)
    time.sleep(OUTAGE_SECONDS)
    process.send_signal(signal.SIGCONT)


def process_of(demo: Demo, name: str) -> psutil.Process:
    records = process_list.read(demo.home.run / "processes.json")
    process = next(record.process() for record in reversed(records) if record.name == name)
    assert process, name
    return process


def until(demo: Demo, condition: Callable[[], bool], *, mends: bool = True) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for line in demo.supervisor.restart_dead() if mends else ():
            log.info(line)
        with suppress(RetryError, psycopg.OperationalError):  # PostgreSQL is coming up again
            if condition():
                return
        time.sleep(1)
    pytest.fail(f"waited {WAIT_SECONDS} s in vain: {ledger_states(demo)}")


def deliver(files: list[Export]) -> None:
    (merchant,) = merchants()
    with Inbox(account_of(merchant)) as inbox:
        for export in files:
            assert inbox.place(export)


@contextmanager
def store(demo: Demo) -> Iterator[psycopg.Connection]:
    with open_uri(demo.store_uri) as connection:
        yield connection


def ledger(demo: Demo) -> list[date]:
    with store(demo) as connection:
        return [day for (day,) in connection.execute("SELECT day FROM files WHERE state <> 'uploading'")]


def ledger_states(demo: Demo) -> dict[str, int]:
    with store(demo) as connection:
        return dict(connection.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall())


def stored(demo: Demo) -> dict[str, object]:
    queries = {
        "customers": "SELECT count(*) FROM identifiers WHERE type = 'srs'",
        "purchases": "SELECT count(*) FROM purchases",
        "lines": "SELECT count(*) FROM purchase_lines",
        "amount": "SELECT sum(amount) FROM purchase_lines",
        "total": "SELECT sum(total) FROM purchases",
        "rejects": "SELECT count(*) FROM rejects",
    }
    with store(demo) as connection:
        return {name: connection.execute(query).fetchone()[0] for name, query in queries.items()}


def delivered(files: list[Export]) -> dict[str, object]:
    """Return what the files hold, counted by XPath."""
    customers: set[str] = set()
    counts: Counter[str] = Counter()
    amount = Decimal(0)
    for export in files:
        with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
            root = etree.fromstring(archive.read(archive.namelist()[0]))
        customers |= set(root.xpath("//CustomerNumber/text()"))
        counts["purchases"] += len(root.xpath("//Purchase"))
        counts["lines"] += len(root.xpath("//Line"))
        amount += sum(Decimal(text) for text in root.xpath("//Amount/text()"))
    return {"customers": len(customers), **counts, "amount": amount, "total": amount, "rejects": 0}
