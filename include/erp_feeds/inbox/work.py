"""Finds the files of a run: it compares the inbox with the ledger, and adds the files of a replay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import psycopg

from erp_feeds.batch import Batch, FeedFile, Replay
from erp_feeds.errors import FailError, FeedError, RetryError, counted
from erp_feeds.feedback import deliver
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox import cleanup, scan
from erp_feeds.inbox.scan import InboxScan
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.store import inbox_scans, ledger, waiting_files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SenseResult:
    """The batch of a run, and how many uploads it could wait for."""

    batch: Batch
    uploading: int = 0
    """How many new files may still be being uploaded."""


def find_work(
    connection: psycopg.Connection,
    merchant: Merchant,
    run: str,
    replay: Replay | None,
    active: Callable[[Collection[str]], Collection[str]] | None,
) -> SenseResult:
    """Compare the inbox with the ledger and return the new files; a replay adds its files.

    Every run but a backfill's does so, because an event may get lost.

    Args:
        connection: Of the store.
        merchant: Whose inbox is scanned.
        run: The DAG run's id.
        replay: Which archived files it takes besides.
        active: Returns those of some runs that have not ended; files that they have taken are left to them.

    Raises:
        RetryError: The server cannot be reached for now, and nothing archived waits.
        FailError: Login or folder must be corrected first, or the server does not list every file that waits
            or that a replay names.
    """
    names = [interface.name for interface in interfaces_of(merchant)]
    unreachable: FeedError | None = None
    scanned: InboxScan | None = None
    try:
        scanned = _register_new_files(merchant, connection, run)
    except (RetryError, FailError) as error:
        unreachable = error
        inbox_scans.failed(connection, [merchant.name], str(error))
    others = active(waiting_files.taken_by(connection, merchant.name, run)) if active else ()
    files = waiting_files.unfinished(connection, merchant, others)
    if unreachable:
        files = [file for file in files if file.archived]  # what is archived needs no server
        if not files and not replay:
            raise unreachable
        log.warning("The inbox cannot be scanned now; this run takes archived files only: %s", unreachable)
    waiting_files.take(connection, files, run)
    if replay:
        known = {file.file_id for file in files}
        replayed = _replayed(connection, merchant, names, replay, unreachable or scanned)
        files += [file for file in replayed if file.file_id not in known]
    _log_files(files)
    if scanned and not (files or scanned.uploading):
        if scanned.failed:
            raise scanned.failed[0]
        if scanned.truncated:
            raise _truncated(scanned)
    batch = Batch(merchant=merchant.name, run=run, files=tuple(files), revision=merchant.revision)
    return SenseResult(batch, scanned.uploading if scanned else 0)


def find_archived(connection: psycopg.Connection, merchant: Merchant, run: str, replay: Replay) -> Batch:
    """Return the archived files of a backfill; the server is not used."""
    names = [interface.name for interface in interfaces_of(merchant)]
    files = ledger.archived(connection, merchant.name, names, replay, or_other_days=True)
    _warn_of_deleted(connection, merchant, names, replay)
    _log_files(files)
    return Batch(
        merchant=merchant.name,
        run=run,
        files=tuple(files),
        revision=merchant.revision,
        from_archive=True,
    )


def _log_files(files: Sequence[FeedFile]) -> None:
    log.info("This run takes %s", counted(len(files), "file"))
    for file in files:
        log.info("%s: %s bytes, %s", file.name, f"{file.size:,}", "archived" if file.archived else "new")


def _warn_of_deleted(
    connection: psycopg.Connection, merchant: Merchant, names: list[str], replay: Replay
) -> None:
    if deleted := ledger.deleted(connection, merchant.name, names, replay):
        log.warning("Deleted by retention, cannot be replayed: %s", ", ".join(deleted))


def _replayed(
    connection: psycopg.Connection,
    merchant: Merchant,
    names: list[str],
    replay: Replay,
    scanned: InboxScan | FeedError | None,
) -> list[FeedFile]:
    """Return the files of a replay; one that was never fetched must be on the server."""
    found = ledger.archived(connection, merchant.name, names, replay, or_unfetched=True)
    _warn_of_deleted(connection, merchant, names, replay)
    unfetched = [file for file in found if not file.archived]
    if unfetched and isinstance(scanned, FeedError):
        raise scanned
    listed = {each.path for each in scanned.known} if isinstance(scanned, InboxScan) else set()
    gone = [file.name for file in unfetched if file.path not in listed]
    if gone and isinstance(scanned, InboxScan) and scanned.failed:
        raise scanned.failed[0]
    if gone:
        message = (
            f"{merchant.name}: the server never delivered {', '.join(gone)} and does not list it any more: "
            "ask the sender to upload it again"
        )
        raise FailError(message, "not_listed")
    return found


def _register_new_files(merchant: Merchant, connection: psycopg.Connection, run: str) -> InboxScan:
    with FtpsHook(merchant.ftps.connection) as hook:
        scanned = scan.scan(hook, connection, merchant)
        scan.note_result(connection, merchant.name, scanned)
        if merchant.ftps.after_load != "leave":
            done = cleanup.loaded(connection, merchant.name, scanned.known)
            cleanup.clear_all(hook, done[: merchant.limits.files_per_run], merchant.ftps)
        deliver.deliver_results(hook, connection, merchant, run)  # a run without files never reaches `report`
    if scanned.registered or scanned.uploading:
        complete, uploading = len(scanned.registered), scanned.uploading
        log.info("%d new files are complete, %d are still being uploaded", complete, uploading)
    if scanned.truncated:
        log.warning("%s", _truncated(scanned))
    for error in scanned.failed:
        log.warning("A folder cannot be listed now; this run takes the files of the others: %s", error)
    for sentence in scanned.never_taken():
        log.warning("%s", sentence)
    return scanned


def _truncated(scanned: InboxScan) -> FailError:
    message = (
        f"The server lists only a part of {', '.join(scanned.truncated)}: the others are never found. "
        "Raise its limit (Pure-FTPd: option -L), or let ftps.after_load move or delete what is loaded"
    )
    return FailError(message, "truncated_listing")
