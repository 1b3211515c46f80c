"""Purchases: orders and returns of a profile, with their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import psycopg

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import RejectCode
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.records.collapse import counts_of_collapsed
from erp_feeds.records.kind import Rows
from erp_feeds.steps.purchases import ONLINE
from erp_feeds.steps.result import ByFile, merged, tally
from erp_feeds.store.copy import Incoming, analyze
from erp_feeds.store.identity import count_without_email, resolve, save_identifiers
from erp_feeds.store.sql import statement


def copy_purchases(incoming: Incoming, rows: Rows, frames: Mapping[str, pd.DataFrame]) -> ByFile:
    """Copy the orders and returns of a piece, and their lines.

    Of each order number the last record loads that was not left out because of its buyer.
    """
    orders = frames["orders"]
    superseded = (orders["channel"] == ONLINE) & orders.duplicated(["channel", "purchase_id"], keep="last")
    purchases = pd.concat([orders[~superseded], frames["returns"]], ignore_index=True)
    incoming.copy({**frames, rows.table: purchases}, (rows.table, "lines"))
    return tally(orders["file"], superseded, counts_of_collapsed)


def reject_conflicting(connection: psycopg.Connection, _: Sequence[FeedFile], merchant: Merchant) -> ByFile:
    """Reject copied purchases that conflict with stored ones (purchases 6 and 11)."""
    owner = {"merchant": merchant.name}
    connection.execute(statement("load/known_baskets", **owner))
    analyze(connection, "stored", connection.execute(statement("load/stored", **owner)).rowcount)
    rejected: ByFile = {}
    for code in (RejectCode.ID_TAKEN.value, RejectCode.CLASS_CHANGED.value):
        found = connection.execute(statement(f"load/{code}", code=code))
        rejected = merged(rejected, {file: Counts(rejected={code: number}) for file, number in found})
    return rejected


def load_purchases(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, _: Incoming
) -> ByFile:
    """Store the purchases that were not rejected as orders and returns (rules: purchases 3, 4, 6, 12).

    No two of several files have a purchase in common, or a person whose profile they make or fill.
    """
    owner, rows = {"merchant": merchant.name}, KINDS[files[0].interface].rows
    for known in ("known_buyers", "known_addresses"):
        connection.execute(statement(f"load/{known}"))
    resolve(connection, merchant, "incoming_purchases", ("purchases 3", "purchases 3"))
    connection.execute(statement("load/purchase_profiles", **owner))
    connection.execute(statement("load/purchase_mapping"))
    _fill_gaps(connection, owner)
    save_identifiers(connection, merchant)
    connection.execute(statement("load/replaced_purchases", **owner))
    analyze(connection, "compared", connection.execute(statement("load/compared")).rowcount)
    if connection.execute(statement("load/unchanged_purchases")).rowcount:
        connection.execute(statement("confirmations/confirm", table_name=rows.table, **owner))
    for step in ("new_purchases", "changed_purchases", "moved_purchases", "replaced_lines", "lines"):
        connection.execute(statement(f"load/{step}", **owner))
    taken = connection.execute("SELECT file, count(*) FROM incoming_purchases GROUP BY file")
    loaded = {file: Counts(loaded=number) for file, number in taken}
    return merged(loaded, count_without_email(connection, merchant))


def _fill_gaps(connection: psycopg.Connection, owner: Mapping[str, Any]) -> None:
    """Fill number and e-mail of profiles that have none (rule: purchases 12)."""
    connection.execute(statement("load/profile_number_gaps"))
    if connection.execute(statement("load/profile_gaps", **owner)).rowcount:
        while connection.execute(statement("load/profile_email_gaps")).rowcount:
            pass
