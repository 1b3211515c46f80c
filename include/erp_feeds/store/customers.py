"""People: one versioned row per profile, filled from the records of that person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import FeedFile
from erp_feeds.interfaces import mapping_of
from erp_feeds.interfaces.targets import PROFILE_FIELDS
from erp_feeds.merchant import Merchant
from erp_feeds.records.kind import Rows
from erp_feeds.steps.result import ByFile, merged
from erp_feeds.store.copy import Incoming
from erp_feeds.store.identity import count_failed_moves, count_without_email, resolve, save_identifiers
from erp_feeds.store.merge import OF_LOADING, Target, VersionedField, merge
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd

EMAIL = VersionedField("email", clearable=False)
FIELDS = tuple(VersionedField(name) for name in PROFILE_FIELDS)
OF_WRITE = ("mapping_version",)
RECORDS = statement(
    "load/profile_records", fields=sql.SQL(", ").join(sql.Identifier(field.name) for field in FIELDS)
).as_string()


def copy_profiles(incoming: Incoming, rows: Rows, frames: Mapping[str, pd.DataFrame]) -> ByFile:
    """Copy the people of a piece."""
    columns = (*(field.name for field in (EMAIL, *FIELDS)), "custom", *OF_WRITE)
    incoming.copy_for_table(frames, rows.table, columns)
    return {}


def load_profiles(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, incoming: Incoming
) -> ByFile:
    """Fill profiles from the copied records, and create new ones (rules: customers 1 to 12).

    No two of several files have a person in common.
    """
    made_by = ("customers 3", "customers 4")
    resolve(connection, merchant, "incoming_profiles", made_by, movable=EMAIL.not_newer(OF_LOADING))
    linked = [link.target for link in mapping_of(merchant, files[0].interface).custom()]
    custom = connection.execute(statement("load/custom_keys", linked=linked))
    fields = (EMAIL, *FIELDS, *(VersionedField(key, custom=True) for (key,) in custom))
    (several,) = connection.execute(statement("identity/several")).fetchone() or (True,)
    keys = "resolved" if several else ""
    target = Target("profiles", "profile_id", fields, RECORDS, keys, of_write=OF_WRITE)
    merge(connection, target, merchant.name, incoming.rows["profiles"])
    save_identifiers(connection, merchant)
    warnings = count_without_email(connection, merchant), count_failed_moves(connection)
    return merged(incoming.loaded, *warnings)
