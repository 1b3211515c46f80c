"""How dear it is to watch many inboxes: CPU of one Airflow triggerer, beside a bare loop of ftplib.

The real thing: merchants spread over FTPS servers, three interfaces each, whose files the ledger knows; one
DAG per merchant, serialised by Airflow's dag-processor into the embedded PostgreSQL; Airflow's triggerer,
measured with all its child processes over some full minutes once every inbox has been seen. The servers are
processes of their own and count who comes by.

- floor: ftplib, one login per server, the same listings one after the other; no ledger, no Airflow
- login each: the same, with one login per merchant, as a trigger does that shares nothing
- triggerer: `airflow triggerer`; `database` is what PostgreSQL does for it meanwhile
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import psutil

import many_servers
from many_servers import FOLDERS, USER, Servers
from measured import Figures, cpu, in_turn, median, peak
from resuming import Resuming

INTERVAL = 60.0
"""Seconds between two looks at an inbox."""
TARGET = 15.0
"""Percent of one core, at most."""
RETRY_SECONDS = 600.0
"""Seconds until every inbox must have been seen."""
LATE = 1.25
"""Intervals after which a look counts as left out."""


def shared_login(servers: Servers) -> Figures:
    """Look at every inbox once, with one login per server."""
    start = cpu()
    for connection in servers.ports:
        with _client(servers, connection) as client:
            for merchant in servers.merchants:
                if merchant.ftps.connection == connection:
                    _list(client, merchant.ftps.root)
    return {"cpu": cpu() - start, "peak": peak()}


def login_each(servers: Servers) -> Figures:
    """Look at every inbox once, with one login per merchant."""
    start = cpu()
    for merchant in servers.merchants:
        with _client(servers, merchant.ftps.connection) as client:
            _list(client, merchant.ftps.root)
    return {"cpu": cpu() - start, "peak": peak()}


def _list(client: Resuming, root: str) -> None:
    for folder in FOLDERS:
        client.cwd(f"{root}/{folder}")
        client.retrlines("MLSD", lambda _: None)


def _client(servers: Servers, connection: str) -> Resuming:
    client = Resuming(context=_context(servers.ca), timeout=30)
    client.connect("localhost", servers.ports[connection])
    client.login(USER, servers.password)
    client.prot_p()
    return client


@cache
def _context(ca: Path) -> ssl.SSLContext:
    """Return the context, made once as any good client does."""
    return ssl.create_default_context(cafile=ca)


WAYS: dict[str, Callable[[Servers], Figures]] = {"floor": shared_login, "login each": login_each}


@dataclass(frozen=True)
class Watching:
    """A triggerer at work."""

    triggerer: psutil.Process
    database: psutil.Process


@contextmanager
def watching(servers: Servers, folder: Path) -> Iterator[Watching]:
    """Bring Airflow up as far as sensing needs it: metadata, DAGs, triggerer."""
    os.environ |= {"ERP_FEEDS_HOME": str(folder), "ERP_FEEDS_MERCHANTS": str(folder / "merchants")}
    from erp_feeds.demo import environment, ports, postgres
    from erp_feeds.demo.processes import Supervisor
    from erp_feeds.store.migrate import migrate

    many_servers.write_merchants(servers, folder / "merchants")
    home = environment.home()
    server = postgres.start(home.postgres)
    supervisor = Supervisor(home)
    try:
        uris = {name: postgres.database(server, name) for name in ("airflow", "erp_feeds")}
        chosen = ports.choose(home.run / "ports.json")
        variables = environment.build(home, chosen, environment.secrets_of(home), uris) | servers.connections
        variables |= {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
        }
        home.lineage.parent.mkdir(parents=True, exist_ok=True)
        migrate(uris["erp_feeds"])
        many_servers.remember_files(servers, uris["erp_feeds"])
        for name, arguments in {"db": ["migrate"], "dag-processor": ["-n", "1"]}.items():
            _say(f"airflow {name} {' '.join(arguments)}")
            supervisor.start(name, [sys.executable, "-m", "airflow", name, *arguments], variables, brief=True)
            supervisor.wait(name)
        capacity = str(len(servers.merchants) + 100)
        command = [sys.executable, "-m", "airflow", "triggerer", "--capacity", capacity]
        supervisor.start("triggerer", command, variables)
        (triggerer,) = [child for child in psutil.Process().children() if child.cmdline()[-1] == capacity]
        postmaster = int((home.postgres / "postmaster.pid").read_text().split()[0])
        yield Watching(triggerer, psutil.Process(postmaster))
    finally:
        supervisor.stop()


def measured(servers: Servers, at_work: Watching, minutes: int) -> dict[str, list[Figures]]:
    """Return the figures of some full minutes after every inbox has been seen."""
    _await_all(servers)
    triggerer: list[Figures] = []
    database: list[Figures] = []
    for number in range(minutes):
        _say(f"minute {number + 1} of {minutes}")
        began = time.time()
        before = _used(at_work.triggerer), _used(at_work.database)
        most = 0.0
        while time.time() < began + 60:
            time.sleep(min(5, max(0, began + 60 - time.time())))
            most = max(most, _held(at_work.triggerer))
        spent = [
            (after - then) * 60 / (time.time() - began)
            for after, then in zip((_used(at_work.triggerer), _used(at_work.database)), before, strict=True)
        ]
        visits = servers.visits().between(began, began + 60)
        counted = {"logins": float(visits.number("login")), "listings": float(visits.number("list"))}
        triggerer.append({"cpu": spent[0], "peak": most, **counted})
        database.append({"cpu": spent[1], "peak": 0.0})
    return {"triggerer": triggerer, "database": database}


def unseen(servers: Servers, start: float, end: float) -> list[str]:
    """Return the inboxes of which a look was left out in a span of time."""
    looks = servers.visits().between(start, end).folders()
    left_out = []
    for merchant in servers.merchants:
        for folder in FOLDERS:
            moments = [start, *looks.get(f"{merchant.ftps.connection}{merchant.ftps.root}/{folder}", []), end]
            gaps = [after - before for before, after in itertools.pairwise(moments)]
            if max(gaps) > INTERVAL * LATE:
                left_out.append(f"{merchant.ftps.root}/{folder}")
    return left_out


def _await_all(servers: Servers) -> None:
    """Wait until the triggerer looks at every inbox, and for one more interval."""
    _say("waiting until every inbox has been seen")
    wanted = len(servers.merchants) * len(FOLDERS)
    deadline = time.monotonic() + RETRY_SECONDS
    while len(servers.visits().folders()) < wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(servers.visits().folders())} of {wanted} folders were listed")
        time.sleep(1)
    time.sleep(INTERVAL)


def _used(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of all below it, those that have ended included."""
    return sum(sum(each.cpu_times()[:4]) for each in _family(process))


