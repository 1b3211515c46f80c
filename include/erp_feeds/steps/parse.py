"""Streams the XML members of one file into typed blocks; memory does not grow with the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from lxml import etree

from erp_feeds.batch import Counts
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.result import StepResult
from erp_feeds.steps.validate import empty_frames, validate
from erp_feeds.xml.elements import children, line_of, local_name
from erp_feeds.xml.feed import CHUNK
from erp_feeds.xml.header import declared_version, is_newer
from erp_feeds.xml.reader import RecordReader
from erp_feeds.xml.rows import Block
from erp_feeds.xml.schema_drift import LONGEST_NAME, Drift, carried


def parse(
    sources: Iterable[BinaryIO], interface: Interface, merchant: Merchant, *, chunk: int = CHUNK
) -> Iterator[StepResult]:
    """Read the members of one file, block by block.

    Args:
        sources: The XML members, in name order.
        interface: With the element names of the merchant.
        merchant: Whose placeholders and accepted importers count.
        chunk: Bytes fed at a time; it changes the size of the blocks, never what they hold together.

    Yields:
        Frames `records`, `rejects` and, where the interface has them, `lines`, with the counts of the block.
        Records are numbered from 1 over all members. The last block, which may be empty, carries the warnings
        that count once a file (namespace, version, encoding) or once an element name (newer elements), and
        which elements the file carried.

    Raises:
        QuarantineError: The file is quarantined; the blocks yielded before must be thrown away.
    """
    read = 0
    once: set[tuple[WarningCode, str]] = set()
    drift = Drift()
    ignored = 0
    last: StepResult | None = None
    for source in sources:
        reader = RecordReader(interface, merchant.limits)
        header = _HeaderCheck(reader, interface, merchant)
        before, unexpected = read, Counter[str]()
        for block in reader.blocks(source, read + 1, chunk):
            header.look()
            header.note(block)
            read += len(block.records)
            unexpected.update(block.unexpected)
            _note_elements(drift, block, interface)
            ignored += sum(block.attributes.values())
            if last:
                yield last
            last = validate(block, interface, merchant)
        once |= header.conclude()
        if read == before and unexpected:
            raise _no_records(interface, unexpected)
        drift.note_unknown(dict(sorted(reader.surroundings.items())))
        ignored += reader.surroundings.total()
        if reader.namespaced:
            once.add((WarningCode.UNKNOWN_NAMESPACE, ""))
        if reader.mismatched:
            once.add((WarningCode.ENCODING_MISMATCH, ""))
    warnings: dict[str, int] = {}
    for code, _ in sorted(once):
        warnings[code.value] = warnings.get(code.value, 0) + 1
    last = last or StepResult(empty_frames(interface), Counts())
    yield StepResult(last.frames, last.counts.plus(Counts(warnings=warnings)).plus(drift.counts(ignored)))


def _no_records(interface: Interface, unexpected: Counter[str]) -> QuarantineError:
    """Quarantine a member without records that holds other elements: ignored, they would be lost."""
    name, number = unexpected.most_common(1)[0]
    wanted = "/".join(interface.record_path)
    reason = f"no {wanted}, but {number} of {name[:LONGEST_NAME]}; names of elements count letter for letter"
    return QuarantineError(QuarantineCode.WRONG_STRUCTURE, reason)


def _note_elements(drift: Drift, block: Block, interface: Interface) -> None:
    """Tally the elements of a block, known and unknown, of its records and lines."""
    drift.note_known(carried((field.element, block.records.text[field.name]) for field in interface.fields))
    drift.note_unknown(block.records.unknown)
    drift.note_unknown(block.unexpected)
    drift.note_unknown(block.attributes)
    if interface.lines and block.lines:
        lines, place = block.lines.rows, interface.lines.path
        fields = interface.lines.fields
        drift.note_known(carried((f"{place}/{field.element}", lines.text[field.name]) for field in fields))
        drift.note_unknown(lines.unknown)


class RawRecord(NamedTuple):
    """A record as it was delivered."""

    record: int
    """Its number, from 1 over all members."""
    line: int
    """On which it starts in its member."""
    text: str
    """Its XML."""


def raw_records(
    sources: Iterable[BinaryIO], interface: Interface, numbers: Collection[int], *, chunk: int = CHUNK
) -> Iterator[RawRecord]:
    """Find line and XML text of some records, in a second pass over the members: the rejected ones only.

    Args:
        sources: The same members in the same order as given to `parse`.
        interface: With the element names of the merchant.
        numbers: Record numbers, from 1 over all members.
        chunk: Bytes fed at a time.

    Yields:
        The records in file order; memory does not grow with their number.
    """
    wanted = set(numbers)
    read = 0
    for source in sources:
        if not wanted:
            return
        for elements in children(source, interface, chunk=chunk, read_before=True):
            records = [each for each in elements if local_name(each) == interface.record_path[-1]]
            for number, record in enumerate(records, read + 1):
                if number in wanted:
                    wanted.discard(number)
                    text = str(etree.tostring(record, encoding="unicode", with_tail=False))
                    yield RawRecord(number, line_of(record), text)
            read += len(records)


class _HeaderCheck:
    """Checks a member's header before its records are used, and again at the end: it may follow them."""

    def __init__(self, reader: RecordReader, interface: Interface, merchant: Merchant) -> None:
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
            self._version = declared_version(self._reader.settings(), self._header, self._accepted)

    def note(self, block: Block) -> None:
        """Remember the elements that came with a later version."""
        for name in self._newer.keys() - self._seen:
            text = block.records.text[name]
            if text.null_count < len(text):
                self._seen.add(name)

    def conclude(self) -> set[tuple[WarningCode, str]]:
        """Return what was odd about the header (rule: ERP cache 4)."""
        self.look()
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
