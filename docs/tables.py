"""Write docs/tables.md: the store's tables and views, as the migrated schema describes itself."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from psycopg import Connection, connect

from erp_feeds.demo import postgres
from erp_feeds.store import migrate

PAGE = Path(__file__).with_name("tables.md")
HEAD = """# Tables

Generated from a migrated store by `make docs`. The store is the schema `erp_feeds`; `alembic_version` says
at which revision it is. Analysts read the views `analyst_*`, whose columns are documented and name nobody;
the other tables may change with any version.
"""
TABLES = """
SELECT relname, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END,
    coalesce(obj_description(oid, 'pg_class'), '')
FROM pg_class
WHERE relnamespace = 'erp_feeds'::regnamespace AND relkind IN ('r', 'v') AND relname <> 'alembic_version'
ORDER BY relname NOT LIKE 'analyst\\_%', relname
"""
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), coalesce(col_description(attrelid, attnum), '')
FROM pg_attribute
WHERE attrelid = ('erp_feeds.' || %s)::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""


def page(connection: Connection) -> str:
    """Return the page of a migrated store."""
    return "\n".join([HEAD, *_sections(connection)])


def _sections(connection: Connection) -> Iterator[str]:
    for name, kind, comment in connection.execute(TABLES).fetchall():
        yield f"## {name}\n\n{comment} ({kind})\n"
        columns = connection.execute(COLUMNS, [name]).fetchall()
        if kind == "view" and name.startswith("analyst_"):
            yield "| column | type | |\n|---|---|---|"
            yield from (f"| `{column}` | {type_} | {said} |" for column, type_, said in columns)
        else:
            yield ", ".join(f"`{column}` {type_}" for column, type_, _ in columns)
        yield ""


def main() -> None:
    """Write the page, from a store that is made for it and thrown away."""
    with tempfile.TemporaryDirectory(prefix="erp-feeds-") as place:
        folder = Path(place) / "postgres"
        try:
            uri = postgres.database(postgres.start(folder), "erp_feeds")
            migrate.migrate(uri)
            with connect(uri) as connection:
                PAGE.write_text(page(connection), "utf-8")
        finally:
            postgres.stop(folder)


if __name__ == "__main__":
    sys.exit(main())
