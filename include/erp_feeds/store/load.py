"""Load: the final frames of one file into the store, in one transaction; running it again writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import psycopg

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES, mapping_of
from erp_feeds.merchant import Merchant
from erp_feeds.publish.mapping_page import link_rows
from erp_feeds.store import ledger
from erp_feeds.store.accounts import load_accounts
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.copy import copy_frames, copy_rows
from erp_feeds.store.customers import load_profiles
from erp_feeds.store.merge import Version
from erp_feeds.store.purchases import load_purchases, refuse_changed_class
from erp_feeds.store.sql import statement
from erp_feeds.store.suppression import empty_payloads, leave_out

if TYPE_CHECKING:
    import pandas as pd

Part = Callable[[psycopg.Connection, FeedFile, Merchant, Mapping[str, "pd.DataFrame"]], Counts]
"""Does its part of a load inside the open transaction; returns what it adds to the counts."""

Originals = Callable[[Collection[int]], Iterable[tuple[int, int, str]]]
"""Record numbers -> (record, line on which it starts, the record as delivered)."""


@dataclass(frozen=True)
class Loader:
    """How the files of one interface load."""

    write: Part
    """Writes the records; counts those loaded, and warnings."""
    taken: str
    """SQL file that names the keys of the records that load."""
    newer: str
    """SQL file that names the refused records that newer files have brought."""
    refuse: Part | None = None
    """Refuses, before anything is written, what only the store can tell; counts the rejects."""


LOADERS: Mapping[str, Loader] = {
    "srs_customers": Loader(load_profiles, "load/taken_profiles", "load/newer_profiles"),
    "srs_purchases": Loader(
        load_purchases, "load/taken_purchases", "load/newer_purchases", refuse_changed_class
    ),
    "erp_cache_customers": Loader(load_accounts, "load/taken_accounts", "load/newer_accounts"),
}


@dataclass(frozen=True)
class Loaded:
    """What became of a file."""

    counts: Counts
    refusal: QuarantineError | None = None
    """Why nothing of it was written."""


def load_order(file: FeedFile) -> tuple[int, Decimal]:
    """Customers before purchases, and each interface in index order (rules: purchases 10, ERP cache 6)."""
    return INTERFACES[file.interface].rank, Decimal(file.sequence)


def load_file(  # noqa: PLR0917 - what, whose, in which run, with which data: as everywhere
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    run: str,
    frames: Mapping[str, pd.DataFrame],
    originals: Originals | None = None,
) -> Counts:
    """Write the records of one file, its rejects and its ledger row, all or nothing.

    Args:
        connection: Of the store; whatever transaction it has open is committed first.
        file: As `split` left it: counts of the earlier steps, sequence set.
        merchant: Whose rows are written; other loads of this merchant wait.
        run: Id of the run, for the ledger.
        frames: The final frames of the interface, and `rejects`; columns: sql/load/incoming_*.sql.
        originals: Finds the text of refused records; without it they are kept without their text.

    Returns:
        The final counts of the file: read = loaded + collapsed + skipped + rejected.

    Raises:
        QuarantineError: too_many_rejects, which the ledger then knows already; or a value fits nowhere.
        RetryError: the store was lost, or two transactions collided.
        FailError: the store refused the data, or the secret of the forgotten has changed.
    """
    with transaction(connection, f"loading {file.name}"):
        loaded = load_within(connection, file, merchant, run, frames, originals)
    if loaded.refusal:
        raise loaded.refusal
    return loaded.counts


def load_within(  # noqa: PLR0917 - as load_file
    connection: psycopg.Connection,
    file: FeedFile,
    merchant: Merchant,
    run: str,
    frames: Mapping[str, pd.DataFrame],
    originals: Originals | None = None,
) -> Loaded:
    """Do what `load_file` does inside a transaction that the caller ends."""
    loader = LOADERS[file.interface]
    _tune(connection)
    copy_frames(connection, frames, ("rejects",))
    connection.execute(statement("load/incoming_records"))
    _look_up(connection, originals)  # reads the file a second time: before the lock, where that is known
    lock_merchant(connection, merchant.name)
    frames, left_out = leave_out(connection, file, merchant, frames)
    counts = file.counts.plus(left_out)
    if loader.refuse:
        refused = loader.refuse(connection, file, merchant, frames)
        counts = counts.plus(refused)
        if refused.rejected:
            _look_up(connection, originals)
    refusal = _too_many(counts, merchant.interfaces[file.interface].max_reject_percent)
    empty_payloads(connection, merchant, file)
    connection.execute(statement("load/rejects", file_id=file.file_id, run=run))
    if refusal:  # nothing of the file has been written yet, and its rejects say why
        ledger.refuse(connection, file, run, refusal, counts)
        return Loaded(counts, refusal)
    counts = counts.plus(loader.write(connection, file, merchant, frames))
    counts = counts.plus(Counts(warnings=_odd_index(connection, file, merchant)))
    _close_rejects(connection, loader, file, merchant, run)
    _keep_mapping(connection, file, merchant, frames)
    ledger.finish(connection, file, run, counts)
    return Loaded(counts)


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


def _look_up(connection: psycopg.Connection, originals: Originals | None) -> None:
    """Bring line and text of the refused records that have none yet, as a stream."""
    found = connection.execute(statement("load/unread_rejects")) if originals else ()
    numbers = [number for (number,) in found]
    if originals and numbers:
        copy_rows(connection, "incoming_records", originals(numbers))


def _close_rejects(
    connection: psycopg.Connection, loader: Loader, file: FeedFile, merchant: Merchant, run: str
) -> None:
    """Close what this load mends, and of its own rejects those that newer files mended before it came."""
    version = Version(file.sequence, file.file_id).parts()
    values = {"merchant": merchant.name, "run": run, **version}
    connection.execute(statement("load/close_rejects", taken=statement(loader.taken), **values))
    newer = statement(loader.newer, merchant=merchant.name, **version)
    connection.execute(statement("load/close_late_rejects", newer=newer, run=run, **version))


def _too_many(counts: Counts, percent: float) -> QuarantineError | None:
    """Return the refusal of a file of which more than some percent of the records are refused."""
    rejected = sum(counts.rejected.values())
    if 100 * rejected <= percent * max(counts.read, rejected):
        return None
    codes = ", ".join(f"{number} {code}" for code, number in sorted(counts.rejected.items()))
    reason = (
        f"{rejected} of {counts.read} records are refused ({codes}), more than the {percent:g} % that "
        "max_reject_percent allows"
    )
    return QuarantineError(QuarantineCode.TOO_MANY_REJECTS, reason, is_recorded=True)


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
