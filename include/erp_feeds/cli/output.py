"""What commands print: tables for people, JSON for machines."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import typer
from pydantic import BaseModel

from erp_feeds.errors import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PIPED_WIDTH = 200
"""Characters per row where there is no terminal to measure, nor COLUMNS in the environment."""
WIDE = 140
"""Width in characters from which a row shows a whole file name, to be copied into the next command."""
READABLE = 16
"""Characters of a cell that a table shows in one piece."""
NAMES = ("file", "name")


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text; what could steer a terminal is made visible."""
    typer.echo(visible(text), err=err, nl=nl)


def print_json(value: object, *, err: bool = False) -> None:
    """Print dataclasses, mappings and lists of them as JSON.

    Amounts are strings, since a JSON number is read as binary floating point; times are ISO 8601, in UTC.
    """
    text = json.dumps(value, default=_plain, indent=2, ensure_ascii=False)
    plain = (each if each == "\n" or each.isprintable() else json.dumps(each)[1:-1] for each in text)
    typer.echo("".join(plain), err=err)


def print_table(title: str, rows: Sequence[object], columns: Sequence[str]) -> None:
    """Print one row per dataclass with the columns named like its fields; say so where there are none."""
    from rich.table import Table

    if not rows:
        say(f"{title}: none")
        return
    console = _console()
    if _is_too_wide(rows, columns, console.width):
        for number, row in enumerate(rows, 1):
            print_facts(f"{title}: {number} of {len(rows)}", {each: getattr(row, each) for each in columns})
        return
    table = Table(title=visible(title), title_justify="left")
    for column in columns:
        numeric = any(_is_number(getattr(row, column)) for row in rows)
        named = column in NAMES and console.width >= WIDE
        side: Literal["left", "right"] = "right" if numeric else "left"
        table.add_column(column.replace("_", " "), justify=side, overflow="fold", no_wrap=named)
    for row in rows:
        table.add_row(*(_text(getattr(row, column)) for column in columns))
    console.print(table, markup=False)


def _is_too_wide(rows: Sequence[object], columns: Sequence[str], width: int) -> bool:
    """Return whether a table would fold its cells into pieces that nobody can read."""
    texts = [[column, *(_words(getattr(row, column)) for row in rows)] for column in columns]
    return sum(3 + min(READABLE, max(map(len, column))) for column in texts) > width


def print_facts(title: str, facts: Mapping[str, object]) -> None:
    """Print the facts of one thing, a line each; what is unknown is left out.

    A word that is longer than the line, such as the name of a file, is printed in one piece, so that it can
    be copied into the next command.
    """
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    console = _console()
    console.print(visible(title), style="italic", markup=False, highlight=False)
    shown = {
        visible(name.replace("_", " ")): _text(value) for name, value in facts.items() if value is not None
    }
    named = max(map(cell_len, shown), default=0)
    room = max(console.width - named - len("   "), READABLE)
    for name, text in shown.items():
        whole = text.split(allow_blank=True)
        lines = [each for line in whole for each in _folded(line, console, room)] or [Text()]
        for number, each in enumerate(lines):
            line = Text(f" {set_cell_size('' if number else name, named)}  ").append_text(each)
            line.rstrip()
            console.print(line, soft_wrap=True, highlight=False)


def _folded(line: Text, console: Console, room: int) -> list[Text]:
    """Return a line in pieces that have room; as it is where one of its words has none."""
    from rich.cells import cell_len

    if any(cell_len(word) > room for word in line.plain.split()):
        return [line]
    return list(line.wrap(console, room)) or [line]


def facts_of(row: Any, *without: str) -> dict[str, object]:
    """Return the fields of a dataclass by name."""
    names = (each.name for each in dataclasses.fields(row))
    return {name: getattr(row, name) for name in names if name not in without}


def _console() -> Console:
    from rich.console import Console

    is_measured = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if is_measured else PIPED_WIDTH)


def _plain(value: Any) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return facts_of(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _text(value: object) -> Any:
    """Return a cell as text that no markup in the data can colour."""
    from rich.text import Text

    return Text(visible(_words(value)))


def _words(value: object) -> str:
    match value:
        case bool() | None:
            return {None: "", True: "yes", False: "no"}[value]
        case Decimal() | float():
            return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,.1f}"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        case dict() | list():
            parts = sorted(value.items()) if isinstance(value, dict) else [(each,) for each in value]
            return ", ".join(" ".join(map(_words, part)) for part in parts)
        case _:
            return str(value)
