"""A whole Airflow with many merchants: what it uses while nothing arrives, and how soon rows are there.

The real thing: one merchant file and one DAG each, FTPS servers over TLS, PostgreSQL, and every part of
Airflow, with the LocalExecutor, whose tasks count as the scheduler's.

- idle: some full minutes in which no file arrives, once every inbox is scanned
- rounds: the active merchants each get a small file over FTPS, all within seconds; a file's latency is
  from the end of its upload until its rows are committed, with `stable_for` (10 s) and up to an interval of
  scans in it
- parse: merchant files read and built into DAGs, in a process that has all imported, as Airflow forks it
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil

import many_merchants
import many_servers
from erp_feeds.demo.exports import packed
from erp_feeds.demo.testshop import customers_xml
from erp_feeds.interfaces.customers import SRS_CUSTOMERS
from erp_feeds.merchant import Merchant
from erp_feeds.store.connection import open_uri
from many_merchants import Parts, family, parser_of_many, say, used
from many_servers import Servers
from measured import Figures, cpu, forked, keep
from scale_table import MACHINE, shown

INTERVAL = 30.0
"""Seconds between two scans of an inbox: the default of merchant files."""
CUSTOMERS = 20
"""Records of a file."""
DEADLINE_SECONDS = 3_600.0
"""Seconds until the files of a round must be loaded."""
POLL_SECONDS = 0.5
SETTINGS = {
    "CORE__PARALLELISM": "8",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "300",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
}
"""Those that docs/operations.md names for many merchants; --set changes one."""
MOMENTS = """
    SELECT extract(epoch FROM run.queued_at), extract(epoch FROM task.start_date)
    FROM dag_run AS run JOIN task_instance AS task USING (dag_id, run_id)
    WHERE run.dag_id = %s AND run.run_id = %s AND task.task_id = 'sense'
"""
KNOWN = "SELECT count(*) FROM serialized_dag WHERE dag_id LIKE 'shop_%'"
ACTIVE_RUNS = "SELECT count(*) FROM dag_run WHERE state IN ('queued', 'running')"
CHECK_SECONDS = """
    SELECT coalesce(avg(duration), 0)
    FROM task_instance WHERE dag_id = 'erp_feeds_check' AND task_id = 'check'
"""
LOADED = "SELECT merchant, run_id FROM files WHERE name = ANY(%s) AND state = 'loaded'"


@dataclass(frozen=True)
class Airflow:
    """All parts of Airflow at work."""

    parts: Parts
    processes: dict[str, psutil.Process]
    first_read: Figures
    """From the start of the DAG processor until every DAG is known."""

    def used(self) -> dict[str, float]:
        """Return the CPU seconds of each part until now, and of the whole machine."""
        machine = psutil.cpu_times()
        busy = machine.user + machine.system + machine.nice + machine.irq + machine.softirq
        return {name: used(process) for name, process in self.processes.items()} | {MACHINE: busy}

    def held(self) -> dict[str, float]:
        """Return the memory of each part in MB; what processes share counts once."""
        from erp_feeds.demo.process_list import memory

        return {name: sum(map(memory, family(each))) / 1e6 for name, each in self.processes.items()}

    def count(self, query: str, values: Sequence[Any] | None = None, database: str = "airflow") -> float:
        """Return what a query of a database counts."""
        with open_uri(self.parts.uris[database]) as connection:
            found = connection.execute(query, values).fetchone()
            return float(found[0]) if found else 0

    def wait(
        self, query: str, wanted: int, values: Sequence[Any] | None = None, database: str = "airflow"
    ) -> None:
        """Wait until a query of a database counts as many.

        Raises:
            FailError: a part of Airflow died meanwhile.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (found := self.count(query, values, database)) != wanted:
            self.parts.supervisor.check()
            if time.monotonic() > deadline:
                raise SystemExit(f"{query}: {found}, not {wanted}")
            time.sleep(POLL_SECONDS)


@contextmanager
def running(servers: Servers, folder: Path, settings: Mapping[str, str]) -> Iterator[Airflow]:
    """Bring up every part of Airflow, and wait until every DAG is known and every inbox is scanned."""
    from erp_feeds.demo import servers as demo

    variables = {f"AIRFLOW__{name}": value for name, value in settings.items()}
    with many_merchants.prepared(servers, folder, variables) as parts:
        processes: dict[str, psutil.Process] = {"PostgreSQL": parts.database}
        at_work = Airflow(parts, processes, {})
        for name, arguments in demo.AIRFLOW.items():
            processes[name] = parts.start(name, *arguments)
            if name == "dag-processor":
                say("waiting until every DAG is known")
                began = time.monotonic()
                at_work.wait(KNOWN, len(servers.merchants))
                at_work.first_read.update(seconds=time.monotonic() - began, cpu=used(processes[name]))
        many_servers.await_all(servers, INTERVAL)
        _list_all(parts, len(servers.merchants))
        yield at_work


def _list_all(parts: Parts, wanted: int) -> None:
    """See that Airflow's API returns every DAG."""
    from erp_feeds.demo import environment
    from erp_feeds.orchestration.rest_client import AirflowApi

    password = environment.secrets_of(environment.home()).admin_password
    with AirflowApi(parts.variables["AIRFLOW__API__BASE_URL"], password) as api:
        found = api.dags("shop_")
    if len(found) != wanted:
        raise SystemExit(f"the API returns {len(found)} DAGs of {wanted}")


