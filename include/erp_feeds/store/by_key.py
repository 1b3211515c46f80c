"""Rows that are loaded by the key of their records: one versioned row per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.records.kind import Rows
from erp_feeds.steps.result import ByFile, merged
from erp_feeds.store.copy import Incoming
from erp_feeds.store.merge import OF_LOAD, Target, VersionedField, merge
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd


RECORDS = sql.SQL(
    "SELECT incoming.*, {of_load} FROM {incoming} AS incoming JOIN loading ON loading.file_id = incoming.file"
    " ORDER BY incoming.key"  # in another order a row costs up to twice as much to add to the primary key
)


def copy_by_key(incoming: Incoming, rows: Rows, frames: Mapping[str, pd.DataFrame]) -> ByFile:
    """Copy the records of a piece."""
    incoming.copy_for_table(frames, rows.table, rows.fields)
    return {}


def load_by_key(
    connection: psycopg.Connection,
    files: Sequence[FeedFile],
    merchant: Merchant,
    incoming: Incoming,
) -> ByFile:
    """Merge the records into the rows of their keys (rules: ERP cache 2, 5, 6; the kind's warnings: 7)."""
    rows = KINDS[files[0].interface].rows
    fields = tuple(VersionedField(name) for name in rows.fields)
    table = f"incoming_{rows.table}"
    of_load = sql.SQL(", ").join(sql.Identifier("loading", name) for name in OF_LOAD)
    records = RECORDS.format(of_load=of_load, incoming=sql.Identifier(table)).as_string()
    keys = "" if Counts.sum(incoming.loaded.values()).loaded == incoming.rows[rows.table] else table
    target = Target(rows.table, "key", fields, records, keys, rows.key_column)
    merge(connection, target, merchant.name, incoming.rows[rows.table])
    counts = incoming.loaded
    for code, name in rows.warnings.items():
        found = connection.execute(statement(name, merchant=merchant.name))
        counts = merged(counts, {file: Counts(warnings={code.value: number}) for file, number in found})
    return counts
