"""Who the people of one file are, in two steps: the known ones move, then the unknown are looked up."""

from __future__ import annotations

import psycopg
from psycopg import sql

from erp_feeds.batch import FeedFile
from erp_feeds.merchant import Merchant
from erp_feeds.store.copy import analyze
from erp_feeds.store.sql import statement

NEVER = sql.SQL("false")


STEPS = ("known", "wishes", "moves", "newcomers", "created", "resolved")
"""Statements of sql/identity.sql, each with the temporary table that it fills."""


def resolve(  # noqa: PLR0917 - whose, from where, and by which rules
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    table: str,
    rows: int,
    made_by: tuple[str, str],
    *,
    movable: sql.Composable = NEVER,
) -> None:
    """Find the profile of each record of a table with record, number and email (rules: customers 1 to 6, 9).

    Fills the temporary tables that sql/identity.sql describes, resolved above all.

    Args:
        connection: In the transaction of the load.
        file: Whose records they are.
        merchant: Whose people.
        table: The temporary table.
        rows: How many records it has.
        made_by: The rules by which a new number, and a new e-mail alone, make a profile.
        movable: The condition under which a profile `old` takes a new e-mail from this file.
    """
    by_number, by_email = made_by
    parts = {
        "merchant": merchant.name,
        "file_id": file.file_id,
        "people": sql.SQL("SELECT record, number, email FROM {}").format(sql.Identifier(table)),
        "movable": movable,
        "made_by_number": by_number,
        "made_by_email": by_email,
    }
    for step in STEPS:
        connection.execute(statement(f"identity/{step}", **parts))
        analyze(connection, step, rows)


def save_identifiers(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> None:
    """Note which number and which record belongs to which profile, once the profiles exist."""
    connection.execute(statement("identity/keep", merchant=merchant.name, file_id=file.file_id))


def count_without_email(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> int:
    """Return how many numbers this file brought first, without any e-mail (rule: customers 3)."""
    query = statement("identity/no_email", merchant=merchant.name, file_id=file.file_id)
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def count_failed_moves(connection: psycopg.Connection, file: FeedFile) -> int:
    """Return how many profiles did not get the address that this file brought (rules: customers 5, 9)."""
    query = "SELECT count(*) FROM email_conflicts WHERE file_id = %s"
    found = connection.execute(query, [file.file_id]).fetchone()
    return int(found[0]) if found else 0
