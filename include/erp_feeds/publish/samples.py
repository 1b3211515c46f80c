"""Sample exports of any interface, made of nothing but its declaration: examples, types, limits, versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

from erp_feeds.errors import ConfigurationError, nearest
from erp_feeds.interfaces.spec import Field, FieldType, Header, Interface

INDENT = "  "


def versions_of(interface: Interface) -> tuple[str, ...]:
    """Return the versions that an interface knows, oldest first."""
    return interface.header.versions if interface.header else ("1.0",)


def checked_version(interface: Interface, version: str | None) -> str:
    """Return a version of the interface, its latest when none is asked for.

    Raises:
        ConfigurationError: the interface has no such version.
    """
    known = versions_of(interface)
    if version is None:
        return known[-1]
    if version not in known:
        raise ConfigurationError(
            f"{interface.name} has no version {version!r}; {nearest(version, known)}", "unknown_version"
        )
    return version


def fields_since(interface: Interface, version: str) -> tuple[Field, ...]:
    """Return the record's fields that a version knows."""
    known = versions_of(interface)
    return tuple(field for field in interface.fields if known.index(field.since) <= known.index(version))


def sample(interface: Interface, records: int = 3, version: str | None = None) -> Iterator[str]:
    """Write a sample export piece by piece, so that a million records need no memory.

    The first record is the declaration's examples word for word. The others vary what may vary: identifiers
    and e-mail addresses count up, dates and amounts move, each record leaves out at most one optional element
    (so that a pair of which one is required stays valid), and lines hold returns and exchanges.

    Raises:
        ConfigurationError: the interface has no such version.
    """
    chosen = checked_version(interface, version)
    root, *containers, record = interface.record_path
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<{root}>\n"
    if interface.header:
        yield from _header(interface.header, chosen)
    for depth, container in enumerate(containers, start=1):
        yield f"{INDENT * depth}<{container}>\n"
    fields = fields_since(interface, chosen)
    for number in range(records):
        yield _record(interface, fields, record, number)
    for depth, container in reversed(list(enumerate(containers, start=1))):
        yield f"{INDENT * depth}</{container}>\n"
    yield f"</{root}>\n"


def _header(header: Header, version: str) -> Iterator[str]:
    yield f"{INDENT}<{header.element}>\n"
    yield _element(header.importer_element, header.importer, 2)
    yield _element(header.version_element, version, 2)
    yield f"{INDENT}</{header.element}>\n"


def _record(interface: Interface, fields: tuple[Field, ...], element: str, number: int) -> str:
    depth = len(interface.record_path) - 1
    left_out = _left_out(fields, number)
    body = [
        _element(field.element, _varied(field, number), depth + 1)
        for field in fields
        if field is not left_out
    ]
    if interface.lines:
        body.append(_lines(interface.lines.path.split("/"), interface.lines.fields, number, depth + 1))
    return f"{INDENT * depth}<{element}>\n{''.join(body)}{INDENT * depth}</{element}>\n"


def _left_out(fields: tuple[Field, ...], number: int) -> Field | None:
    """Return the one optional field that this record does without; the first record is complete."""
    optional = [field for field in fields if not field.required]
    turn = number % (len(optional) + 1)
    return optional[turn - 1] if turn else None


def _lines(path: list[str], fields: tuple[Field, ...], number: int, depth: int) -> str:
    """Write the nested rows: every fifth record gives all back, every seventh exchanges one article."""
    *containers, element = path
    count = 1 + number % 3 + (number % 7 == 6)
    rows = []
    for line in range(count):
        back = number % 5 == 4 or (number % 7 == 6 and line == 0)
        cells = [
            _element(field.element, _line_value(field, number + line, back), 2 + depth) for field in fields
        ]
        rows.append(
            f"{INDENT * (depth + 1)}<{element}>\n{''.join(cells)}{INDENT * (depth + 1)}</{element}>\n"
        )
    for container in reversed(containers):
        rows = [f"{INDENT * depth}<{container}>\n", *rows, f"{INDENT * depth}</{container}>\n"]
    return "".join(rows)


def _line_value(field: Field, number: int, back: bool) -> str:
    value = _varied(field, number)
    negative = back and field.type is FieldType.DECIMAL and field.minimum is None
    return f"-{value}" if negative else value


def _varied(field: Field, number: int) -> str:
    """Return a field's example, moved on by the record's number as its type allows."""
    text = field.example
    if number == 0:
        return text
    match field.type:
        case FieldType.IDENTIFIER:
            text = _counted_up(text, number)
        case FieldType.EMAIL:
            text = text.replace("@", f"{number}@")
        case FieldType.DATE:
            text = str(date.fromisoformat(text) + timedelta(days=number % 3650))
        case FieldType.DATETIME:
            text = (datetime.fromisoformat(text) + timedelta(minutes=17 * number)).isoformat()
        case FieldType.DECIMAL:
            text = _moved(field, number)
        case FieldType.YES_NO:
            text = ("yes", "no")[number % 2]
        case FieldType.TEXT:  # names and codes have no neighbours that are sure to be valid
            pass
    return text


def _counted_up(example: str, number: int) -> str:
    """Return an identifier with its last digits counted up, leading zeros kept: identifiers are text."""
    stem, digits = re.fullmatch(r"(.*?)([0-9]*)", example).groups()  # type: ignore[union-attr]  # matches any text
    return f"{stem}{int(digits or 0) + number:0{len(digits)}d}"


def _moved(field: Field, number: int) -> str:
    """Return a decimal in the manner of the example (grouping, places), within the field's limits."""
    places = len(field.example.partition(".")[2])
    span = (field.maximum + 1) if field.maximum is not None else 10_000
    value = (Decimal(field.example.replace(",", "")) + number * Decimal("1.25" if places else "1")) % span
    if field.maximum is not None:
        value = min(value, Decimal(field.maximum))
    return f"{value:,.{places}f}" if "," in field.example else f"{value:.{places}f}"


def _element(name: str, text: str, depth: int) -> str:
    return f"{INDENT * depth}<{name}>{escape(text)}</{name}>\n"
