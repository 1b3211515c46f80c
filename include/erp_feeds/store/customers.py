"""People: who a record is about, which e-mail each profile ends with, and one versioned row per profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import WarningCode
from erp_feeds.merchant import Merchant
from erp_feeds.store.copy import copy_frames
from erp_feeds.store.merge import Version, VersionedField, emptied_last, json_object, last_brought, merge
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd

EMAIL = VersionedField("email", clearable=False)
NEVER = sql.SQL("false")
RECORD = sql.SQL("record")
SAID = sql.SQL("coalesce((brought->>'email')::int, record)")
FIELDS = tuple(
    VersionedField(name)
    for name in (
        "firstname",
        "lastname",
        "gender",
        "birthdate",
        "phone",
        "postcode",
        "city",
        "country",
        "language",
        "currency",
        "newsletter",
        "service",
        "marketing",
    )
)


def load_profiles(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, frames: Mapping[str, pd.DataFrame]
) -> Counts:
    """Fill profiles with the frame `profiles`, creating those that are new (rules: customers 1 to 12)."""
    copy_frames(connection, frames, ("profiles",))
    version = Version(file.sequence, file.file_id)
    moves = EMAIL.not_newer(version)
    made_by = ("customers 3", "customers 4")
    resolve(connection, file, merchant, "incoming_profiles", made_by, said=SAID, moves=moves)
    connection.execute(statement("load/emails", file_id=file.file_id, not_newer=moves))
    fields = (*FIELDS, *_custom_fields(connection))
    writes = _writes(merchant, fields)
    key, fields = ("merchant", "profile_id"), (EMAIL, *fields)
    connection.execute(merge("profiles", writes, key, fields, version, of_write=("mapping_version",)))
    keep_identifiers(connection, file, merchant)
    return Counts(loaded=len(frames["profiles"]), warnings=_warnings(connection, file, merchant))


def resolve(
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    table: str,
    made_by: tuple[str, str],
    *,
    said: sql.Composable = RECORD,
    moves: sql.Composable = NEVER,
) -> None:
    """Find the profile of each record of a table with record, number and email: see sql/load/identity.sql.

    Args:
        connection: In the transaction of the load.
        file: Whose records they are.
        merchant: Whose people.
        table: The temporary table.
        made_by: The rules by which a new number, and a new e-mail alone, make a profile.
        said: Which record brought the e-mail, where one stands for several.
        moves: The condition under which a profile `old` takes a new e-mail from this file.
    """
    values = {"merchant": merchant.name, "file_id": file.file_id}
    people = sql.SQL("SELECT record, {said} AS said, number, email FROM {table}").format(
        said=said, table=sql.Identifier(table)
    )
    rules = dict(zip(("made_by_number", "made_by_email"), made_by, strict=True))
    connection.execute(statement("load/identity", people=people, moves=moves, **values, **rules))


def keep_identifiers(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> None:
    """Note which number and which record belongs to which profile, once the profiles exist."""
    connection.execute(statement("load/identifiers", merchant=merchant.name, file_id=file.file_id))


def count_without_email(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> int:
    """Return how many numbers this file brought first, without any e-mail (rule: customers 3)."""
    found = connection.execute(
        statement("load/no_email", merchant=merchant.name, file_id=file.file_id)
    ).fetchone()
    return int(found[0]) if found else 0


def _warnings(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> dict[str, int]:
    losers = connection.execute(
        "SELECT count(*) FROM email_refusals WHERE file_id = %s", [file.file_id]
    ).fetchone()
    warnings = {
        WarningCode.NO_EMAIL.value: count_without_email(connection, file, merchant),
        WarningCode.EMAIL_OWNED_BY_OTHER.value: losers[0] if losers else 0,
    }
    return {code: number for code, number in warnings.items() if number}


def _custom_fields(connection: psycopg.Connection) -> list[VersionedField]:
    return [VersionedField(key, custom=True) for (key,) in connection.execute(statement("load/custom_keys"))]


def _writes(merchant: Merchant, fields: Sequence[VersionedField]) -> sql.Composed:
    """Return the query that gives one write per profile."""
    columns = [field for field in fields if not field.custom]
    comma = sql.SQL(", ")
    last_values = (
        sql.SQL("{} AS {}").format(last_brought(field), sql.Identifier(field.name)) for field in columns
    )
    return statement(
        "load/profile_writes",
        merchant=merchant.name,
        columns=comma.join(sql.Identifier(field.name) for field in columns),
        last_values=comma.join(last_values),
        last_custom=json_object((field.name, last_brought(field)) for field in fields if field.custom),
        emptied=comma.join(emptied_last(field) for field in fields),
    )
