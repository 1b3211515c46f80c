"""What a server's folder holds: MLSD facts and LIST lines, in Unix and DOS form, become entries."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ftputil.error import ParserError
from ftputil.stat import MSParser, Parser, UnixParser
from ftputil.stat import StatResult as ParsedLine

FALLBACK_ENCODING = "cp1252"
TEMPORARY_ENDINGS = (".tmp", ".part", ".filepart")
AHEAD = timedelta(hours=14)
"""How far a server's local time may be ahead of UTC."""

_MARKED_MODE = re.compile(r"(?<=^.{10})[.+@](?=\s)")
"""The character after the rights that marks an access list or a label."""
_FACTS = {
    name: re.compile(f"(?:^|;){name}=([^;]*)", re.IGNORECASE)
    for name in ("type", "size", "modify", "unix.mode")
}
_MODE_OF_LINKS = ("0777", "777")
_OF_A_LINK = "link"
"""In place of a time, where MLSD gives no time of a possible link."""
_UTC = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
"""What no name on a server may hold: it would leave its folder, or end a command."""
_TRUNCATED = re.compile(r"truncat", re.IGNORECASE)
_REFUSED = re.compile(
    r"denied|not permitted|(failed|unable) to (open|list|read)|(could not|cannot|can't) (open|list|read)",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\bno (such )?(files?|data sets?|members?)\b|not found|\bempty\b", re.IGNORECASE)
_UNIX_NAME = re.compile(r"\s(?:\w{3}\s+\d{1,2}|\d{1,2}\s+\w{3})\s+(?:\d{1,2}:\d\d|\d{4})\s(?P<name>.*)$")
_DOS_NAME = re.compile(r"\S+\s+\S+\s+(?:<DIR> {10}|\d+ )(?P<name>.*)$")
"""Where the name begins; it may begin with spaces and contain an arrow."""
_LARGEST = 2**63 - 1
"""Bytes; a size above is no size."""


@dataclass(frozen=True)
class Entry:
    """One line of a folder's listing."""

    name: str
    size: int | None
    """Bytes; None where the server does not say."""
    modified: datetime | None
    """UTC; None where the server does not say."""
    is_folder: bool
    listed: str = ""
    """The time as LIST gives it, to the minute or day in a zone that it does not name: 2017-01-05T11:53,
    2017-01-05; or as MLSD gives it of what may be a link. Empty where `modified` is the file's own, in UTC to
    the second."""

    def is_certain(self) -> bool:
        """Return whether nothing is left to ask the server for."""
        return not self.listed and self.size is not None and self.modified is not None


@dataclass(frozen=True)
class Listing:
    """A folder as the server lists it."""

    entries: tuple[Entry, ...] = ()
    form: str = ""
    """MLSD, LIST (Unix), LIST (DOS), or LIST for an empty folder; empty for a missing folder."""
    unreadable: int = 0
    """Lines that are in no known form."""
    truncated: bool = False
    """Whether the server left names out."""


def is_temporary(name: str) -> bool:
    """Return whether a name is that of an upload that is still under way."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY_ENDINGS)


def is_truncation(reply: str) -> bool:
    """Return whether the reply that ends a listing means that names were left out."""
    return _TRUNCATED.search(reply) is not None


def is_refusal(reply: str) -> bool:
    """Return whether a reply about a folder means that it exists and cannot be read."""
    return _REFUSED.search(reply) is not None


def is_nothing(reply: str) -> bool:
    """Return whether a server refuses to list a folder only because it is empty."""
    return _NOTHING.search(reply) is not None


def size_of(text: str) -> int | None:
    """Read a number of bytes; None for any other text."""
    size = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
    return size if size is None or size <= _LARGEST else None


def is_perhaps_link(listed: str) -> bool:
    """Return whether the time and size of a listed entry may be those of a link."""
    return listed == _OF_A_LINK or _UTC.match(listed) is not None


def decoded(line: bytes, encoding: str) -> str:
    """Read one line in the agreed encoding, or in cp1252: one odd name must not hide the whole folder."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return line.decode(FALLBACK_ENCODING, errors="replace")


def from_mlsd(lines: Iterable[str]) -> Listing:
    """Read MLSD lines (RFC 3659): facts, one space, name; a line that is none is counted."""
    entries = []
    unreadable = 0
    for line in filter(None, lines):
        facts, space, name = line.partition(" ")
        kind = _fact("type", facts) or "file"
        if kind in ("cdir", "pdir") or name in (".", ".."):
            continue
        size = _fact("size", facts)
        if not space or not _is_plain(name) or (size and size_of(size) is None):
            unreadable += 1
            continue
        is_folder = kind == "dir"
        moment = _fact("modify", facts)
        if not is_folder and kind != "file":
            entries.append(Entry(name, None, None, is_folder=False))
            continue
        # Perhaps a link, whose own size and time some servers send: the file's must be asked for, once.
        is_in_doubt = not is_folder and _fact("unix.mode", facts) in _MODE_OF_LINKS
        listed = (moment if _UTC.match(moment) else _OF_A_LINK) if is_in_doubt else ""
        entries.append(Entry(name, size_of(size), utc(moment), is_folder, listed))
    return Listing(tuple(entries), "MLSD", unreadable)


def _fact(name: str, facts: str) -> str:
    """Return one of the facts before a name, in lower case; empty where the server leaves it out."""
    found = _FACTS[name].search(facts)
    return found[1].lower() if found else ""


def from_list(lines: Iterable[str]) -> Listing:
    """Read LIST lines, in the Unix form or in the DOS form that IIS speaks; a line in neither is counted."""
    wanted = [line for line in lines if not UnixParser().ignores_line(line)]
    is_dos = bool(wanted) and wanted[0][0].isdigit()
    parser: Parser = MSParser() if is_dos else UnixParser()
    entries: list[Entry] = []
    unreadable = 0
    for line in wanted:
        try:
            entries += _entry(parser, _MARKED_MODE.sub(" ", line), is_dos=is_dos)
        except (ParserError, ValueError, OverflowError, OSError):
            unreadable += 1
    form = "LIST (DOS)" if is_dos else "LIST (Unix)"
    return Listing(tuple(entries), form if wanted else "LIST", unreadable)


def utc(text: str) -> datetime | None:
    """Read yyyymmddHHMMSS[.fff], the UTC time of MLSD and MDTM."""
    found = _UTC.match(text)
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type,misc] # six numbers
    except ValueError:
        return None


