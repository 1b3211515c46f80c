"""How dear it is to read and load one big file: CPU seconds and peak memory, beside a floor and two peers.

Every way runs in a process of its own, over the same zip of generated ERP Cache customers, several times in
turn; the medians are printed, and the ratio to the floor of the same run, since machines differ and are
shared. A figure holds the start of its process and the import of its libraries.

- floor: inflate, and expat without a handler: no XML reader can do less
- erp-feeds: inflate, parse, type, validate; frames in blocks
- dict per record: lxml's iterparse, a dict per record, one DataFrame (untyped)
- pandas.read_xml: the library's own reader (untyped: it makes numbers of account numbers)
- load: the frames into PostgreSQL, then the same again, which must write nothing; client and server together
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.publish.samples import sample
from measured import Figures, cpu, in_turn, median, peak

INTERFACE = INTERFACES["erp_cache_customers"]
RECORD = INTERFACE.record_path[-1]
MERCHANT = Merchant.model_validate(
    {
        "name": "bench",
        "shop_name": "Bench",
        "timezone": "UTC",
        "currency": "EUR",
        "ftps": {"connection": "none"},
        "interfaces": {INTERFACE.name: {}},
    }
)


def floor(path: Path) -> Figures:
    """Inflate the file and let expat check it."""
    from xml.parsers import expat

    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
        parser = expat.ParserCreate()
        while block := member.read(1 << 16):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    return _used()


def erp_feeds(path: Path) -> Figures:
    """Read the file as the task `parse` does."""
    from erp_feeds.steps.parse import parse

    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
        for _ in parse([member], INTERFACE, MERCHANT):
            pass
    return _used()


def dict_per_record(path: Path) -> Figures:
    """Read the file as most scripts do."""
    import pandas as pd
    from lxml import etree

    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
        rows = []
        for _, record in etree.iterparse(member, tag=RECORD):
            rows.append({child.tag: child.text for child in record})
            record.clear()
        pd.DataFrame(rows)
    return _used()


def pandas_read_xml(path: Path) -> Figures:
    """Read the file with pandas' own reader."""
    import pandas as pd

    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
        pd.read_xml(member, xpath=f".//{RECORD}")
    return _used()


def load(path: Path) -> Figures:
    """Parse, then load into a fresh embedded PostgreSQL, twice."""
    import psutil

    from erp_feeds.demo import postgres
    from erp_feeds.store.connection import open_uri
    from erp_feeds.store.migrate import migrate

    folder = path.parent / f"postgres-{time.monotonic_ns()}"
    try:
        uri = postgres.database(postgres.start(folder), "bench")
        migrate(uri)
        frames = _frames(path)
        with open_uri(uri) as connection:
            backend = psutil.Process(connection.info.backend_pid)
            first, again = (_loading(connection, backend, frames) for _ in range(2))
    finally:
        postgres.stop(folder)
    return {**_used(), "cpu": first, "again": again}


def _loading(connection: Any, backend: Any, frames: dict[str, Any]) -> float:
    """Return the CPU seconds of one load, client and server."""
    from datetime import UTC, date, datetime

    from erp_feeds.batch import RemoteFile, Replay
    from erp_feeds.inbox import scan
    from erp_feeds.store import ledger
    from erp_feeds.store.load import load_file

    name = INTERFACE.file_name("Bench", "1")
    found = RemoteFile(interface=INTERFACE.name, name=name, size=1, modified=datetime(2017, 1, 1, tzinfo=UTC))
    for _ in range(2):
        scan.register(connection, MERCHANT.name, [INTERFACE], [found], 0)
    for file in ledger.unfinished(connection, MERCHANT.name, [INTERFACE.name], 1):
        ledger.archive(connection, file, "0" * 64, "file:///none", date(2017, 1, 1))
    (file,) = ledger.archived(connection, MERCHANT.name, [INTERFACE.name], Replay(since=date(2017, 1, 1)))
    before = cpu() + sum(backend.cpu_times()[:2])
    load_file(connection, file, MERCHANT, "bench", frames)
    return cpu() + float(sum(backend.cpu_times()[:2])) - before


def _frames(path: Path) -> dict[str, Any]:
    import pandas as pd

    from erp_feeds.steps.parse import parse
    from erp_feeds.steps.split import split

    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
        blocks = [block.frames for block in parse([member], INTERFACE, MERCHANT)]
    whole = {name: pd.concat([block[name] for block in blocks]) for name in blocks[-1]}
    return split(whole, INTERFACE, MERCHANT).frames


def _used() -> Figures:
    """Return CPU seconds of this process and its peak memory in MB."""
    return {"cpu": cpu(), "peak": peak()}


WAYS: dict[str, Callable[[Path], Figures]] = {
    "floor": floor,
    "erp-feeds": erp_feeds,
    "dict per record": dict_per_record,
    "pandas.read_xml": pandas_read_xml,
    "load": load,
}


def _generated(folder: Path, records: int) -> Path:
    path = folder / INTERFACE.file_name("Bench", "1")
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(INTERFACE.file_name("Bench", "1", "xml"), "w", force_zip64=True) as member,
    ):
        for text in sample(INTERFACE, records):
            member.write(text.encode())
    return path


def main() -> None:
    """Measure every way in turn, round by round, and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="erp-feeds-bench-") as folder:
        found = in_turn(WAYS, chosen.rounds, _generated(Path(folder), chosen.records))
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    base = median(found["floor"], "cpu")
    print(f"{chosen.records:,} records\n{'way':<18}{'CPU s':>8}{'x floor':>9}{'peak MB':>9}")
    for way, figures in found.items():
        used, most = median(figures, "cpu"), median(figures, "peak")
        print(f"{way:<18}{used:>8.2f}{used / base:>9.1f}{most:>9.0f}")
    again = median(found["load"], "again")
    print(f"{'load again':<18}{again:>8.2f}{again / base:>9.1f}")


if __name__ == "__main__":
    main()
