"""The declaration as tables for people: rows for the command line, a page of Markdown for the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from erp_feeds.interfaces.spec import Field, FieldType, Interface
from erp_feeds.publish.samples import sample, versions_of

HEAD = """\
# Interfaces

What a file of each kind looks like. This page is generated from `include/erp_feeds/interfaces/` by
`python -m erp_feeds docs`; change the declaration, not the page.

All text is trimmed and the order of elements is free. A repeated element makes its record a reject. In
customer files a missing element keeps what the store knows. Every element name can be overridden per
merchant, under `interfaces.<name>.elements` of its file. `[SHOPNAME]` is the merchant's `shop_name`;
`[INDEXNUMBER]` is any run of digits, and files of one interface load in its numeric order. A file may
also come unzipped, as `.xml`. The schemas in [xsd/](xsd/) say the same for machines.
Which element fills which field of a profile or purchase: [mapping.md](mapping.md).
"""


_TYPE_WORDS = {
    FieldType.DATE: "date yyyy-MM-dd",
    FieldType.DATETIME: "local date and time",
    FieldType.YES_NO: "yes or no",
    FieldType.IDENTIFIER: "identifier (text)",
    FieldType.EMAIL: "e-mail address",
    FieldType.TEXT: "text",
}


@dataclass(frozen=True)
class FieldRow:
    """One field as the tables show it."""

    element: str
    """Path below the record, for example Lines/Line/Sku."""
    column: str
    type: str
    required: bool
    since: str
    description: str
    example: str


def field_rows(interface: Interface) -> list[FieldRow]:
    """Return one row per field, those of the nested lines last."""
    rows = [_row(field, "") for field in interface.fields]
    if interface.lines:
        rows += [_row(field, f"{interface.lines.path}/") for field in interface.lines.fields]
    return rows


def type_text(field: Field) -> str:
    """Return a field's type in words, with its form and limits."""
    if field.type is FieldType.DECIMAL:
        limits = f", {field.minimum} to {field.maximum}" if field.maximum is not None else ""
        return f"decimal, up to {field.digits[1]} places{limits}"
    return _TYPE_WORDS[field.type]


def markdown(interfaces: Iterable[Interface]) -> str:
    """Return the whole page docs/interfaces.md."""
    return "\n".join([HEAD, *("\n".join(_section(interface)) for interface in interfaces)])


def _row(field: Field, prefix: str) -> FieldRow:
    return FieldRow(
        prefix + field.element,
        field.name,
        type_text(field),
        field.required,
        field.since,
        field.description,
        field.example,
    )


def _section(interface: Interface) -> Iterator[str]:
    yield f"## {interface.title} (`{interface.name}`)\n"
    yield f"Contract: {interface.source}.\n"
    yield "| | |\n|---|---|"
    yield from (f"| {name} | {text} |" for name, text in _facts(interface))
    yield "\n| element | column | type | required | since | description | example |"
    yield "|---|---|---|---|---|---|---|"
    yield from (_markdown_row(row) for row in field_rows(interface))
    yield f"\n```xml\n{''.join(sample(interface, records=1))}```\n"


def _facts(interface: Interface) -> Iterator[tuple[str, str]]:
    yield "File name", f"`{interface.file_name('[SHOPNAME]', '[INDEXNUMBER]')}`"
    yield "Folder", f"`/{interface.folder}/` below the merchant's FTPS root"
    yield "Records", f"`/{'/'.join(interface.record_path)}`"
    yield "Key", ", ".join(f"`{name}`" for name in interface.key)
    yield "Versions", ", ".join(versions_of(interface))
    if interface.header:
        header = interface.header
        holds = f"`{header.importer_element}` = `{header.importer}` and `{header.version_element}`"
        absent = f"without it a file counts as {header.versions[0]}"
        yield (
            "Header",
            f"`{header.element}` with {holds}; required since {header.importer_required_since}, {absent}",
        )
    yield "Tables", ", ".join(f"`{name}`" for name in interface.tables)


def _markdown_row(row: FieldRow) -> str:
    required = "yes" if row.required else ""
    names = (f"`{row.element}`", f"`{row.column}`")
    cells = (*names, row.type, required, row.since, row.description, f"`{row.example}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
