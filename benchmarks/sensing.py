"""What it costs to scan many inboxes: CPU of one Airflow triggerer, beside a bare loop of ftplib.

The real thing: merchants spread over FTPS servers, three interfaces each, whose files the ledger knows; one
DAG per merchant, serialised by Airflow's dag-processor into the embedded PostgreSQL; Airflow's triggerer,
measured with all its child processes over some full minutes once every inbox has been seen. The servers are
processes of their own and log each login and listing.

- floor: ftplib, one login per server, the same listings one after the other; no ledger, no Airflow
- login each: the same, with one login per merchant, as a trigger does that shares nothing
- triggerer: `airflow triggerer`; `database` is what PostgreSQL does for it meanwhile
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import psutil

import many_merchants
import many_servers
from many_merchants import family, parser_of_many, say, used
from many_servers import FOLDERS, Servers
from measured import Figures, cpu, in_turn, median, peak
from resuming import Resuming

INTERVAL = 60.0
"""Seconds between two scans of an inbox."""
TARGET = 15.0
"""Percent of one core, at most."""
LATE = 1.25
"""Intervals after which a scan counts as left out."""


def shared_login(servers: Servers) -> Figures:
    """Look at every inbox once, with one login per server."""
    start = cpu()
    for connection in servers.ports:
        with servers.client(connection) as client:
            for merchant in servers.merchants:
                if merchant.ftps.connection == connection:
                    _list(client, merchant.ftps.root)
    return {"cpu": cpu() - start, "peak": peak()}


def login_each(servers: Servers) -> Figures:
    """Look at every inbox once, with one login per merchant."""
    start = cpu()
    for merchant in servers.merchants:
        with servers.client(merchant.ftps.connection) as client:
            _list(client, merchant.ftps.root)
    return {"cpu": cpu() - start, "peak": peak()}


def _list(client: Resuming, root: str) -> None:
    for folder in FOLDERS:
        client.cwd(f"{root}/{folder}")
        client.retrlines("MLSD", lambda _: None)


WAYS: dict[str, Callable[[Servers], Figures]] = {"floor": shared_login, "login each": login_each}


@dataclass(frozen=True)
class Watching:
    """A triggerer at work."""

    triggerer: psutil.Process
    database: psutil.Process


@contextmanager
def watching(servers: Servers, folder: Path) -> Iterator[Watching]:
    """Bring Airflow up as far as sensing needs it: metadata, DAGs, triggerer."""
    with many_merchants.prepared(servers, folder, {}) as parts:
        parts.run("dag-processor", "dag-processor", "-n", "1")
        triggerer = parts.start("triggerer", "triggerer", "--capacity", str(len(servers.merchants) + 100))
        yield Watching(triggerer, parts.database)


def measured(servers: Servers, at_work: Watching, minutes: int) -> dict[str, list[Figures]]:
    """Return the figures of some full minutes after every inbox has been seen."""
    many_servers.await_all(servers, INTERVAL)
    triggerer: list[Figures] = []
    database: list[Figures] = []
    for number in range(minutes):
        say(f"minute {number + 1} of {minutes}")
        began = time.time()
        before = used(at_work.triggerer), used(at_work.database)
        most = 0.0
        while time.time() < began + 60:
            time.sleep(min(5, max(0, began + 60 - time.time())))
            most = max(most, _held(at_work.triggerer))
        spent = [
            (after - then) * 60 / (time.time() - began)
            for after, then in zip((used(at_work.triggerer), used(at_work.database)), before, strict=True)
        ]
        visits = servers.visits().between(began, began + 60)
        counted = {"logins": float(visits.number("login")), "listings": float(visits.number("list"))}
        triggerer.append({"cpu": spent[0], "peak": most, **counted})
        database.append({"cpu": spent[1], "peak": 0.0})
    return {"triggerer": triggerer, "database": database}


def unseen(servers: Servers, start: float, end: float) -> list[str]:
    """Return the inboxes of which a scan was left out in a span of time."""
    scans = servers.visits().between(start, end).folders()
    left_out = []
    for merchant in servers.merchants:
        for folder in FOLDERS:
            moments = [start, *scans.get(f"{merchant.ftps.connection}{merchant.ftps.root}/{folder}", []), end]
            gaps = [after - before for before, after in itertools.pairwise(moments)]
            if max(gaps) > INTERVAL * LATE:
                left_out.append(f"{merchant.ftps.root}/{folder}")
    return left_out


def _held(process: psutil.Process) -> float:
    """Return the memory of a process and of all below it in MB; what they share counts for each."""
    return sum(each.memory_info().rss for each in family(process)) / 1e6


def main() -> None:
    """Measure the triggerer, then the loops of ftplib, and print medians per minute."""
    parser = parser_of_many(__doc__)
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
    print(f"{chosen.merchants:,} merchants on {chosen.servers} servers, scanned every {INTERVAL:.0f} s")
    print(f"{'way':<18}{'CPU s/min':>10}{'% of core':>11}{'x floor':>9}{'peak MB':>9}")
    base = median(found["floor"], "cpu")
    for way, figures in sorted(found.items(), key=lambda each: median(each[1], "cpu")):
        used, most = median(figures, "cpu"), median(figures, "peak")
        memory = f"{most:.0f}" if most else "-"
        print(f"{way:<18}{used:>10.2f}{used / 60:>11.1%}{used / base:>9.1f}{memory:>9}")
    logins, listings = (mean(each[name] for each in found["triggerer"]) for name in ("logins", "listings"))
    print(f"the triggerer: {logins:.0f} logins and {listings:.0f} listings a minute")
    print(f"inboxes of which a scan was left out: {', '.join(left_out) or 'none'}")
    print(f"target: the triggerer within {TARGET:.0f} % of a core")


if __name__ == "__main__":
    main()
