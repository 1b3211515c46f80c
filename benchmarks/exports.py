"""The files that the benchmark of the pipeline reads: generated exports of any size, and variants of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from typing import Any

from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample

CHANGED = {
    "erp_cache_customers": "PriceListName",
    "srs_customers": "LastName",
    "srs_purchases": "Description",
}
"""Interface -> the element whose text is another one in every second record."""
TURNS = {"first": 0, "same": 1, "changed": 2}


@dataclass(frozen=True)
class Case:
    """Files of one interface."""

    interface: str
    records: int
    files: int = 1
    turns: tuple[str, ...] = ("first", "same", "changed")

    @property
    def name(self) -> str:
        """Return what the table calls it."""
        return f"{self.interface}, {self.records:,} records in {self.files:,} file{'s' * (self.files > 1)}"


def zips(case: Case, turn: str = "first") -> Iterator[tuple[str, str, bytes]]:
    """Yield index, name and bytes of each file of a turn."""
    interface = INTERFACES[case.interface]
    *containers, record = interface.record_path
    head = "".join(takewhile(lambda piece: f"<{record}>" not in piece, sample(interface, 1)))
    tail = "".join(f"</{name}>" for name in reversed(containers))
    records = (piece for piece in sample(interface, case.records) if f"<{record}>" in piece)
    for number in range(case.files):
        index = str(1 + number + TURNS[turn] * case.files)
        found = io.BytesIO()
        inner = interface.file_name("Bench", index, "xml")
        with (
            zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as packed,
            packed.open(inner, "w", force_zip64=True) as member,
        ):
            own = islice(records, case.records // case.files)
            for piece in chain([head], _changed(own, case) if turn == "changed" else own, [tail]):
                member.write(piece.encode())
        yield index, interface.file_name("Bench", index), found.getvalue()


def _changed(records: Iterator[str], case: Case) -> Iterator[str]:
    element = CHANGED[case.interface]
    for place, text in enumerate(records):
        yield text.replace(f"<{element}>", f"<{element}>9") if place % 2 else text


def one_zip(case: Case) -> bytes:
    """Return the one file that holds all records of a case."""
    ((_, _, content),) = zips(Case(case.interface, case.records))
    return content


@contextmanager
def unzipped(content: bytes) -> Iterator[Any]:
    """Open the XML of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed, packed.open(packed.namelist()[0]) as member:
        yield member
