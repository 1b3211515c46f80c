"""The files that the benchmark of the pipeline reads: generated exports of any size, and a real year."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from typing import Any, NamedTuple

from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample

CHANGED = {
    "erp_cache_customers": "PriceListName",
    "srs_customers": "LastName",
    "srs_purchases": "Description",
}
"""Interface -> the element whose text is another one in every second record."""
TURNS = {"first": 0, "same": 1, "changed": 2}
YEAR = "completejourney"
"""Two interfaces: the receipts of a real year, and who bought on each day."""


class Zip(NamedTuple):
    """A file as it is delivered."""

    interface: str
    index: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Case:
    """Files of one interface."""

    interface: str
    records: int
    files: int = 1
    turns: tuple[str, ...] = ("first", "same", "changed")
    shuffled: bool = False
    """Whether the records are in any order; else in that of their numbers."""

    @property
    def name(self) -> str:
        """Return what the table calls it."""
        records = f"{self.records:,} {'shuffled ' * self.shuffled}records"
        return f"{self.interface}, {records} in {self.files:,} file{'s' * (self.files > 1)}"


def year() -> Case:
    """Return the case of the real year."""
    from erp_feeds.demo.exports import export_names, receipts

    lines = receipts(365)
    customers = lines.drop_duplicates(["day", "household_id"])
    records = lines["basket_id"].nunique() + len(customers)
    return Case(YEAR, records, len(export_names("Bench", 365)), ("first",))


def zips(case: Case, turn: str = "first", shop: str = "Bench", first_index: int = 1) -> Iterator[Zip]:
    """Yield each file of a turn."""
    if case.interface == YEAR:
        yield from _of_the_year()
        return
    interface = INTERFACES[case.interface]
    *containers, record = interface.record_path
    head = "".join(takewhile(lambda piece: f"<{record}>" not in piece, sample(interface, 1)))
    tail = "".join(f"</{name}>" for name in reversed(containers))
    records = (piece for piece in sample(interface, case.records) if f"<{record}>" in piece)
    for number in range(case.files):
        index = str(first_index + number + TURNS[turn] * case.files)
        found = io.BytesIO()
        inner = interface.file_name(shop, index, "xml")
        with (
            zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as packed,
            packed.open(inner, "w", force_zip64=True) as member,
        ):
            own = islice(records, case.records // case.files)
            if case.shuffled:
                held = list(own)
                random.Random(number).shuffle(held)
                own = iter(held)
            for piece in chain([head], _changed(own, case) if turn == "changed" else own, [tail]):
                member.write(piece.encode())
        yield Zip(case.interface, index, interface.file_name(shop, index), found.getvalue())


def _of_the_year() -> Iterator[Zip]:
    # heavy: what a benchmark says of imports would be of its own
    from erp_feeds.demo.exports import exports, index_number

    for export in exports("Bench", 365):
        yield Zip(export.interface, index_number(export.day), export.name, export.content)


def _changed(records: Iterator[str], case: Case) -> Iterator[str]:
    element = CHANGED[case.interface]
    for place, text in enumerate(records):
        yield text.replace(f"<{element}>", f"<{element}>9") if place % 2 else text


def one_zip(case: Case) -> bytes:
    """Return the one file that holds all records of a case."""
    ((*_, content),) = zips(Case(case.interface, case.records))
    return content


def inputs(case: Case) -> list[tuple[str, bytes]]:
    """Return interface and bytes of each file that the floor reads: made records are all in one."""
    if case.interface == YEAR:
        return [(each.interface, each.content) for each in zips(case)]
    return [(case.interface, one_zip(case))]


@contextmanager
def unzipped(content: bytes) -> Iterator[Any]:
    """Open the XML of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed, packed.open(packed.namelist()[0]) as member:
        yield member
