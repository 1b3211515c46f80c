"""Accounts of the ERP cache: one versioned row per account number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import WarningCode
from erp_feeds.interfaces.accounts import ERP_CACHE_CUSTOMERS
from erp_feeds.merchant import Merchant
from erp_feeds.store.copy import copy_frames
from erp_feeds.store.merge import Version, VersionedField, merge
from erp_feeds.store.sql import statement

if TYPE_CHECKING:
    import pandas as pd

FIELDS = tuple(
    VersionedField(field.name)
    for field in ERP_CACHE_CUSTOMERS.fields
    if field.name not in ERP_CACHE_CUSTOMERS.key
)


def load_accounts(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, frames: Mapping[str, pd.DataFrame]
) -> Counts:
    """Lay the frame `accounts` over the accounts of the merchant (rules: ERP cache 2, 5, 6, 7)."""
    copy_frames(connection, frames, ("accounts",))
    source = sql.SQL("SELECT {}::text AS merchant, * FROM incoming_accounts").format(merchant.name)
    version = Version(file.sequence, file.file_id)
    connection.execute(merge("accounts", source, ("merchant", "account_number"), FIELDS, version))
    unknown = statement("load/unknown_debtor", merchant=merchant.name, file_id=file.file_id)
    found = connection.execute(unknown).fetchone()
    warnings = {WarningCode.UNKNOWN_DEBTOR.value: found[0]} if found and found[0] else {}
    return Counts(loaded=len(frames["accounts"]), warnings=warnings)
