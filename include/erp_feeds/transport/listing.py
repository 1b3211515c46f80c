"""What a server's folder holds: MLSD facts and Unix LIST lines become entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FALLBACK_ENCODING = "cp1252"
TEMPORARY_ENDINGS = (".tmp", ".part", ".filepart")

UNIX_LINE = re.compile(
    r"(?P<kind>[-dl])[-rwxsStTlL]{9}\S*\s+\d+\s+\S+\s+\S+\s+(?P<size>\d+)\s+"
    r"(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+(?P<clock>\d{4}|\d{1,2}:\d{2})\s(?P<name>.+)"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Entry:
    """One line of a folder's listing."""

    name: str
    size: int | None
    """Bytes; None where the server does not say."""
    modified: datetime | None
    """UTC; None where the server does not say."""
    is_folder: bool
    exact: bool = True
    """Whether `modified` is UTC to the second; LIST gives minutes or days in a zone that it does not name."""

    def is_certain(self) -> bool:
        """Tell whether nothing is left to ask the server for."""
        return self.exact and self.size is not None and self.modified is not None


def is_temporary(name: str) -> bool:
    """Tell whether a name says that its upload is still under way."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY_ENDINGS)


def decoded(line: bytes, encoding: str) -> str:
    """Read one line in the agreed encoding, or in cp1252: one odd name must not hide the whole folder."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return line.decode(FALLBACK_ENCODING, errors="replace")


def from_mlsd(lines: Iterable[str]) -> Iterator[Entry]:
    """Read MLSD lines (RFC 3659): facts, one space, name."""
    for line in lines:
        facts_text, _, name = line.partition(" ")
        facts = {
            key.lower(): value for key, _, value in (fact.partition("=") for fact in facts_text.split(";"))
        }
        kind = facts.get("type", "file").lower()
        if kind in ("cdir", "pdir") or not _is_plain(name):
            continue
        size = facts.get("size", "")
        yield Entry(name, int(size) if size.isdigit() else None, utc(facts.get("modify", "")), kind == "dir")


def from_list(lines: Iterable[str], now: datetime) -> Iterator[Entry]:
    """Read the Unix form of LIST; other lines, such as the total, are passed over."""
    for line in lines:
        found = UNIX_LINE.fullmatch(line)
        if not found:
            continue
        name = found["name"].split(" -> ")[0] if found["kind"] == "l" else found["name"]
        if _is_plain(name):
            modified = _list_time(found["month"], found["day"], found["clock"], now)
            # The size of a link is that of the link itself.
            size = None if found["kind"] == "l" else int(found["size"])
            yield Entry(name, size, modified, found["kind"] == "d", exact=False)


def utc(text: str) -> datetime | None:
    """Read yyyymmddHHMMSS[.fff], the UTC time of MLSD and MDTM."""
    found = re.match(r"[0-9]{14}", text.strip())
    try:
        return datetime.strptime(found[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _list_time(month: str, day: str, clock: str, now: datetime) -> datetime | None:
    """Read 'Jan 5 11:53' or 'Jan 5 2017'; without a year it is the latest one that is not in the future."""
    try:
        number = MONTHS.index(month.lower()) + 1
        if ":" not in clock:
            return datetime(int(clock), number, int(day), tzinfo=UTC)
        hour, minute = map(int, clock.split(":"))
        moment = datetime(now.year, number, int(day), hour, minute, tzinfo=UTC)
        return moment if moment <= now + timedelta(days=1) else moment.replace(year=now.year - 1)
    except ValueError:
        return None


def _is_plain(name: str) -> bool:
    """Refuse what is no name in this folder: a server's listing is never trusted as a path."""
    return name not in ("", ".", "..") and not any(sign in name for sign in "/\\\r\n\0")
