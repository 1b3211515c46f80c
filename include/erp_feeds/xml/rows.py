"""Rows as they are read: what a record or line holds, and the columns of text that are made of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.columns.arrow import Column, is_plain, text_bytes

Settings = Sequence[tuple[str, str]]
"""Importer and version of each settings node, '' where it has none."""

UNSEEN = "".join(
    map(chr, (0x20, 0xA0, 0xAD, *range(0x2000, 0x2010), *range(0x2028, 0x2030), 0x2060, 0x3000, 0xFEFF))
)
"""Invisible characters, such as a zero-width space, or a byte order mark in the middle of a file."""

LINES = "lines"
"""Column by which an element with rows in it is reported."""


_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_TO_NORMALISE = (b"\n", b"\t", b"\r", b"  ")
_WHITE = (b"\n", b"\t", b"\r", b" ")
"""One byte is found in a tenth of the time of two, and most columns hold none."""


@dataclass(frozen=True)
class Rows:
    """Records or lines as text: null where the element is missing, '' where it is empty."""

    text: dict[str, Column]
    repeated: Column
    """Where an element that the interface knows occurs twice."""
    extras: Column
    """Unknown elements as the text of a JSON object, or null."""
    too_many: Column
    """Where more elements are than the limit allows; unknown ones are not kept there."""
    has_children: dict[str, Column]
    """Where a field holds elements, or content although xsi:nil; only for columns where that occurs."""
    is_ascii: bool
    """Whether all text is plain ASCII, so that no conversion can have damaged it."""

    def __len__(self) -> int:
        return len(self.extras)


@dataclass(frozen=True)
class Lines:
    """The nested rows of a block's records."""

    rows: Rows
    record: Column
    """Position of the record in the block, from 0."""
    line_no: Column
    """From 1 in each record."""

    @classmethod
    def of(cls, rows: Rows, record: npt.NDArray[np.integer]) -> Lines:
        """Return the lines of a block; `record`: of each, in the order of the records."""
        record = record.astype(np.int32)
        line_no = np.arange(1, len(record) + 1) - np.searchsorted(record, record)
        return cls(rows, pa.array(record), pa.array(line_no.astype(np.int32)))


@dataclass(frozen=True)
class Part:
    """What one XML member has in a block."""

    member: int
    """Number of the member in its group, from 0."""
    file: int
    """Of the ledger."""
    start: int
    """Position of its first record in the block."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Element that is no field, no record and no line -> how often it occurs."""
    attributes: Counter[str] = field(default_factory=Counter)
    """Attribute in the records -> how often it occurs; no field reads any."""


@dataclass(frozen=True)
class Block:
    """Consecutive records of the members that are read together."""

    first: int
    """Number of the first record, from 1 over all members."""
    records: Rows
    lines: Lines | None
    repeated_columns: dict[int, str]
    """Position of a record with repeated elements -> column of the first that was repeated."""
    parts: tuple[Part, ...]
    """In the order of the records."""

    @property
    def numbers(self) -> Column:
        """Return the record numbers."""
        return pa.array(np.arange(self.first, self.first + len(self.records), dtype=np.int32))

    @property
    def files(self) -> Column:
        """Return the file of each record."""
        ends = np.array([*(part.start for part in self.parts[1:]), len(self.records)])
        lengths = np.diff(ends, prepend=0)
        return pa.array(np.repeat(np.array([part.file for part in self.parts], np.int64), lengths))


def rows_of(raw: Mapping[str, Column], extras: Column) -> Rows:
    """Return rows with nothing odd in them; `raw`: column -> its texts as they stand in the XML."""
    texts = {column: text_bytes(array) for column, array in raw.items()}
    is_ascii = all(map(is_plain, (*texts.values(), text_bytes(extras))))
    text = {column: _trimmed(array, texts[column], plain=is_ascii) for column, array in raw.items()}
    nowhere = mask_of((), len(extras))
    return Rows(text, nowhere, extras, nowhere, {}, is_ascii)


def joined(parts: Sequence[Rows], order: npt.NDArray[np.integer]) -> Rows:
    """Return the rows of several parts as one; `order`: the number of each row in the parts."""
    parts = [part for part in parts if len(part)] or [parts[0]]
    ordered = bool((order[:-1] < order[1:]).all())

    def column(of_parts: Iterable[Column]) -> Column:
        array = pa.concat_arrays(of_parts) if len(parts) > 1 else next(iter(of_parts))
        return array if ordered else array.take(order)

    return Rows(
        {name: column([part.text[name] for part in parts]) for name in parts[0].text},
        column([part.repeated for part in parts]),
        column([part.extras for part in parts]),
        column([part.too_many for part in parts]),
        {
            name: column([part.has_children.get(name, mask_of((), len(part))) for part in parts])
            for name in {name: None for part in parts for name in part.has_children}
        },
        all(part.is_ascii for part in parts),
    )


def normalised(text: str) -> str:
    """Return text with each run of XML's white space as one space, and none at its ends."""
    return _WHITE_SPACE.sub(" ", text).strip(" ")


def normalised_column(texts: Column) -> Column:
    """Return each text of a column as `normalised` does."""
    if any(each in text_bytes(texts) for each in _TO_NORMALISE):
        texts = pc.replace_substring_regex(texts, _WHITE_SPACE.pattern, " ")
    return pc.ascii_trim(texts, " ")


def quoted(text: str) -> str:
    """Return text as JSON writes it."""
    return encode_basestring(text)


def mask_of(rows: Iterable[int], size: int) -> Column:
    """Return a mask that is true at some rows."""
    mask = np.zeros(size, dtype=bool)
    mask[list(rows)] = True
    return pa.array(mask)


def _trimmed(column: Column, text: bytes, *, plain: bool) -> Column:
    """Make each run of white space one space, and trim it, with the kinds that XML does not know.

    What cannot be seen would make another customer of '1001'.
    """
    white = any(each in text for each in _WHITE)
    if white and any(each in text for each in _TO_NORMALISE):
        column = pc.replace_substring_regex(column, _WHITE_SPACE.pattern, " ")
    if plain:
        return pc.ascii_trim_whitespace(column) if white else column
    return pc.utf8_trim(pc.utf8_trim_whitespace(column), UNSEEN)
