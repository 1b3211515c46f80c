"""What stands around the records of a member: the way to them, its settings, and what no interface reads."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces.spec import Field, Interface
from erp_feeds.xml.row_collector import RowCollector
from erp_feeds.xml.rows import normalised

LONGEST_ROOT = 50
"""Characters of the root's name in a reason: a name is structure, unless somebody wrote data as a name."""


class Place(IntEnum):
    """What an element is that stands outside of records and settings."""

    ABOVE_RECORDS = 0
    RECORD = 1
    SETTINGS = 2
    AMONG_RECORDS = 3
    """Where a record stands, but none."""
    ELSEWHERE = 4


class Surroundings:
    """Tells what the elements around the records are, and tallies those that are not read."""

    __slots__ = ("_header", "_path", "beside", "has_container", "root", "rows", "unexpected")

    def __init__(self, interface: Interface, fields: int) -> None:
        """Prepare for members of an interface; `fields`: elements that a settings node may have."""
        self._path = interface.record_path
        self._header = header = interface.header
        names = (header.importer_element, header.version_element) if header else ()
        place = f"{self._path[0]}/{header.element}/" if header else ""
        self.rows = RowCollector([Field(name, name) for name in names], fields, place=place)
        """The settings nodes."""
        self.begin_member()

    def begin_member(self) -> None:
        """Forget the member before."""
        self.root = ""
        self.has_container = False
        """Whether the element that holds the records has begun."""
        self.beside: Counter[str] = Counter()
        """Element outside of the records' containers or unknown in the settings -> how often."""
        self.unexpected: Counter[str] = Counter()
        """Element among records that is not a record, or among lines that is not a line -> how often."""
        self.rows.reset()

    def begin(self, name: str, depth: int) -> Place:
        """Return what an element is that begins outside of records and settings."""
        if depth == 1:
            self.root = name
        if name == self._path[depth - 1]:
            if depth == len(self._path):
                return Place.RECORD
            if depth == len(self._path) - 1:
                if self.has_container:
                    raise _wrong(f"a second {name}")
                self.has_container = True
            return Place.ABOVE_RECORDS
        if self._header and depth == 2 and name == self._header.element:
            return Place.SETTINGS
        if depth == len(self._path):
            return Place.AMONG_RECORDS
        if depth > 1:
            self.beside[self.path_of(name, depth)] += 1
        return Place.ELSEWHERE

    def path_of(self, name: str, depth: int) -> str:
        """Return the path of an element that does not lead to the records."""
        return "/".join((*self._path[: depth - 1], name))

    def end_member(self) -> None:
        """Check that there was a place for records, and count the unknown elements of the settings."""
        if not self.has_container:
            wanted = "/".join(self._path[:-1])
            raise _wrong(f"no {wanted} with records; the root is {self.root[:LONGEST_ROOT]}")
        self.beside += self.rows.unknown

    def settings(self) -> list[tuple[str, str]]:
        """Return importer and version of each settings node read so far."""
        if self.rows.repeated:
            raise _wrong("an element of the settings occurs more than once")
        cells = [normalised(cell or "") for cell in self.rows.cells]
        return list(zip(cells[::2], cells[1::2], strict=True))


def _wrong(reason: str) -> QuarantineError:
    return QuarantineError(QuarantineCode.WRONG_STRUCTURE, reason)
