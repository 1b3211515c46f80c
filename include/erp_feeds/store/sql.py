"""The .sql files of this package, with names and values put in by psycopg's own quoting."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psycopg import sql

FOLDER = Path(__file__).parent / "sql"


def statement(name: str, **parts: object) -> sql.Composed:
    """Return sql/<name>.sql with each {part} filled in: composed SQL as it is, anything else as a literal."""
    if not parts:
        return _whole(name)
    filled = {
        key: part if isinstance(part, sql.Composable) else sql.Literal(part) for key, part in parts.items()
    }
    return sql.SQL(_text(name)).format(**filled)


@cache
def _whole(name: str) -> sql.Composed:
    """Return a file without parts, composed once: the looks at all inboxes run the same few statements."""
    return sql.SQL(_text(name)).format()


@cache
def _text(name: str) -> str:
    return FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8")