def idle(at_work: Airflow, minutes: int) -> dict[str, Any]:
    """Return what each part uses a minute while nothing arrives, and holds then."""
    at_work.wait(ACTIVE_RUNS, 0)
    say(f"{minutes} minutes without a file")
    before, began = at_work.used(), time.monotonic()
    time.sleep(minutes * 60)
    after, spent = at_work.used(), time.monotonic() - began
    return {
        "check_seconds": at_work.count(CHECK_SECONDS),
        "cpu_a_minute": {name: (after[name] - before[name]) * 60 / spent for name in before},
        "memory_mb": at_work.held(),
    }


def a_round(at_work: Airflow, servers: Servers, active: int, number: int) -> dict[str, Any]:
    """Upload a file for each active merchant, and return how soon each was loaded and what that took."""
    before, began = at_work.used(), time.time()
    uploaded = upload(servers, servers.merchants[:active], number)
    say(f"round {number + 1}: {active} files uploaded in {time.time() - began:.1f} s")
    loaded, most = _await_loaded(at_work, uploaded, number, servers)
    at_work.wait(ACTIVE_RUNS, 0)
    after, spent = at_work.used(), time.time() - began
    files = []
    with open_uri(at_work.parts.uris["airflow"]) as connection:
        for name, (moment, run_id) in loaded.items():
            queued, started = connection.execute(MOMENTS, [name, run_id]).fetchone() or (0, 0)
            moments = [uploaded[name], float(queued), float(started), moment]
            files.append([end - start for start, end in itertools.pairwise(moments)])
    return {
        "seconds": spent,
        "files": files,
        "cpu": {name: after[name] - before[name] for name in before},
        "memory_mb": most,
    }


def upload(servers: Servers, merchants: tuple[Merchant, ...], number: int) -> dict[str, float]:
    """Let ERP parties upload one small file each; return when each upload had ended."""
    done = {}
    for place, merchant in enumerate(merchants):
        shop = f"{number}{place:04}"
        customers = [
            {"customer_number": f"{shop}{each}", "email": f"c{shop}{each}@example.com", "country": "NL"}
            for each in range(CUSTOMERS)
        ]
        export = packed(SRS_CUSTOMERS, merchant.shop_name, _index(number), customers_xml(customers))
        with servers.client(merchant.ftps.connection) as client:
            client.cwd(f"{merchant.ftps.root}/{SRS_CUSTOMERS.folder}")
            client.storbinary(f"STOR {export.name}", BytesIO(export.content))
        done[merchant.name] = time.time()
    return done


def _index(number: int) -> str:
    return f"2026020{number + 1}060000"


def _await_loaded(
    at_work: Airflow, uploaded: Mapping[str, float], number: int, servers: Servers
) -> tuple[dict[str, tuple[float, str]], dict[str, float]]:
    """Return when and by which run each merchant's file was loaded, and the most memory of each part."""
    names = [
        SRS_CUSTOMERS.file_name(each.shop_name, _index(number))
        for each in servers.merchants
        if each.name in uploaded
    ]
    loaded: dict[str, tuple[float, str]] = {}
    most: dict[str, float] = {}
    deadline = time.monotonic() + DEADLINE_SECONDS
    with open_uri(at_work.parts.uris["erp_feeds"], autocommit=True) as connection:
        for turn in itertools.count():
            for merchant, run_id in connection.execute(LOADED, [names]):
                loaded.setdefault(merchant, (time.time(), run_id))
            if len(loaded) == len(names):
                return loaded, most
            if time.monotonic() > deadline:
                raise SystemExit(f"only {len(loaded)} of {len(names)} files were loaded")
            at_work.parts.supervisor.check()
            if turn % 20 == 0:
                most = {name: max(now, most.get(name, 0)) for name, now in at_work.held().items()}
            time.sleep(POLL_SECONDS)
    raise AssertionError


def parse_all() -> Figures:
    """Read every merchant file and build every DAG."""
    from erp_feeds.dag import build_dags

    start = cpu()
    return {"dags": float(len(build_dags())), "cpu": cpu() - start}


def parse_one(name: str) -> Figures:
    """Read and build what a task of one merchant needs.

    Airflow lets a DAG file ask in public which DAG is wanted; only its own processes can say so, privately.
    """
    from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager

    from erp_feeds.dag import build_first

    build_first()  # as the process does from which tasks are forked
    with _airflow_parsing_context_manager(dag_id=name, task_id="load"):
        return parse_all()


def measure(chosen: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Return all figures."""
    settings = SETTINGS | {"TRIGGERER__CAPACITY": str(chosen.merchants * 2)}
    settings |= dict(each.split("=", 1) for each in chosen.set)
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count()}
    found |= {"merchants": chosen.merchants, "active": chosen.active, "settings": settings}
    with (
        many_servers.running(place / "ftps", chosen.servers, chosen.merchants, INTERVAL) as servers,
        running(servers, place / "home", settings) as at_work,
    ):
        first = servers.merchants[0].name
        found["parse"] = {"all": forked(parse_all), "one": forked(parse_one, first)}
        found |= {"first_read": at_work.first_read, "idle": idle(at_work, chosen.minutes), "rounds": []}
        for number in range(chosen.rounds):
            found["rounds"].append(a_round(at_work, servers, chosen.active, number))
            keep(f"scale-{chosen.merchants}", found)  # a run takes half an hour, and may be ended early
    return found


def main() -> None:
    """Measure, print one table, and keep all figures as JSON."""
    parser = parser_of_many(__doc__)
    parser.add_argument("--active", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=5, help="without a file: one check of erp_feeds_check")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION__KEY=VALUE")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="erp-feeds-bench-") as place:
        found = measure(chosen, Path(place))
    print("\n".join(shown(found)))


if __name__ == "__main__":
    main()
