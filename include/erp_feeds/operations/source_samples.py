"""What the latest file of an interface really carried: each element, how often, with a value of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice

import psycopg
from lxml import etree

from erp_feeds.codes import FileState, QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.element_errors import ELEMENT_NAME
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.merchant.values import matched_email
from erp_feeds.storage import archive, zips
from erp_feeds.store import queries, suppression
from erp_feeds.store.file_rows import LedgerFile
from erp_feeds.xml.elements import children, local_name

FILES = 20
"""How many of the latest files are searched for undocumented elements: not every file has each."""
MOST_READ = 3
"""How many of them are read for values of such elements."""
RECORDS = 50
"""Records at the beginning of a file that are searched for values."""
CHUNK = 64 << 10
"""Bytes that are read of it at a time."""
LONGEST = 60
"""Characters of a value."""


@dataclass(frozen=True)
class Samples:
    """What one file carried. The values are personal data."""

    file: LedgerFile
    known: dict[str, int]
    """Element of the interface -> in how many records or lines it is."""
    unknown: dict[str, int]
    """Element that the interface does not know -> how often it is there; 0: only in an older file."""
    unknown_of_lines: list[str]
    """Elements of a line that the interface does not know."""
    values: dict[str, str]
    """Element, of a line as 'Lines/Line/Sku' -> its first value that is not empty."""

    def carried(self, element: str) -> int | None:
        """Return in how many records or lines an element is; None of a file that was not counted."""
        if self.file.state == FileState.QUARANTINED:
            return None
        # A name that the mapping has got since was unknown when the file was loaded.
        return self.known.get(element) or self.unknown.get(element, 0)


def latest_samples(
    connection: psycopg.Connection, merchant: Merchant, interface: Interface
) -> Samples | None:
    """Return what the latest file of an interface carried; None where no file was loaded yet.

    Undocumented elements are searched in some older files too. Values come from the first records of the
    original, without those of suppressed people; there are none where the original cannot be read.

    Args:
        connection: Of the store.
        merchant: Whose file it is.
        interface: As the merchant's ERP delivers it.
    """
    files = _latest_files(connection, merchant, interface, FILES)
    if not files:
        return None
    file = files[0]
    unknown = _undocumented(interface, file)
    values = _values(connection, merchant, interface, file)
    if file.state == FileState.QUARANTINED:
        names = (name for name in values if ELEMENT_NAME.fullmatch(name))
        unknown = dict.fromkeys(set(names) - _declared(interface), 0)
    read = 0
    for older in files[1:]:
        new = _undocumented(interface, older).keys() - unknown.keys()
        unknown |= dict.fromkeys(new, 0)
        if new and read < MOST_READ:
            read += 1
            others = _values(connection, merchant, interface, older)
            values |= {name: others[name] for name in new & others.keys()}
    return Samples(file, dict(file.tally.elements), unknown, _undocumented_of_lines(interface, files), values)


def _undocumented(interface: Interface, file: LedgerFile) -> dict[str, int]:
    """Return the elements of a file that the interface does not declare, and how often each is there."""
    declared = _declared(interface)
    counts = file.tally
    # A name that the mapping had got when the file was loaded is among the known ones.
    named = {name: number for name, number in counts.elements.items() if name not in declared}
    return {name: number for name, number in (counts.unknown | named).items() if ELEMENT_NAME.fullmatch(name)}


def _undocumented_of_lines(interface: Interface, files: Iterable[LedgerFile]) -> list[str]:
    """Return the elements of lines that some files carry and the interface does not declare."""
    lines = INTERFACES[interface.name].lines
    if not lines:
        return []
    tallied = {
        name for counts in (file.tally for file in files) for name in (*counts.elements, *counts.unknown)
    }
    path = f"{lines.path}/"
    names = {name.removeprefix(path) for name in tallied if name.startswith(path)}
    return sorted(filter(ELEMENT_NAME.fullmatch, names - {field.element for field in lines.fields}))


def _declared(interface: Interface) -> set[str]:
    """Return the elements of a record that the interface declares."""
    return {field.element for field in INTERFACES[interface.name].fields}


def latest_file(
    connection: psycopg.Connection, merchant: Merchant, interface: Interface
) -> LedgerFile | None:
    """Return the latest file of an interface that samples are of; None where there is none yet."""
    return next(iter(_latest_files(connection, merchant, interface, 1)), None)


def _latest_files(
    connection: psycopg.Connection, merchant: Merchant, interface: Interface, number: int
) -> list[LedgerFile]:
    """Return the latest loaded files, and those that wait for a mapping of their identifying elements."""
    found: list[LedgerFile] = []
    for state in (FileState.LOADED, FileState.QUARANTINED):
        found += queries.files(
            connection,
            merchant.name,
            states=[state],
            interface=interface.name,
            with_drift=False,
            limit=number,
        )
    usable = (
        each
        for each in found
        if each.state == FileState.LOADED or each.code == QuarantineCode.UNKNOWN_IDENTIFIERS
    )
    return sorted(usable, key=lambda each: each.file_id, reverse=True)[:number]


def _values(
    connection: psycopg.Connection, merchant: Merchant, interface: Interface, file: LedgerFile
) -> dict[str, str]:
    if not file.archived or file.archive_deleted_at:
        return {}
    found: dict[str, str] = {}
    try:
        with closing(archive.open_original(file.archived)) as original:
            sources = zips.members(original, file.name, interface, merchant).sources()
            pieces = children(next(sources), interface, chunk=CHUNK)
            for record in islice(chain.from_iterable(pieces), RECORDS):
                values = dict(_texts(record, interface))
                if not _is_suppressed(connection, merchant, file, interface, values):
                    found = {**values, **found}
    except (QuarantineError, StopIteration):
        return found
    return found


def _texts(record: etree._Element, interface: Interface) -> Iterable[tuple[str, str]]:
    """Yield element and text of a record and of its lines, without empty ones."""
    places = [("", record)]
    if interface.lines:
        path = "/".join(f"{{*}}{name}" for name in interface.lines.path.split("/"))
        places += [(f"{interface.lines.path}/", line) for line in record.findall(path)]
    for prefix, parent in reversed(places):  # of several lines the first is found
        for element in parent.iterchildren("*"):
            text = " ".join((element.text or "").split())
            if text:
                yield prefix + local_name(element), text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _is_suppressed(
    connection: psycopg.Connection,
    merchant: Merchant,
    file: LedgerFile,
    interface: Interface,
    values: dict[str, str],
) -> bool:
    elements = {field.name: field.element for field in interface.fields}
    number = values.get(elements.get("customer_number", ""), "")
    email = values.get(elements.get("email", ""), "")
    keys = {"number": number} if number else {"email": matched_email(email)} if email else {}
    return suppression.is_suppressed(connection, merchant.name, file.file_id, keys)
