"""Cuts a section of well-formed XML into tags and the texts between them, all at once by numpy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from erp_feeds.columns.arrow import Column

Numbers = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]

PADDING = 8
"""Bytes behind the section, since names are compared by eight bytes."""
_LESS, _GREATER, _SLASH, _AND, _HASH, _SPACE = (ord(each) for each in "<>/&# ")
_OF_ATTRIBUTES = tuple(ord(each) for each in "=\"'")
_TAG = re.compile(rb"""<(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
"""A whole tag: the value of an attribute may hold what ends one."""
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(8)] + [(1 << 64) - 1], np.uint64)
"""Mask for the first eight bytes of a name, by its length."""


@dataclass(frozen=True)
class Tags:
    """The tags of the children of one element, in their order; places count from the start of the text."""

    text: bytes
    """The section, and `PADDING` bytes."""
    begin: Numbers
    """Of each tag: place of its `<`."""
    end: Numbers
    """Place of its `>`."""
    closes: Mask
    """Whether it is the end of an element."""
    empty: Mask
    """Whether it is a whole element without content."""
    level: Numbers
    """How deep its element lies: 1 is a child."""
    child: Numbers
    """Number of the child that holds it, from 0."""
    first: Numbers
    """Of each child: its first tag."""
    last: Numbers
    """Of each child: its last tag."""
    odd: Mask
    """Which children have a tag with attributes or white space, or a numeric character reference."""

    def spans(self) -> tuple[Numbers, Numbers]:
        """Return where each child begins, and the place behind its end."""
        return self.begin[self.first], self.end[self.last] + 1

    def names(self, tags: Numbers) -> tuple[Numbers, Numbers]:
        """Return the place and the length of the names of some tags, which do not close."""
        place = self.begin[tags] + 1
        return place, self.end[tags] - self.empty[tags] - place

    def texts(self) -> Column:
        """Return each tag (at twice its number) followed by the text after it; the last text is empty."""
        offsets = np.empty(2 * len(self.begin) + 1, np.int32)
        offsets[:-1:2], offsets[1::2] = self.begin, self.end + 1
        offsets[-1] = offsets[-2]
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.text)]
        return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def tags_of(text: bytes) -> Tags | None:
    """Find the tags of all children that the section holds whole.

    Args:
        text: UTF-8, without comments, CDATA sections and processing instructions. It begins between two
            children and ends anywhere; then come `PADDING` bytes. Where it is not well-formed, the result
            means nothing, and the parser reports it.

    Returns:
        None where no child is whole.
    """
    data = np.frombuffer(text, np.uint8, len(text) - PADDING)
    begin, end = _pairs(np.flatnonzero(data == _LESS), np.flatnonzero(data == _GREATER))
    bearing = _with_attributes(data, begin, end)
    begin, end = _whole(text, begin, end, bearing)
    if not len(begin):
        return None
    closes = data[begin + 1] == _SLASH
    before = data[end - 1]
    empty = (before == _SLASH) & ~closes
    step = np.where(closes, np.int8(-1), np.int8(1))
    step[empty] = 0
    depth = np.cumsum(step, dtype=np.int32)
    level = depth + (closes | empty)
    beyond = np.flatnonzero(level < 1)  # the end of the container
    size = int(beyond[0]) if len(beyond) else len(level)
    outer = level[:size] == 1
    last = np.flatnonzero(outer & (closes | empty)[:size])
    if not len(last):
        return None
    size = int(last[-1]) + 1
    first = np.flatnonzero(outer[:size] & ~closes[:size])
    child = np.repeat(np.arange(len(last), dtype=np.int32), last - first + 1)
    odd = np.zeros(len(last), bool)
    odd[child[bearing[bearing < size]]] = True
    spaced = data[end[:size] - 1 - empty[:size]] <= _SPACE
    odd[child[spaced]] = True
    ampersands = np.flatnonzero(data[: end[size - 1]] == _AND)
    numbered = np.searchsorted(begin[first], ampersands[data[ampersands + 1] == _HASH], "right") - 1
    odd[numbered[numbered >= 0]] = True
    begin, end, closes, empty, level = (each[:size] for each in (begin, end, closes, empty, level))
    return Tags(text, begin, end, closes, empty, level, child, first, last, odd)


def is_name(text: bytes, place: Numbers, length: Numbers, names: tuple[bytes, ...]) -> Numbers:
    """Return the number of the name at each place, from 0; -1 where it is none of them."""
    words = np.ndarray((len(text) - PADDING + 1,), np.dtype("<u8"), text, strides=(1,))
    start = words[place] & _KEPT[np.minimum(length, 8)]
    found = np.full(len(place), -1, np.int32)
    for number, name in enumerate(names):
        size = len(name)
        hits = np.flatnonzero((start == _word(name[:8])) & (length == size))
        for at in (*range(8, size - 8, 8), *([size - 8] if size > 8 else [])):
            hits = hits[words[place[hits] + at] == _word(name[at : at + 8])]
        found[hits] = number
    return found


def _word(name: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(name, "little"))


def _pairs(begin: Any, end: Any) -> tuple[Any, Any]:
    """Return begin and end of each tag: a text may hold `>` too, and the last tag may be cut."""
    if len(begin) == len(end) and (begin < end).all() and (end[:-1] < begin[1:]).all():
        return begin, end
    at = np.searchsorted(end, begin)
    size = int(np.searchsorted(at, len(end)))
    return begin[:size], end[at[:size]]


def _with_attributes(data: Any, begin: Any, end: Any) -> Numbers:
    """Return the tags that have attributes, each once."""
    found = np.flatnonzero(reduce(np.logical_or, (data == each for each in _OF_ATTRIBUTES)))
    if not len(found) or not len(begin):
        return np.zeros(0, np.int32)
    tag = np.searchsorted(begin, found, "right") - 1
    return np.unique(tag[(tag >= 0) & (found < end[tag])]).astype(np.int32)


def _whole(text: bytes, begin: Any, end: Any, bearing: Numbers) -> tuple[Any, Any]:
    """Find the true ends of tags with attributes; everything after a cut or broken one is left out."""
    for tag in bearing.tolist():
        found = _TAG.match(text, begin[tag], len(text) - PADDING)
        if not found:
            begin, end = begin[:tag], end[:tag]
            break
        end[tag] = found.end() - 1
    broken = np.flatnonzero(end[:-1] > begin[1:])
    size = int(broken[0]) if len(broken) else len(begin)
    return begin[:size], end[:size]
