"""The vocabulary in which an interface is declared once: file, record, fields, types, versions, key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache

ISO_DATE = "%Y-%m-%d"
LONGEST_IDENTIFIER = 200
"""Characters: three identifiers, four bytes a character, fit an index entry of PostgreSQL."""
TIMESTAMP_FORMS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


class FieldType(StrEnum):
    """How the text of an element is read."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    """Text that merely looks like a number: 00123 and 123 differ (rule: customers 8)."""
    EMAIL = "email"
    DATE = "date"
    DATETIME = "datetime"
    """Local date and time as delivered; kept as text, because an offline order id is made of it."""
    DECIMAL = "decimal"
    YES_NO = "yes_no"


@dataclass(frozen=True)
class Field:
    """One element of a record."""

    name: str
    """Column name in frames and tables."""
    element: str
    """Element name in the XML; a merchant may override it."""
    type: FieldType = FieldType.TEXT
    required: bool = False
    since: str = "1.0"
    """First interface version that knows the element."""
    digits: tuple[int, int] = (18, 2)
    """For decimals: precision and scale."""
    minimum: int | None = None
    maximum: int | None = None
    date_form: str = ISO_DATE
    """For dates: %d, %m and %Y as the ERP writes them; a mapping may say otherwise."""
    stands_alone: bool = True
    """Whether it means something by itself: an infix without a name does not."""
    description: str = ""
    example: str = ""


@dataclass(frozen=True)
class Lines:
    """Nested rows of a record, such as the lines of a purchase."""

    path: str
    """Below the record, for example Lines/Line."""
    fields: tuple[Field, ...]

    @property
    def holder(self) -> str:
        """The element in which the lines lie."""
        return self.path.partition("/")[0]

    @property
    def element(self) -> str:
        """The element of a line."""
        return self.path.partition("/")[2]


@dataclass(frozen=True)
class Header:
    """The settings node that some interfaces carry before their records."""

    element: str
    importer_element: str
    importer: str
    version_element: str
    versions: tuple[str, ...]
    """Known versions, oldest first; a file without one counts as the oldest, with a warning."""
    importer_required_since: str


@dataclass(frozen=True)
class Transform:
    """A named way from source text to the value of a target; `columns/meanings.py` holds how."""

    name: str
    description: str
    reads: FieldType | None = None
    """The type as which the parser reads a text source; None: it stays text and is looked up later."""


@dataclass(frozen=True)
class Target:
    """A field of the receiving side that a link fills."""

    name: str
    description: str
    transform: str = ""
    """The one transform that makes its values; empty: text as delivered."""
    fixed: str = ""
    """Why its default link stands; empty: a merchant may change or unlink it."""
    of_line: bool = False
    """Whether each line of a record has one."""


@dataclass(frozen=True)
class Link:
    """One target and the source fields that fill it."""

    target: str
    sources: tuple[str, ...]
    """Column names, or names of extra elements; several are joined by a space."""
    transform: str = ""
    date_form: str = ""
    clears: bool = False
    """Whether an empty source clears the target; else it keeps its value (rule: customers 10)."""
    default: bool = True


EXTRA = "extra:"
"""Begins the column name of an extra element, lest it meet a column of the interface or of a step."""


@dataclass(frozen=True)
class Interface:
    """One kind of file: everything that parser, validation, tables, docs, samples and XSD need."""

    name: str
    title: str
    source: str
    """The document that is the contract."""
    folder: str
    """Folder below the merchant's FTPS root."""
    token: str
    """Middle part of the file name: [SHOPNAME]_<token>_[INDEXNUMBER]."""
    record_path: tuple[str, ...]
    """Root, containers and record element."""
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    """Fields that identify a record: it goes by the first that it has; the last record of a key wins."""
    rank: int
    """Files of a lower rank load first within a run (rule: purchases 10)."""
    tables: tuple[str, ...]
    """Tables that a load of this interface writes."""
    lines: Lines | None = None
    header: Header | None = None
    targets: tuple[Target, ...] = ()
    """What links may fill, besides custom fields; none: the interface has no mapping."""
    links: tuple[Link, ...] = ()
    """The links that stand unless a merchant says otherwise."""
    replaces: bool = False
    """Whether a newer record replaces the stored row as a whole, so that no field is ever kept."""

    def field(self, name: str) -> Field:
        """Return the field of that column name."""
        return next(field for field in self.fields if field.name == name)

    def file_name(self, shop_name: str, index_number: str, extension: str = "zip") -> str:
        """Return the name under which an ERP party delivers a file."""
        return f"{shop_name}_{self.token}_{index_number}.{extension}"

    def match(self, file_name: str) -> FileName | None:
        """Read a file name, or None where it is not of this interface.

        The shop name may hold underscores, so the last token counts; only the extension ignores case
        (docs/interfaces.md).
        """
        found = _name_form(self.token).fullmatch(file_name)
        if not found or found["ext"].lower() not in ("zip", "xml"):
            return None
        return FileName(found["shop"], found["index"])

    def with_elements(self, elements: Mapping[str, str]) -> Interface:
        """Return the interface with element names as one merchant's ERP writes them."""
        lines = self.lines and replace(self.lines, fields=_renamed(self.lines.fields, elements))
        return replace(self, fields=_renamed(self.fields, elements), lines=lines)

    def with_extras(self, elements: Iterable[str]) -> Interface:
        """Return the interface with more elements of the record: optional, read as text."""
        extras = (Field(EXTRA + element, element, description="Extra element") for element in elements)
        return replace(self, fields=(*self.fields, *extras))

    def field_names(self) -> tuple[str, ...]:
        """Return every column name, of the record and of its lines."""
        return tuple(field.name for field in self.all_fields())

    def all_fields(self) -> tuple[Field, ...]:
        """Return the fields of the record and of its lines."""
        return *self.fields, *(self.lines.fields if self.lines else ())


@cache
def _name_form(token: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<shop>.+)_{re.escape(token)}_(?P<index>[0-9]+)\.(?P<ext>\w+)")


@dataclass(frozen=True)
class FileName:
    """What a file name says."""

    shop_name: str
    index_number: str

    def day(self) -> date | None:
        """Return the day of an index number that is a timestamp, else None."""
        moment = self._moment()
        return moment.date() if moment and moment.year <= 2100 else None

    def is_future(self, now: datetime) -> bool:
        """Return whether the index number is a time more than a day after `now`; both local, without zone."""
        moment = self._moment()
        return moment is not None and moment - now > timedelta(days=1)

    def _moment(self) -> datetime | None:
        form = TIMESTAMP_FORMS.get(min(len(self.index_number), 14))
        if not form or len(self.index_number) > 17:
            return None
        try:
            moment = datetime.strptime(self.index_number[:14], form)  # noqa: DTZ007 - local time
        except ValueError:
            return None
        return moment if moment.year >= 1990 else None


def _renamed(fields: tuple[Field, ...], elements: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(
        replace(field, element=elements[field.name]) if field.name in elements else field for field in fields
    )
