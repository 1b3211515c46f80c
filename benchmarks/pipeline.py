"""How dear the pipeline is from archived zips to rows: CPU seconds and memory, beside a floor and peers.

Each task runs in a process of its own on what the task before staged, forked as Airflow forks its tasks,
against an embedded PostgreSQL; its figures are the CPU seconds of the process without its imports, and those
of the server. A case takes three turns: files that are new, the same values under newer indexes, half of the
records changed.
Machines differ and are shared, so what counts is the ratio to the floor of the same run:

- floor: inflate, expat without a handler, and COPY of the finished rows into a table without an index
- lxml + executemany: iterparse, a dict per record, INSERT … ON CONFLICT
- pandas: read_xml, to_sql into a table beside, INSERT … ON CONFLICT
- dlt: its filesystem source, xmltodict, write disposition merge

The peers keep text as text and check, reject and remember nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import report
from exports import YEAR, Case, year, zips
from measured import Figures, alone, cpu, forked, peak
from peers import PEERS, Place, cpu_of_server, floor

RUNNER = "airflow.sdk.execution_time.task_runner"
RESULTS = Path(__file__).parent / "results"
TASKS = ("unzip", "parse", "deduplicate", "split", "load")
ONCE = ("first",)
SIZES: dict[str, list[Case]] = {
    "small": [
        Case("erp_cache_customers", 20_000),
        Case("srs_customers", 10_000),
        Case("srs_purchases", 5_000),
        Case("erp_cache_customers", 5_000, 1, ONCE),
        Case("erp_cache_customers", 5_000, 50, ONCE),
    ],
    "full": [
        Case("erp_cache_customers", 1_000_000),
        Case("srs_customers", 500_000),
        Case("srs_purchases", 500_000),
        Case("erp_cache_customers", 200_000, 1, ONCE, shuffled=True),
        Case("srs_purchases", 200_000, 1, ONCE, shuffled=True),
        Case("erp_cache_customers", 50_000, 1, ONCE),
        Case("erp_cache_customers", 50_000, 500, ONCE),
    ],
    "huge": [
        Case("erp_cache_customers", 1_000_000, 1, ONCE),
        Case("erp_cache_customers", 10_000_000, 1, ONCE),
    ],
}
"""Beside these, the full size has the real year."""
PEERS_UP_TO = {"small": 20_000, "full": 200_000, "huge": 0}
"""Records of the case on which the peers run: on a million they would take most of an hour."""


def merchant(case: Case) -> Any:
    """Return the merchant of a case's files: each case begins without rows."""
    from erp_feeds.interfaces import INTERFACES
    from erp_feeds.merchant import Merchant

    currency = "USD" if case.interface == YEAR else "EUR"
    facts = {"shop_name": "Bench", "timezone": "UTC", "currency": currency, "ftps": {"connection": "none"}}
    name = f"{case.interface}_{case.records}_{case.files}{'_shuffled' * case.shuffled}"
    return Merchant.model_validate({"name": name, **facts, "interfaces": {name: {} for name in INTERFACES}})


def archive_files(case: Case, turn: str) -> Any:
    """Archive the files of a turn, and return the batch that takes them."""
    from erp_feeds.batch import Batch, Replay
    from erp_feeds.interfaces import INTERFACES
    from erp_feeds.storage import archive
    from erp_feeds.store import connection as store
    from erp_feeds.store import ledger

    owner, names = merchant(case), []
    with store.connect() as connection:
        for each in zips(case, turn):
            kept = archive.save([each.content], owner.name, each.interface, each.name)
            facts = {
                "interface": each.interface,
                "name": each.name,
                "index_number": each.index,
                "day": date(2017, 1, 1),
            }
            facts |= {"size": kept.size, "sha256": kept.sha256, "url": kept.url}
            ledger.import_original(connection, owner.name, facts)
            names.append(each.name)
        files = ledger.archived(connection, owner.name, list(INTERFACES), Replay(files=tuple(names)))
    return Batch(merchant=owner.name, run=f"{case.interface} {turn}", files=tuple(files))


