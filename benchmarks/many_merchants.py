"""What benchmarks of Airflow share: its parts with many merchants, and what their processes use."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

import many_servers
from many_servers import Servers
from measured import parser_of

if TYPE_CHECKING:
    from erp_feeds.demo.processes import Supervisor

LONG_TIMEOUTS = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
}
"""All DAGs are on, and a busy machine may take its time to read them."""


@dataclass(frozen=True)
class Parts:
    """PostgreSQL with the tables of store and Airflow; what else runs is started here."""

    supervisor: Supervisor
    variables: dict[str, str]
    uris: dict[str, str]
    """Databases `airflow` and `erp_feeds`."""
    database: psutil.Process

    def start(self, name: str, *arguments: str) -> psutil.Process:
        """Start a part of Airflow that stays."""
        self.supervisor.start(name, [sys.executable, "-m", "airflow", *arguments], self.variables)
        return self.supervisor.process(name)

    def run(self, name: str, *arguments: str) -> None:
        """Run a command of Airflow to its end."""
        say(f"airflow {' '.join(arguments)}")
        command = [sys.executable, "-m", "airflow", *arguments]
        self.supervisor.start(name, command, self.variables, brief=True)
        self.supervisor.wait(name)


@contextmanager
def prepared(servers: Servers, folder: Path, settings: Mapping[str, str]) -> Iterator[Parts]:
    """Bring up what Airflow needs first: merchant files, PostgreSQL, tables, a full ledger."""
    os.environ |= {"ERP_FEEDS_HOME": str(folder), "ERP_FEEDS_MERCHANTS": str(folder / "merchants")}
    from erp_feeds.demo import environment, ports, postgres
    from erp_feeds.demo.processes import Supervisor
    from erp_feeds.store.migrate import migrate

    many_servers.write_merchants(servers, folder / "merchants")
    home = environment.home()
    supervisor = Supervisor(home)
    try:
        server = postgres.start(home.postgres)
        uris = {name: postgres.database(server, name) for name in ("airflow", "erp_feeds")}
        migrate(uris["erp_feeds"])
        many_servers.remember_files(servers, uris["erp_feeds"])
        chosen = ports.choose(home.run / "ports.json")  # late: another program may take them meanwhile
        variables = environment.build(home, chosen, environment.secrets_of(home), uris)
        variables |= {**servers.connections, **LONG_TIMEOUTS, **settings}
        home.lineage.parent.mkdir(parents=True, exist_ok=True)
        number = int((home.postgres / "postmaster.pid").read_text().split()[0])
        parts = Parts(supervisor, variables, uris, psutil.Process(number))
        parts.run("db-migrate", "db", "migrate")
        yield parts
    finally:
        supervisor.stop()


def parser_of_many(text: str | None) -> argparse.ArgumentParser:
    """Return the parser of the options of a benchmark of many merchants; from here on SIGTERM stops all."""
    stop_on_sigterm()
    parser = parser_of(text)
    parser.add_argument("--merchants", type=int, default=1_000)
    parser.add_argument("--servers", type=int, default=50)
    return parser


def stop_on_sigterm() -> None:
    """Let SIGTERM end this process as an error does, which stops all that it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))


def used(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of all below it, those that have ended included."""
    found = 0.0
    for each in family(process):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            found += sum(each.cpu_times()[:4])
    return found


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and all below it."""
    return [process, *process.children(recursive=True)]


def say(text: str) -> None:
    """Say where the benchmark is, beside its results."""
    print(text, file=sys.stderr, flush=True)
