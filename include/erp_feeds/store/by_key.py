"""Rows that are loaded by the key of their records: one versioned row per key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.store.copy import copy_for_table
from erp_feeds.store.merge import Target, Version, VersionedField, merge
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd


def load_by_key(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, frames: Mapping[str, pd.DataFrame]
) -> Counts:
    """Merge the records into the rows of their keys (rules: ERP cache 2, 5, 6; the kind's warnings: 7)."""
    kind = KINDS[file.interface]
    rows = kind.rows
    copy_for_table(connection, frames, rows.table, rows.fields)
    fields = tuple(VersionedField(name) for name in rows.fields)
    incoming = f"incoming_{rows.table}"
    records = sql.SQL("SELECT * FROM {}").format(sql.Identifier(incoming)).as_string()
    target = Target(rows.table, "key", fields, records, keys=incoming, key_column=rows.key_column)
    merge(connection, target, merchant.name, Version(file.sequence, file.file_id))
    owner = {"merchant": merchant.name, "file_id": file.file_id}
    found = {code: _count(connection, statement(name, **owner)) for code, name in rows.warnings.items()}
    warnings = {code.value: number for code, number in found.items() if number}
    return Counts(loaded=kind.count(frames[rows.table]), warnings=warnings)


def _count(connection: psycopg.Connection, query: sql.Composed) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
