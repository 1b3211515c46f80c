"""Takes deliveries into a store run by run, and tells what lies there by names that no arrival changes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from threading import Barrier
from typing import Any

import pandas as pd
import psycopg

from erp_feeds import tasks
from erp_feeds.batch import Batch, FeedFile
from erp_feeds.merchant import InterfaceSettings, Merchant
from erp_feeds.stages import STAGES, Pieces
from erp_feeds.storage import archive, staging
from erp_feeds.store import ledger
from support.deliveries import Delivery, File, Runs
from support.store_feed import TESTSHOP, apply_confirmations, emptied, frame
from support.store_rows import CLOCKS

STEPS = ("parse", "deduplicate", "split")
SHOP = TESTSHOP.model_copy(
    update={
        "interfaces": {
            **TESTSHOP.interfaces,
            "srs_customers": InterfaceSettings.model_validate(
                {"mapping": {"city": {"from": "city", "empty": "clear"}}}
            ),
        }
    }
)
"""A city that comes empty empties the profile's (rule: customers 10)."""

LOADED_FRAMES = {
    "srs_customers": ("profiles",),
    "srs_purchases": ("orders", "returns"),
    "erp_cache_customers": ("accounts",),
}


@dataclass(frozen=True)
class Prepared:
    """A file that is archived and has passed the stages before `load`, which do not know the store."""

    sha256: str
    staged: FeedFile
    frames: dict[str, dict[str, pd.DataFrame]] = field(compare=False)
    """Station -> what it left."""

    def records(self, stage: str) -> set[int]:
        """The numbers of the records that a stage lets pass."""
        names = ("records",) if stage != "split" else LOADED_FRAMES[self.staged.interface]
        return {int(record) for name in names for record in self.frames[stage][name]["record"]}

    def standing(self, stage: str) -> set[int]:
        """The last record of each key that a stage lets pass; of purchases every one stands for itself."""
        if self.staged.interface == "srs_purchases":
            return self.records(stage)
        name = "records" if stage != "split" else LOADED_FRAMES[self.staged.interface][0]
        frame = self.frames[stage][name]
        replaced = frame["key"].duplicated(keep="last") & frame["key"].notna()
        return {int(record) for record in frame["record"][~replaced]}

    def superseded(self) -> set[int]:
        """The records of orders that `load` replaces by later ones of other buyers (rule: purchases 6)."""
        if self.staged.interface != "srs_purchases":
            return set()
        orders = self.frames["split"]["orders"]
        replaced = (orders["channel"] == "online") & orders["purchase_id"].duplicated(keep="last")
        return {int(record) for record in orders["record"][replaced]}

    def rejects(self) -> pd.DataFrame:
        return self.frames["parse"].get("rejects", frame("rejects", []))


def prepare(delivery: Delivery, shop: Merchant = SHOP) -> list[Prepared]:
    """Archive each file and let it pass the stations up to split."""
    folder = staging.run_folder(SHOP.name, f"prepared{uuid.uuid4().hex}")
    return [_prepared(file, number, folder, shop) for number, file in enumerate(delivery, 1)]


def _prepared(file: File, number: int, folder: Any, shop: Merchant) -> Prepared:
    export = file.export
    kept = archive.save([export.content], SHOP.name, file.interface, export.name)
    staged = FeedFile(
        file_id=number,
        interface=file.interface,
        name=export.name,
        size=kept.size,
        index_number=str(file.index),
        archived=kept.url,
    )
    frames = {}
    for stage, passing in STAGES.items():
        (staged,) = passing(shop, [staged], folder)
        if stage in STEPS:
            (frames[stage],) = Pieces([staged])
    return Prepared(kept.sha256, staged, frames)


