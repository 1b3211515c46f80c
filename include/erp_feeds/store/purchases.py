"""Purchases: orders and returns of a profile, with their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import psycopg

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import RejectCode, WarningCode
from erp_feeds.merchant import Merchant
from erp_feeds.records.collapse import counts_of_collapsed
from erp_feeds.records.kind import Rows
from erp_feeds.steps.purchases import ONLINE
from erp_feeds.steps.result import ByFile, tally
from erp_feeds.store.copy import Incoming, analyze
from erp_feeds.store.identity import count_without_email, resolve, save_identifiers
from erp_feeds.store.merge import Version
from erp_feeds.store.sql import statement


def copy_purchases(incoming: Incoming, rows: Rows, frames: Mapping[str, pd.DataFrame]) -> ByFile:
    """Copy the orders and returns of a piece, and their lines.

    Of each order number the last record loads, of those whose buyers were not left out.
    """
    orders = frames["orders"]
    superseded = (orders["channel"] == ONLINE) & orders.duplicated(["channel", "purchase_id"], keep="last")
    purchases = pd.concat([orders[~superseded], frames["returns"]], ignore_index=True)
    incoming.copy({**frames, rows.table: purchases}, (rows.table, "lines"))
    return tally(orders["file"], superseded, counts_of_collapsed)


def reject_conflicting(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant
) -> ByFile:
    """Reject copied purchases that conflict with stored ones (purchases 6 and 11)."""
    (file,) = files
    connection.execute(statement("load/known_baskets", merchant=merchant.name))
    owner = {"merchant": merchant.name, "file_id": file.file_id}
    rejected = {}
    for code in (RejectCode.ID_TAKEN.value, RejectCode.CLASS_CHANGED.value):
        found = connection.execute(statement(f"load/{code}", code=code, **owner)).fetchone()
        if found and found[0]:
            rejected[code] = found[0]
    return {file.file_id: Counts(rejected=rejected)}


def load_purchases(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, incoming: Incoming
) -> ByFile:
    """Store the purchases that were not rejected as orders and returns (rules: purchases 3, 4, 6, 12).

    One file at a time: who is who depends on the files before it.
    """
    (file,) = files
    connection.execute(statement("load/known_buyers", merchant=merchant.name))
    # Some of them were rejected since they were copied.
    rows = incoming.rows["purchases"]
    resolve(connection, file, merchant, "incoming_purchases", rows, ("purchases 3", "purchases 3"))
    owner = {"merchant": merchant.name, "file_id": file.file_id}
    connection.execute(statement("load/purchase_profiles", **owner))
    _fill_gaps(connection, owner)
    save_identifiers(connection, file, merchant)
    connection.execute(statement("load/replaced_purchases", **owner))
    version = Version(file.sequence, file.file_id).parts()
    connection.execute(statement("load/changed", merchant=merchant.name, **version))
    analyze(connection, "changed", rows)
    connection.execute(statement("load/purchases", merchant=merchant.name, **version))
    silent = count_without_email(connection, file, merchant)
    taken = connection.execute("SELECT count(*) FROM incoming_purchases").fetchone()
    warnings = {WarningCode.NO_EMAIL.value: silent} if silent else {}
    return {file.file_id: Counts(loaded=taken[0] if taken else 0, warnings=warnings)}


def _fill_gaps(connection: psycopg.Connection, owner: Mapping[str, Any]) -> None:
    """Fill number and e-mail of profiles that have none (rule: purchases 12)."""
    connection.execute(statement("load/profile_gaps", **owner))
    fill = statement("load/profile_email_gaps", file_id=owner["file_id"])
    while connection.execute(fill).rowcount:
        pass