def _held(process: psutil.Process) -> float:
    """Return the memory of a process and of all below it in MB; what they share counts for each."""
    return sum(each.memory_info().rss for each in _family(process)) / 1e6


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure the triggerer, then the loops of ftplib, and print medians per minute."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--merchants", type=int, default=1_000)
    parser.add_argument("--servers", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3, help="of the loops of ftplib")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="erp-feeds-bench-") as place,
        many_servers.running(Path(place) / "ftps", chosen.servers, chosen.merchants, INTERVAL) as servers,
    ):
        with watching(servers, Path(place) / "home") as at_work:
            found = measured(servers, at_work, chosen.minutes)
            left_out = unseen(servers, time.time() - 60 * chosen.minutes, time.time())
        found |= in_turn(WAYS, chosen.rounds, servers)
    if chosen.json:
        print(json.dumps({**found, "left out": left_out}, indent=2))
        return
    print(f"{chosen.merchants:,} merchants on {chosen.servers} servers, looked at every {INTERVAL:.0f} s")
    print(f"{'way':<18}{'CPU s/min':>10}{'% of core':>11}{'x floor':>9}{'peak MB':>9}")
    base = median(found["floor"], "cpu")
    for way, figures in sorted(found.items(), key=lambda each: median(each[1], "cpu")):
        used, most = median(figures, "cpu"), median(figures, "peak")
        memory = f"{most:.0f}" if most else "-"
        print(f"{way:<18}{used:>10.2f}{used / 60:>11.1%}{used / base:>9.1f}{memory:>9}")
    logins, listings = (mean(each[name] for each in found["triggerer"]) for name in ("logins", "listings"))
    print(f"the triggerer: {logins:.0f} logins and {listings:.0f} listings a minute")
    print(f"inboxes of which a look was left out: {', '.join(left_out) or 'none'}")
    print(f"target: the triggerer within {TARGET:.0f} % of a core")


if __name__ == "__main__":
    main()
