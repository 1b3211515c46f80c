"""Rows that are loaded by the key of their records: one versioned row per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.steps.result import ByFile, merged, tally
from erp_feeds.store.copy import copy_for_table
from erp_feeds.store.merge import OF_LOAD, Target, VersionedField, merge
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd


RECORDS = sql.SQL(
    "SELECT incoming.*, {of_load} FROM {incoming} AS incoming JOIN loading ON loading.file_id = incoming.file"
)


def load_by_key(
    connection: psycopg.Connection,
    files: Sequence[FeedFile],
    merchant: Merchant,
    frames: Mapping[str, pd.DataFrame],
) -> ByFile:
    """Merge the records into the rows of their keys (rules: ERP cache 2, 5, 6; the kind's warnings: 7)."""
    rows = KINDS[files[0].interface].rows
    copy_for_table(connection, frames, rows.table, rows.fields)
    fields = tuple(VersionedField(name) for name in rows.fields)
    incoming = f"incoming_{rows.table}"
    of_load = sql.SQL(", ").join(sql.Identifier("loading", name) for name in OF_LOAD)
    records = RECORDS.format(of_load=of_load, incoming=sql.Identifier(incoming)).as_string()
    frame = frames[rows.table]
    first = ~frame["key"].duplicated()  # all records of a key are of one file here
    keys = "" if first.all() else incoming
    merge(connection, Target(rows.table, "key", fields, records, keys, rows.key_column), merchant.name)
    counts = tally(frame["file"], first, lambda number: Counts(loaded=number))
    for code, name in rows.warnings.items():
        found = connection.execute(statement(name, merchant=merchant.name))
        counts = merged(counts, {file: Counts(warnings={code.value: number}) for file, number in found})
    return counts
