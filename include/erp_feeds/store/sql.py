"""The SQL of this package, one file of named statements per module; psycopg quotes what is put in.

`statement("ledger/finish")` is what stands in sql/ledger.sql behind the line `-- name: finish`. Its
comment says what goes in, what comes out, and by which rule.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from psycopg import Connection, sql
from psycopg.rows import class_row

FOLDER = Path(__file__).parent / "sql"
Row = TypeVar("Row")


def read_rows(connection: Connection[Any], shape: type[Row], name: str, /, **inputs: object) -> list[Row]:
    """Run a statement, and return its rows as a dataclass that has a field for each column."""
    with connection.cursor(row_factory=class_row(shape)) as cursor:
        return cursor.execute(statement(name), inputs).fetchall()


def statement(name: str, **parts: object) -> sql.Composed:
    """Return a statement with each {part} filled in: composed SQL as it is, anything else as a literal.

    {merchant} becomes a query of one value. Of a merchant that its statistics do not know yet, PostgreSQL
    would expect one row, and compare each record of a file with all rows of the merchant.
    """
    if not parts:
        return _whole(name)
    filled = {
        key: part if isinstance(part, sql.Composable) else sql.Literal(part) for key, part in parts.items()
    }
    if "merchant" in filled:
        filled["merchant"] = sql.SQL("(SELECT {}::text)").format(filled["merchant"])
    return sql.SQL(_text(name)).format(**filled)


@cache
def _whole(name: str) -> sql.Composed:
    """Return a statement without parts, composed once: the scans of all inboxes run the same few ones."""
    return sql.SQL(_text(name)).format()


@cache
def _text(name: str) -> str:
    module, _, title = name.partition("/")
    return _statements(module)[title]


@cache
def _statements(module: str) -> dict[str, str]:
    """Return the statements of a module by their names."""
    text = FOLDER.joinpath(f"{module}.sql").read_text(encoding="utf-8")
    _, *parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
