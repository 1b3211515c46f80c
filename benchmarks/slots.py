"""Several large files, with one executor slot and with two: do the runs use both cores?

A whole Airflow, as `scale.py` starts it. The files arrive within seconds, which is more than one run takes:
with a second slot the next run of a merchant reads its file while this one loads, and other merchants load
beside it. Seconds are from the start of the first task until the rows of the last file are committed.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import exports
import many_servers
from erp_feeds.interfaces import INTERFACES
from exports import Case, Zip
from many_merchants import say, stop_on_sigterm
from many_servers import Servers
from measured import keep, parser_of
from scale import SETTINGS, running

INTERVAL = 5.0
SLOTS = (1, 2)
LOADED = "SELECT count(*) FROM files WHERE name = ANY(%s) AND state = 'loaded'"
BEGAN = """
    SELECT extract(epoch FROM min(start_date))
    FROM task_instance
    WHERE task_id = 'unzip' AND state = 'success'
"""


def measure(files: Mapping[str, list[Zip]], slots: int, place: Path) -> dict[str, Any]:
    """Return the seconds that a number of slots takes for the files of each shop, and what each part used."""
    settings = SETTINGS | {"CORE__PARALLELISM": str(slots)}
    names = [file.name for zips in files.values() for file in zips]
    with (
        many_servers.running(place / "ftps", 1, len(files), INTERVAL) as servers,
        running(servers, place / "home", settings) as at_work,
    ):
        before = at_work.used()
        upload(servers, files)
        say(f"{len(names)} files uploaded; executor slots: {slots}")
        at_work.wait(LOADED, len(names), [names], "erp_feeds")
        ended = time.time()
        after = at_work.used()
        return {
            "slots": slots,
            "seconds": ended - at_work.count(BEGAN),
            "cpu": {name: after[name] - before[name] for name in before},
        }


def upload(servers: Servers, files: Mapping[str, list[Zip]]) -> None:
    """Let the ERP parties upload the files, of all merchants in turn."""
    merchants = {merchant.shop_name: merchant for merchant in servers.merchants}
    with servers.client(servers.merchants[0].ftps.connection) as client:
        for together in zip(*files.values(), strict=True):
            for shop, file in zip(files, together, strict=True):
                folder = f"{merchants[shop].ftps.root}/{INTERFACES[file.interface].folder}"
                client.storbinary(f"STOR {folder}/{file.name}", BytesIO(file.content))


def main() -> None:
    """Measure, print the table, and keep the figures as JSON."""
    parser = parser_of(__doc__)
    parser.add_argument("--interface", choices=INTERFACES, default="erp_cache_customers")
    parser.add_argument("--merchants", type=int, default=1, help="that share the files")
    parser.add_argument("--files", type=int, default=6, help="of all merchants together")
    parser.add_argument("--records", type=int, default=1_000_000, help="of each file")
    chosen = parser.parse_args()
    stop_on_sigterm()
    each = chosen.files // chosen.merchants
    case = Case(chosen.interface, each * chosen.records, each)
    say("making the files")
    shops = [f"Shop{number}" for number in range(chosen.merchants)]
    files = {shop: list(exports.zips(case, shop=shop, first_index=20260201)) for shop in shops}
    rows = []
    for slots in SLOTS:
        with tempfile.TemporaryDirectory(prefix="erp-feeds-bench-") as place:
            rows.append(measure(files, slots, Path(place)))
    name = f"{case.name}, of each of {chosen.merchants} merchants"
    print(name)
    for row in rows:
        share = row["seconds"] / rows[0]["seconds"]
        print(f"{row['slots']} slots: {row['seconds']:6.1f} s, {share:.2f} of one slot")
    found = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count(), "rows": rows}
    keep(f"slots-{case.interface}-{chosen.merchants}", {"case": name, **found})


if __name__ == "__main__":
    main()
