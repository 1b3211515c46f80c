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

_DAY_PRECISION = 24 * 60 * 60
_MARKED_MODE = re.compile(r"(?<=^.{10})[.+@](?=\s)")
"""The sign behind the rights that says: access list, label."""
_FACTS = {name: re.compile(f"(?:^|;){name}=([^;]*)", re.IGNORECASE) for name in ("type", "size", "modify")}
_UTC = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_UNSAFE = re.compile(r"[/\\\r\n\0]")
_TRUNCATED = re.compile(r"truncat", re.IGNORECASE)


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
    2017-01-05. Empty where `modified` is UTC to the second."""

    def is_certain(self) -> bool:
        """Tell whether nothing is left to ask the server for."""
        return not self.listed and self.size is not None and self.modified is not None


@dataclass(frozen=True)
class Listing:
    """A folder as the server lists it."""

    entries: tuple[Entry, ...] = ()
    form: str = ""
    """MLSD, LIST (Unix) or LIST (DOS); empty for a folder that is missing."""
    unreadable: int = 0
    """Lines that are in no known form."""
    truncated: bool = False
    """Whether the server left names out."""


def is_temporary(name: str) -> bool:
    """Tell whether a name says that its upload is still under way."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY_ENDINGS)


def says_truncated(reply: str) -> bool:
    """Tell whether the reply that ends a listing says that names were left out."""
    return _TRUNCATED.search(reply) is not None


def decoded(line: bytes, encoding: str) -> str:
    """Read one line in the agreed encoding, or in cp1252: one odd name must not hide the whole folder."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return line.decode(FALLBACK_ENCODING, errors="replace")


def from_mlsd(lines: Iterable[str]) -> Listing:
    """Read MLSD lines (RFC 3659): facts, one space, name."""
    entries = []
    unreadable = 0
    for line in filter(None, lines):
        facts, space, name = line.partition(" ")
        kind = _fact("type", facts) or "file"
        if kind in ("cdir", "pdir") or name in (".", ".."):
            continue
        if not space or not _is_plain(name):
            unreadable += 1
            continue
        size = _fact("size", facts)
        modified = utc(_fact("modify", facts))
        entries.append(Entry(name, int(size) if size.isdigit() else None, modified, kind == "dir"))
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
            entries += _entry(parser.parse_line(_MARKED_MODE.sub(" ", line), AHEAD.total_seconds()))
        except (ParserError, ValueError):
            unreadable += 1
    return Listing(tuple(entries), "LIST (DOS)" if is_dos else "LIST (Unix)", unreadable)


def utc(text: str) -> datetime | None:
    """Read yyyymmddHHMMSS[.fff], the UTC time of MLSD and MDTM."""
    found = _UTC.match(text)
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type,misc] # six numbers
    except ValueError:
        return None


def _entry(line: ParsedLine) -> Iterator[Entry]:
    """Yield what a parsed line says; nothing for the folder itself and for what is no name."""
    name: str = line._st_name
    if not _is_plain(name):
        return
    # A time ahead of UTC by less than a zone is of today, not of a year ago: hence the shift, and back.
    modified = datetime.fromtimestamp(line.st_mtime, UTC) + AHEAD
    day_only = line._st_mtime_precision == _DAY_PRECISION
    is_link = line._st_target is not None
    yield Entry(
        name,
        None if is_link else line.st_size,  # the size of a link is that of the link itself
        modified,
        stat.S_ISDIR(line.st_mode),
        f"{modified:%Y-%m-%d}" if day_only else f"{modified:%Y-%m-%dT%H:%M}",
    )


def _is_plain(name: str) -> bool:
    """Refuse what is no name in this folder: a server's listing is never trusted as a path."""
    return name not in ("", ".", "..") and not _UNSAFE.search(name)