def _entry(parser: Parser, line: str, *, is_dos: bool) -> Iterator[Entry]:
    """Yield the entry of a line; nothing for the folder itself and for an unsafe name.

    ftputil reads everything but the name: it would strip names, and split them at any arrow.
    """
    found = (_DOS_NAME.match if is_dos else _UNIX_NAME.search)(line)
    if found is None:
        raise ValueError("no name")
    start = found.start("name")
    parsed: ParsedLine = parser.parse_line(line[:start] + "x", AHEAD.total_seconds())
    is_link = line.startswith("l") and not is_dos
    name = line[start:].partition(" -> ")[0] if is_link else line[start:]
    if not _is_plain(name):
        return
    if parsed.st_size is not None and parsed.st_size > _LARGEST:
        raise ValueError("no size")
    # A time ahead of UTC by less than a zone is of today, not of a year ago: hence the shift, and back.
    modified = datetime.fromtimestamp(parsed.st_mtime, UTC) + AHEAD
    # A time before the epoch, which ftputil makes the epoch, says no day either.
    day_only = not is_dos and ":" not in line[:start].rsplit(maxsplit=1)[-1] and parsed.st_mtime > 0
    yield Entry(
        name,
        None if is_link else parsed.st_size,  # the size of a link is that of the link itself
        modified,
        stat.S_ISDIR(parsed.st_mode),
        f"{modified:%Y-%m-%d}" if day_only else f"{modified:%Y-%m-%dT%H:%M}",
    )


def _is_plain(name: str) -> bool:
    """Return whether a text is a safe name in a folder: a server's listing is never trusted as a path."""
    return name not in ("", ".", "..") and not UNSAFE.search(name)