def know_the_tables(place: Place) -> None:
    """Give PostgreSQL statistics of its tables, as autovacuum does soon: plans depend on them."""
    import psycopg  # here: in the forked process alone

    with psycopg.connect(place.uri, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def run_task(name: str, case: Case, batch: Any, place: Place) -> tuple[Any, Figures]:
    """Run one task; return what it hands on, and its figures."""
    import logging

    from erp_feeds import tasks

    logging.disable(logging.INFO)
    owner = merchant(case)
    before = cpu_of_server(place.server)
    start = cpu()
    left = getattr(tasks, name)(owner, batch)
    client = cpu() - start
    server = cpu_of_server(place.server) - before
    return left, {"client": client, "server": server, "peak": peak()}


def imports(*names: str) -> Figures:
    """Import modules: what they cost, and the memory of the process then."""
    start = cpu()
    for name in names:
        importlib.import_module(name)
    return {"client": cpu() - start, "peak": peak()}


def imports_of_a_task() -> str:
    """Say what a task imports: by itself, and where Airflow forks it from a process that has done so."""
    sdk, body = alone(imports, RUNNER), alone(imports, RUNNER, "erp_feeds.tasks")
    fork = forked(imports, RUNNER, "erp_feeds.tasks")
    more = f"{body['client'] - sdk['client']:.2f} s and {body['peak'] - sdk['peak']:.0f} MB"
    return (
        f"imports of a task: Airflow {sdk['client']:.2f} s and {sdk['peak']:.0f} MB, erp-feeds {more} more; "
        f"forked from a process that has made them {fork['client']:.2f} s and {fork['peak']:.0f} MB in all"
    )


@contextmanager
def running() -> Iterator[Place]:
    """Run a store of its own, which archive and staging lie beside."""
    from psycopg.conninfo import conninfo_to_dict

    from erp_feeds.demo import postgres
    from erp_feeds.store.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="erp-feeds-bench-") as temporary:
        folder = Path(temporary)
        try:
            uri = postgres.database(postgres.start(folder / "pg"), "bench")
            migrate(uri)
            info = conninfo_to_dict(uri)
            connection = {"conn_type": "postgres", "login": info["user"], "schema": info["dbname"]}
            os.environ["AIRFLOW_CONN_ERP_FEEDS_STORE"] = json.dumps(
                {**connection, "extra": {"host": info["host"]}}
            )
            os.environ["ERP_FEEDS_HOME"] = str(folder / "home")
            yield Place(folder, uri, int((folder / "pg" / "postmaster.pid").read_text().split()[0]))
        finally:
            postgres.stop(folder / "pg")


def measure(cases: list[Case], peers_up_to: int, place: Place) -> Iterator[dict[str, Any]]:
    """Yield a row for each turn of each case, with the floor of the case."""
    for case in cases:
        base = alone(floor, case, place)
        at_floor = base["client"] + base["server"]
        yield _row(case, "floor", base["client"], base["server"], base["peak"], at_floor)
        for turn in case.turns:
            forked(know_the_tables, place)
            batch, each = forked(archive_files, case, turn), {}
            for name in TASKS:
                batch, each[name] = forked(run_task, name, case, batch, place)
            client, server = (sum(task[part] for task in each.values()) for part in ("client", "server"))
            most = max(task["peak"] for task in each.values())
            yield {**_row(case, turn, client, server, most, at_floor), "tasks": each}
        if case.interface == "erp_cache_customers" and case.files == 1 and len(case.turns) > 1:
            smaller = Case(case.interface, min(case.records, peers_up_to))
            scale = smaller.records / case.records
            for name, peer in PEERS.items():
                found = alone(peer, smaller, place)
                used = found["client"], found["server"], found["peak"]
                yield _row(smaller, name, *used, at_floor * scale)


def _row(  # noqa: PLR0917 - the columns of the table, in their order
    case: Case, way: str, client: float, server: float, most: float, at_floor: float
) -> dict[str, Any]:
    total = client + server
    return {
        "case": case.name,
        "way": way,
        "client": round(client, 3),
        "server": round(server, 3),
        "records_per_cpu_second": round(case.records / total),
        "of_floor": round(at_floor / total, 3),
        "peak_mb": round(most),
    }


def main() -> None:
    """Measure all cases, print one table, and keep it as JSON; the full one goes into the documents too."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="full")
    size = parser.parse_args().size
    cases = [*([alone(year)] if size == "full" else []), *SIZES[size]]  # apart: it takes much memory
    rows = []
    print(f"{'case':<56}{'way':<20}{'client s':>9}{'server s':>9}{'rec/CPU s':>11}{'of floor':>9}{'MB':>6}")
    with running() as place:
        for row in measure(cases, PEERS_UP_TO[size], place):
            rows.append(row)
            figures = f"{row['client']:>9.2f}{row['server']:>9.2f}{row['records_per_cpu_second']:>11,}"
            print(
                f"{row['case']:<56}{row['way']:<20}{figures}{row['of_floor']:>9.2f}{row['peak_mb']:>6}",
                flush=True,
            )
    other, last = [row["records_per_cpu_second"] for row in rows if row["way"] == "first"][-2:]
    times = f"a record of the last case costs {other / last:.1f} times as much as one of the case before"
    notes = [times, imports_of_a_task()]
    print("\n".join(notes))
    RESULTS.mkdir(exist_ok=True)
    found = {"size": size, "rows": rows, "notes": notes}
    (RESULTS / f"pipeline-{size}.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if size == "full":
        report.write(found)


if __name__ == "__main__":
    main()
