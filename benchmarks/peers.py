"""What the pipeline is measured against: a floor below which nothing can go, and three ways that others go.

The peers keep text as text and check, reject and remember nothing.
"""

from __future__ import annotations

import csv
import io
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import psutil

from erp_feeds.interfaces import INTERFACES
from exports import Case, inputs, one_zip, unzipped
from measured import Figures, cpu, peak


@dataclass(frozen=True)
class Place:
    """Where a run works."""

    folder: Path
    uri: str
    server: int
    """Process id of the postmaster."""


def floor(case: Case, place: Place) -> Figures:
    """Inflate, let expat check, and COPY rows that are ready."""
    from xml.parsers import expat

    import psycopg

    given = inputs(case)
    rows: dict[str, bytes] = {}
    for interface, content in given:
        rows[interface] = rows.get(interface, b"") + _finished(interface, content)
    with psycopg.connect(place.uri, autocommit=True) as connection:
        for interface in rows:
            columns = ", ".join(f"c{number} text" for number in range(len(_elements(interface)[1])))
            connection.execute(f"CREATE TEMP TABLE plain_{interface} ({columns})")
        backend, start = _backend(connection), cpu()
        for _, content in given:
            with unzipped(content) as member:
                parser = expat.ParserCreate()
                while block := member.read(1 << 16):
                    parser.Parse(block, False)
                parser.Parse(b"", True)
        for interface, finished in rows.items():
            with connection.cursor().copy(f"COPY plain_{interface} FROM STDIN WITH (FORMAT csv)") as copy:
                for at in range(0, len(finished), 1 << 20):
                    copy.write(finished[at : at + (1 << 20)])
        return {"client": cpu() - start, "server": _backend(connection) - backend, "peak": peak()}


def lxml_executemany(case: Case, place: Place) -> Figures:
    """Read and upsert as most scripts do."""
    import psycopg
    from lxml import etree

    content = one_zip(case)
    record, names = _elements(case.interface)
    with psycopg.connect(place.uri) as connection:
        connection.execute(_table("by_lxml", names))
        backend, start = _backend(connection), cpu()
        with unzipped(content) as member:
            rows = []
            for _, each in etree.iterparse(member, tag=record):
                rows.append({name: each.findtext(name) for name in names})
                each.clear()
        values = ", ".join(f"%({name})s" for name in names)
        connection.cursor().executemany(_upsert("by_lxml", names, f"VALUES ({values})"), rows)
        connection.commit()
        return {"client": cpu() - start, "server": _backend(connection) - backend, "peak": peak()}


def pandas_to_sql(case: Case, place: Place) -> Figures:
    """Read and upsert with what pandas has."""
    import pandas as pd
    import psycopg
    import sqlalchemy

    content = one_zip(case)
    record, names = _elements(case.interface)
    engine = sqlalchemy.create_engine(place.uri.replace("postgresql://", "postgresql+psycopg://", 1))
    with psycopg.connect(place.uri, autocommit=True) as connection:
        connection.execute(_table("by_pandas", names))
        before, start = cpu_of_others(place.server), cpu()
        with unzipped(content) as member:
            frame = pd.read_xml(member, xpath=f".//{record}", dtype=str)
        frame[names].to_sql(
            "beside", engine, index=False, method="multi", chunksize=1_000, if_exists="replace"
        )
        chosen = ", ".join(f'"{name}"' for name in names)
        connection.execute(_upsert("by_pandas", names, f"SELECT {chosen} FROM beside"))
        client = cpu() - start
        engine.dispose()
        return {"client": client, "server": cpu_of_others(place.server) - before, "peak": peak()}


def dlt_merge(case: Case, place: Place) -> Figures:
    """Read and merge as dlt's documentation shows: its filesystem source, xmltodict, a primary key."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # set before the import reads it
    import dlt
    import xmltodict
    from dlt.sources.filesystem import filesystem

    (place.folder / "peer.zip").write_bytes(one_zip(case))
    path, (_, names) = INTERFACES[case.interface].record_path, _elements(case.interface)
    before, start = cpu_of_others(place.server), cpu()
    with zipfile.ZipFile(place.folder / "peer.zip") as packed:
        packed.extractall(place.folder / "xml")

    @dlt.transformer(standalone=True, name="by_dlt")
    def read_xml(items: Any) -> Any:
        for item in items:
            with item.open() as file:
                yield reduce(getitem, path, xmltodict.parse(file.read()))

    uri = place.uri.replace("postgres:@/", "postgres:none@localhost:5432/", 1)  # dlt asks; the socket decides
    pipeline = dlt.pipeline(
        "peer",
        destination=dlt.destinations.postgres(uri),
        dataset_name="by_dlt",
        pipelines_dir=str(place.folder / "dlt"),
    )
    files = filesystem(bucket_url=(place.folder / "xml").as_uri(), file_glob="*.xml") | read_xml()
    pipeline.run(files.apply_hints(write_disposition="merge", primary_key=names[0]))
    return {"client": cpu() - start, "server": cpu_of_others(place.server) - before, "peak": peak()}


def cpu_of_server(postmaster: int) -> float:
    """Return the CPU seconds of PostgreSQL, once the connections of others have ended."""
    while any(map(_serves, psutil.Process(postmaster).children())):
        time.sleep(0.02)
    return cpu_of_others(postmaster)


def _serves(process: psutil.Process) -> bool:
    """Return whether a process of PostgreSQL has a connection, or had one and is not yet counted as ended."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE or "[local]" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def cpu_of_others(postmaster: int) -> float:
    """Return the CPU seconds of PostgreSQL while connections are open."""
    process = psutil.Process(postmaster)
    running = sum(map(_used, process.children()))
    times = process.cpu_times()
    return float(running + times.children_user + times.children_system)


def _used(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:  # it has ended since, and counts among those that have
        return 0.0


PEERS: dict[str, Callable[[Case, Place], Figures]] = {
    "lxml + executemany": lxml_executemany,
    "pandas": pandas_to_sql,
    "dlt": dlt_merge,
}


def _elements(interface: str) -> tuple[str, list[str]]:
    declared = INTERFACES[interface]
    return declared.record_path[-1], [field.element for field in declared.fields]


def _table(name: str, columns: list[str]) -> str:
    first, *others = (f'"{column}" text' for column in columns)
    return f"CREATE TABLE {name} ({', '.join([f'{first} PRIMARY KEY', *others])})"


def _upsert(name: str, columns: list[str], rows: str) -> str:
    chosen = ", ".join(f'"{column}"' for column in columns)
    updates = ", ".join(f'"{column}" = EXCLUDED."{column}"' for column in columns[1:])
    return f'INSERT INTO {name} ({chosen}) {rows} ON CONFLICT ("{columns[0]}") DO UPDATE SET {updates}'


def _finished(interface: str, content: bytes) -> bytes:
    """Return the rows of a file as CSV."""
    from lxml import etree

    record, names = _elements(interface)
    found = io.StringIO()
    writer = csv.writer(found)
    with unzipped(content) as member:
        for _, each in etree.iterparse(member, tag=record):
            writer.writerow([each.findtext(name) for name in names])
            each.clear()
    return found.getvalue().encode()


def _backend(connection: Any) -> float:
    return float(sum(psutil.Process(connection.info.backend_pid).cpu_times()[:2]))
