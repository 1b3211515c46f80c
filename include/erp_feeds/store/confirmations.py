"""Rows that newer files brought unchanged: only noted, and written into the rows before a load needs it."""

from __future__ import annotations

import psycopg
from psycopg import sql

from erp_feeds.batch import FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.records.kind import LoadMethod, Rows
from erp_feeds.store.sql import statement

MOST_FILES = 30
"""Confirming files of a table after which their places are written into the rows: a month of daily files."""

KEYS = {LoadMethod.PEOPLE: "profile_id", LoadMethod.PURCHASES: "purchase_id"}
"""The key columns of the tables that are not loaded by key."""


def key_of(rows: Rows) -> str:
    """Return the column that identifies a row."""
    return KEYS.get(rows.loading, rows.key_column)


def apply_before(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> None:
    """Write into the rows which file brought them last, where a load may need it (rule: ERP cache 6).

    Args:
        connection: In the transaction of the load, under the merchant's lock.
        file: The first of those about to load.
        merchant: Whose file it is.
    """
    rows = KINDS[file.interface].rows
    asked = {"table_name": rows.table, "sequence": file.sequence, "most": MOST_FILES}
    found = connection.execute(statement("confirmations/needed", merchant=merchant.name, **asked)).fetchone()
    if found and found[0]:
        apply(connection, merchant.name, rows)


def apply(connection: psycopg.Connection, merchant: str, rows: Rows) -> None:
    """Write what is noted of a merchant's rows into them; in a transaction, under the merchant's lock."""
    key = key_of(rows)
    parts = {"table": sql.Identifier(rows.table), "key": sql.Identifier(key), "table_name": rows.table}
    is_whole = rows.loading is LoadMethod.PURCHASES  # a file writes all fields of one
    for step in ("collect", "apply") if is_whole else ("collect", "apply_fields", "apply"):
        connection.execute(statement(f"confirmations/{step}", merchant=merchant, **parts))
