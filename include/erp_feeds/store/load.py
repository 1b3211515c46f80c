"""Load: the final frames of one file into the store, in one transaction; running it again writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import psycopg

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.errors import WarningCode
from erp_feeds.merchant import Merchant
from erp_feeds.store import ledger
from erp_feeds.store.accounts import load_accounts
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.forgotten import leave_out
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
        FailError: the store refused the data, or the secret of the forgotten has changed.
    """
    with transaction(connection, f"loading {file.name}"):
        _tune(connection)
        lock_merchant(connection, merchant.name)
        frames, forgotten = leave_out(connection, file, merchant, frames)
        copy_frames(connection, frames, ("rejects",))
        counts = file.counts.plus(forgotten).plus(LOADERS[file.interface](connection, file, merchant, frames))
        counts = counts.plus(Counts(warnings=_odd_index(connection, file, merchant)))
        connection.execute(statement("load/rejects", file_id=file.file_id))
        ledger.finish(connection, file, run, counts)
    return counts


def _tune(connection: psycopg.Connection) -> None:
    """Compiling the long expressions of a load costs more than running them; its joins deserve memory."""
    connection.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")


def _odd_index(connection: psycopg.Connection, file: FeedFile, merchant: Merchant) -> dict[str, int]:
    """Say whether a newer file was loaded before, and how many are missing before this one (ERP cache 6)."""
    values = {"file_id": file.file_id, "sequence": file.sequence}
    late = connection.execute(statement("load/late_file"), values).fetchone()
    warnings = {WarningCode.LATE_FILE.value: int(bool(late and late[0]))}
    settings = merchant.interfaces.get(file.interface)
    if settings and settings.index == "sequence":
        gap = connection.execute(statement("load/index_gap", file_id=file.file_id)).fetchone()
        warnings[WarningCode.INDEX_GAP.value] = gap[0] if gap else 0
    return {code: number for code, number in warnings.items() if number}
