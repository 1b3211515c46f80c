"""Who the people of some files are, in two steps: the known ones move, then the unknown are looked up."""

from __future__ import annotations

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts
from erp_feeds.codes import WarningCode
from erp_feeds.merchant import Merchant
from erp_feeds.steps.result import ByFile
from erp_feeds.store.copy import analyze
from erp_feeds.store.sql import statement

NEVER = sql.SQL("false")


STEPS = ("known", "wishes", "moves", "newcomers", "created", "resolved")
"""Statements of sql/identity.sql, each with the temporary table that it fills."""


def resolve(
    connection: psycopg.Connection,
    merchant: Merchant,
    table: str,
    made_by: tuple[str, str],
    *,
    movable: sql.Composable = NEVER,
) -> None:
    """Find the profile of each record of a table with file, record, number and email.

    Rules: customers 1 to 6, 9. Fills the temporary tables that sql/identity.sql describes, above all
    resolved.

    Args:
        connection: In the transaction of the load; its table `loading` names the files.
        merchant: Whose people.
        table: The temporary table.
        made_by: The rules by which a new number, and a new e-mail alone, make a profile.
        movable: The condition under which a profile `old` takes a new e-mail from its file in `loading`.
    """
    by_number, by_email = made_by
    parts = {
        "merchant": merchant.name,
        "incoming": sql.Identifier(table),
        "movable": movable,
        "made_by_number": by_number,
        "made_by_email": by_email,
    }
    for step in STEPS:
        found = connection.execute(statement(f"identity/{step}", **parts)).rowcount
        analyze(connection, step, found)
    connection.execute(statement("identity/conflicts"))


def save_identifiers(connection: psycopg.Connection, merchant: Merchant) -> None:
    """Note which number and which record belongs to which profile, once the profiles exist."""
    connection.execute(statement("identity/keep_identifiers", merchant=merchant.name))
    connection.execute(statement("identity/keep_matches"))


def count_without_email(connection: psycopg.Connection, merchant: Merchant) -> ByFile:
    """Count the numbers that each file brought first, without any e-mail (rule: customers 3)."""
    found = connection.execute(statement("identity/no_email", merchant=merchant.name))
    return {file: Counts(warnings={WarningCode.NO_EMAIL.value: number}) for file, number in found}


def count_failed_moves(connection: psycopg.Connection) -> ByFile:
    """Count the profiles that did not get the address that a file brought (rules: customers 5, 9)."""
    found = connection.execute(statement("identity/failed_moves"))
    return {file: Counts(warnings={WarningCode.EMAIL_OWNED_BY_OTHER.value: number}) for file, number in found}
