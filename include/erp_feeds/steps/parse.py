"""Streams the XML members of files into typed blocks; memory does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from lxml import etree

from erp_feeds.batch import Counts
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.result import ByFile, StepResult, merged
from erp_feeds.steps.validate import empty_frames, validate
from erp_feeds.xml.bulk_parser import BULK
from erp_feeds.xml.elements import children, line_of, local_name
from erp_feeds.xml.feed import CHUNK
from erp_feeds.xml.header import declared_version, is_newer
from erp_feeds.xml.identifiers import Identifiers
from erp_feeds.xml.reader import RecordReader
from erp_feeds.xml.rows import Block
from erp_feeds.xml.schema_drift import LONGEST_NAME, Drift, carried


def parse(
    files: Mapping[int, Iterable[BinaryIO]],
    interface: Interface,
    merchant: Merchant,
    *,
    chunk: int = CHUNK,
    bulk: int = BULK,
) -> Iterator[StepResult]:
    """Read files of one interface as if they were one, block by block.

    Args:
        files: Id of each file -> its XML members, in name order; each is read before the next is asked for.
        interface: With the element names of the merchant.
        merchant: Whose placeholders and accepted importers count.
        chunk: Bytes fed at a time; it changes the size of the blocks, never what they hold together.
        bulk: Smallest section, in bytes, whose plain records are read in bulk; 0: always. It changes the
            cost, never the result.

    Yields:
        Frames `records`, `rejects` and, where the interface has them, `lines`, with the counts of the block.
        Records are numbered from 1 over all members of all files; the column `file` says whose they are. The
        last block, which may be empty, carries the warnings that count once a file (namespace, version,
        encoding) or once an element name (newer elements), and which elements each file carried.

    Raises:
        QuarantineError: One of the files is quarantined; the blocks yielded before must be thrown away.
    """
    reader = RecordReader(interface, merchant.limits, bulk)
    notes = _Notes(interface, merchant)
    last: StepResult | None = None

    def validated(block: Block) -> Iterator[StepResult]:
        nonlocal last
        notes.add(block)
        if last:
            yield last
        last = validate(block, interface, merchant)

    for file, sources in files.items():
        for source in sources:
            header = notes.header_of(reader, file)
            for block in reader.blocks(source, file, chunk):
                header.look()
                yield from validated(block)
            notes.end_member(reader, header)
    for block in reader.rest():
        yield from validated(block)
    last = last or StepResult(empty_frames(interface), {})
    yield StepResult(last.frames, merged(last.by_file, notes.by_file()))


class _Notes:
    """What is counted once per file, or once per name, not once per record."""

    def __init__(self, interface: Interface, merchant: Merchant) -> None:
        self._interface = interface
        self._merchant = merchant
        self._headers: list[_HeaderCheck] = []
        """By the number of the member."""
        self._drift: dict[int, Drift] = {}
        self._ignored: Counter[int] = Counter()
        """File -> how many attributes, and elements around the records, it holds."""
        self._once: dict[int, set[tuple[WarningCode, str]]] = {}
        self._identifiers = Identifiers(interface)

    def header_of(self, reader: RecordReader, file: int) -> _HeaderCheck:
        """Begin a member."""
        self._drift.setdefault(file, Drift())
        self._once.setdefault(file, set())
        self._headers.append(_HeaderCheck(reader, file, self._interface, self._merchant))
        return self._headers[-1]

    def end_member(self, reader: RecordReader, header: _HeaderCheck) -> None:
        """Note what is odd about a member as a whole."""
        header.look()
        file = header.file
        around = reader.surroundings
        if around.unexpected and not reader.holds_records:
            raise _no_records(self._interface, around.unexpected)
        self._drift[file].note_unknown(dict(sorted(around.beside.items())))
        self._ignored[file] += around.beside.total()
        if reader.namespaced:
            self._once[file].add((WarningCode.UNKNOWN_NAMESPACE, ""))
        if reader.mismatched:
            self._once[file].add((WarningCode.ENCODING_MISMATCH, ""))

    def add(self, block: Block) -> None:
        """Tally the elements of a block, known and unknown, of its records and lines."""
        lines = self._interface.lines if block.lines else None
        of_lines = {}
        if lines and block.lines:
            starts = np.searchsorted(block.lines.record, [part.start for part in block.parts]).tolist()
            of_lines = carried(block.lines.rows.text, starts)
        of_records = carried(block.records.text, [part.start for part in block.parts])
        for place, part in enumerate(block.parts):
            drift = self._drift[part.file]
            known = {field.name: int(of_records[field.name][place]) for field in self._interface.fields}
            self._headers[part.member].note(known)
            self._identifiers.note(part.file, known, part.unknown)
            drift.note_known({field.element: known[field.name] for field in self._interface.fields})
            drift.note_unknown(part.unknown)
            drift.note_unknown(part.attributes)
            self._ignored[part.file] += part.attributes.total()
            if lines:
                drift.note_known(
                    {f"{lines.path}/{each.element}": int(of_lines[each.name][place]) for each in lines.fields}
                )

    def by_file(self) -> ByFile:
        """Return the counts of each file, once all is read.

        Raises:
            QuarantineError: unknown_identifiers.
        """
        self._identifiers.check()
        for header in self._headers:
            self._once[header.file] |= header.conclude()
        return {file: self._counts(file) for file in self._drift}

    def _counts(self, file: int) -> Counts:
        warnings = Counter(code.value for code, _ in sorted(self._once[file]))
        drift = self._drift[file].counts(self._ignored[file])
        return Counts(warnings=dict(warnings)).plus(drift)


def _no_records(interface: Interface, unexpected: Counter[str]) -> QuarantineError:
    """Quarantine a member without records that holds other elements: ignored, they would be lost."""
    name, number = unexpected.most_common(1)[0]
    wanted = "/".join(interface.record_path)
    reason = f"no {wanted}, but {number} of {name[:LONGEST_NAME]}; names of elements count letter for letter"
    return QuarantineError(QuarantineCode.WRONG_STRUCTURE, reason)


class RawRecord(NamedTuple):
    """A record as it was delivered."""

    record: int
    """Its number, from 1 over all members."""
    line: int
    """On which it starts in its member."""
    text: str
    """Its XML."""


def raw_records(
    sources: Iterable[BinaryIO], interface: Interface, numbers: npt.ArrayLike, *, chunk: int = CHUNK
) -> Iterator[RawRecord]:
    """Find line and XML text of some records, in a second pass over the members: the rejected ones only.

    Args:
        sources: The same members in the same order as given to `parse`.
        interface: With the element names of the merchant.
        numbers: Record numbers, from 1 over all members; in any order, also twice.
        chunk: Bytes fed at a time.

    Yields:
        The records in file order; memory does not grow with their number.
    """
    wanted = np.unique(np.asarray(numbers))
    read = 0
    for source in sources:
        if not len(wanted) or wanted[-1] <= read:
            return
        for elements in children(source, interface, chunk=chunk, read_before=True):
            records = [each for each in elements if local_name(each) == interface.record_path[-1]]
            first, last = np.searchsorted(wanted, [read + 1, read + len(records) + 1])
            for number in wanted[first:last].tolist():
                record = records[number - read - 1]
                text = str(etree.tostring(record, encoding="unicode", with_tail=False))
                yield RawRecord(number, line_of(record), text)
            read += len(records)


class _HeaderCheck:
    """Checks a member's header before its records are used, and again at the end: it may follow them."""

    def __init__(self, reader: RecordReader, file: int, interface: Interface, merchant: Merchant) -> None:
        self.file = file
        self._reader = reader
        self._header = interface.header
        oldest = interface.header.versions[0] if interface.header else ""
        self._newer = {
            field.name: field.since for field in interface.fields if oldest and field.since != oldest
        }
        settings = merchant.interfaces.get(interface.name)
        self._accepted = settings.accepted_importers if settings else ()
        self._version: str | None = None
        self._seen: set[str] = set()

    def look(self) -> None:
        """Check what has been read of the header: a second one may contradict the first."""
        if self._header:
            self._version = declared_version(
                self._reader.surroundings.settings(), self._header, self._accepted
            )

    def note(self, known: Mapping[str, int]) -> None:
        """Remember the elements that came with a later version; `known`: field -> in how many records."""
        self._seen.update(name for name in self._newer if known[name])

    def conclude(self) -> set[tuple[WarningCode, str]]:
        """Return what was odd about the header (rule: ERP cache 4), once the member's records are noted."""
        if not self._header:
            return set()
        odd: set[tuple[WarningCode, str]] = set()
        if self._version is None:
            odd.add((WarningCode.NO_VERSION, ""))
        version = self._version or self._header.versions[0]
        newer = (
            name for name in self._seen if self._header and is_newer(self._newer[name], version, self._header)
        )
        return odd | {(WarningCode.NEWER_ELEMENT, name) for name in newer}