class Intake:
    """One merchant's files on their way into an emptied store."""

    def __init__(self, store: psycopg.Connection, prepared: Sequence[Prepared]) -> None:
        self.feed = emptied(store, SHOP)
        self.prepared = prepared
        self.known: dict[int, FeedFile | None] = {}
        """Place in the delivery -> the archived file; None for the same bytes under the same name again."""

    def prepared_as(self, prepared: Sequence[Prepared]) -> None:
        """Go on with files that passed the stations under other settings of the merchant."""
        self.prepared = prepared
        self.known = {
            place: file and _ready(file, prepared[place].staged) for place, file in self.known.items()
        }

    def run(self, name: str, places: Sequence[int]) -> None:
        """Take some files as one run does."""
        tasks.load(SHOP, self._batch(name, places))

    def run_all(self, runs: Runs) -> None:
        for number, places in enumerate(runs, 1):
            self.run(f"run{number}", places)

    def run_at_once(self, *runs: Sequence[int]) -> None:
        """Load several runs at the same moment, each over its own connection; their files arrive before."""
        batches = [self._batch(f"run{number}", places) for number, places in enumerate(runs, 1)]
        start = Barrier(len(batches))

        def load(batch: Batch) -> None:
            start.wait()
            tasks.load(SHOP, batch)

        with ThreadPoolExecutor(len(batches)) as pool:
            list(pool.map(load, batches))

    def loaded(self) -> dict[int, FeedFile]:
        """Place in the delivery -> its file, of those that were no duplicates."""
        return {place: file for place, file in self.known.items() if file}

    def _batch(self, run: str, places: Sequence[int]) -> Batch:
        files = [file for place in dict.fromkeys(places) if (file := self.arrived(place))]
        return Batch(merchant=SHOP.name, run=run, files=tuple(files))

    def arrived(self, place: int) -> FeedFile | None:
        """Return the archived file; None where its bytes came under its name before."""
        if place not in self.known:
            new = self.prepared[place]
            facts = {"name": new.staged.name, "size": new.staged.size}
            seen = self.feed.seen(self.feed.remote_file(new.staged.interface, 0, **facts))
            url, day = new.staged.archived, date(2017, 1, 1)
            archived = ledger.archive(self.feed.connection, seen, new.sha256, url, day)
            self.known[place] = _ready(archived, new.staged) if archived else None
        return self.known[place]


def _ready(archived: FeedFile, staged: FeedFile) -> FeedFile:
    passed = staged.model_dump(include={"members", "unzipped", "staged"}) | {"counts": staged.counts}
    return archived.model_copy(update=passed)


ARRIVAL_WARNINGS = {"late_file", "unknown_debtor", "no_email", "email_owned_by_other"}
"""They say what the store held when the file came."""

ARRIVAL: Mapping[str, Collection[str]] = {
    "files": {"file_id", "modified", "path", "run_id"},
    "rejects": {"run_id", "resolved_by_run", "resolved_by_file"},
    "rejected_records": set(),
    "profiles": set(),
    "identifiers": {"file_id", "record", "rule"},
    "email_matches": {"rule"},
    "email_conflicts": set(),
    "purchases": set(),
    "purchase_lines": set(),
    "accounts": set(),
    "mappings": set(),
    "totals": set(),
}
"""Table -> the columns that say which of several equal records came first; no comparison minds them."""


def named_rows(store: psycopg.Connection) -> dict[str, list[str]]:
    """Return all rows, without clocks, files by name and revision, people by their numbers and address."""
    apply_confirmations(store)
    files = _names(store, "SELECT file_id, format('%s %s', name, revision) FROM files")
    people = _names(store, PEOPLE)
    found = {}
    for table, first in ARRIVAL.items():
        plain = [row for (row,) in store.execute(f"SELECT to_jsonb(t) FROM {table} t")]
        named = [_named(row, files, people) for row in plain if row.get("state") != "duplicate"]
        hidden = {*CLOCKS, *first}
        kept = [{key: value for key, value in row.items() if key not in hidden} for row in named]
        found[table] = sorted(json.dumps(row, sort_keys=True) for row in kept)
    return found


PEOPLE = """
SELECT profile_id, concat_ws(' ', string_agg(value, ' ' ORDER BY value), email)
FROM profiles LEFT JOIN identifiers USING (profile_id)
GROUP BY profile_id
"""


def _names(store: psycopg.Connection, query: str) -> dict[int, str]:
    return dict(store.execute(query).fetchall())


def _named(row: dict[str, Any], files: dict[int, str], people: dict[int, str]) -> dict[str, Any]:
    """Replace what is numbered by arrival; a profile that only purchases know is of whichever came first."""
    row = dict(row)
    if "file_id" in row:
        row["file_id"] = files[row["file_id"]]
    if "profile_id" in row:
        row["profile_id"] = people[row["profile_id"]]
    if "counts" in row:
        warnings = row["counts"]["warnings"]
        kept = {code: number for code, number in warnings.items() if code not in ARRIVAL_WARNINGS}
        row["counts"] = {**row["counts"], "warnings": kept}
    if "field_versions" in row:
        row["field_versions"] = {
            name: [sequence, sequence and files[file], sequence and record]
            for name, (sequence, file, record) in row["field_versions"].items()
        }
    if "email" in row and row.get("sequence") == 0:
        del row["file_id"], row["record"]
    return row
