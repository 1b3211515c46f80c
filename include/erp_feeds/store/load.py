"""Load: the final frames of one file into the store, in one transaction; running it again writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import psycopg

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.errors import WarningCode
from erp_feeds.interfaces import INTERFACES, mapping_of
from erp_feeds.interfaces.mapping_tables import link_rows
from erp_feeds.merchant import Merchant
from erp_feeds.store import ledger
from erp_feeds.store.accounts import load_accounts
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.incoming import copy_frames
from erp_feeds.store.profiles import load_profiles
from erp_feeds.store.purchases import load_purchases
from erp_feeds.store.statements import statement

if TYPE_CHECKING:
    import pandas as pd

Loader = Callable[[psycopg.Connection, FeedFile, Merchant, Mapping[str, "pd.DataFrame"]], Counts]
"""Writes the frames of a file inside the open transaction; returns loaded, late rejects and warnings."""

LOADERS: Mapping[str, Loader] = {
    "srs_customers": load_profiles,
    "srs_purchases": load_purchases,
    "erp_cache_customers": load_accounts,
}


def load_file(
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    run: str,
    frames: Mapping[str, pd.DataFrame],
) -> Counts:
    """Write the records of one file, its rejects and its ledger row, all or nothing.

    Args:
        connection: Of the store; whatever transaction it has open is committed first.
        file: As `split` left it: counts of the earlier steps, sequence set.
        merchant: Whose rows are written; other loads of this merchant wait.
        run: Id of the run, for the ledger.
        frames: The final frames of the interface, and `rejects`; columns: sql/load/incoming_*.sql.

    Returns:
        The final counts of the file: read = loaded + collapsed + skipped + rejected.

    Raises:
        RetryError: the store was lost, or two transactions collided.
        FailError: the store refused the data.
    """
    with transaction(connection, f"loading {file.name}"):
        _tune(connection)
        lock_merchant(connection, merchant.name)
        copy_frames(connection, frames, ("rejects",))
        counts = file.counts.plus(LOADERS[file.interface](connection, file, merchant, frames))
        if _is_late(connection, file):
            counts = counts.plus(Counts(warnings={WarningCode.LATE_FILE.value: 1}))
        _keep_mapping(connection, file, merchant, frames)
        connection.execute(statement("load/rejects", file_id=file.file_id))
        ledger.finish(connection, file, run, counts)
    return counts


def _tune(connection: psycopg.Connection) -> None:
    """Compiling the long expressions of a load costs more than running them; its joins deserve memory."""
    connection.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")


def _keep_mapping(
    connection: psycopg.Connection, file: FeedFile, merchant: Merchant, frames: Mapping[str, pd.DataFrame]
) -> None:
    """Keep what the mapping says that filled the frames, unless it has changed since they were filled."""
    mapping = mapping_of(merchant, file.interface)
    filled_by = (frame["mapping_version"] for frame in frames.values() if "mapping_version" in frame)
    if any(mapping.version in versions.head(1).dropna().to_list() for versions in filled_by):
        links = [asdict(row) for row in link_rows(INTERFACES[file.interface], mapping)]
        facts = {"merchant": merchant.name, "interface": file.interface, "version": mapping.version}
        connection.execute(statement("load/mapping", **facts, links=json.dumps(links)))


def _is_late(connection: psycopg.Connection, file: FeedFile) -> bool:
    values = {"file_id": file.file_id, "sequence": file.sequence}
    found = connection.execute(statement("load/late_file"), values).fetchone()
    return bool(found and found[0])
