"""The bodies of the tasks: each reads what the task before staged, calls one step, and stages the result.

Nothing here imports Airflow's authoring API, so a test or a shell can call the tasks directly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence

import psycopg
from airflow.sdk import ObjectStoragePath

from erp_feeds import stages
from erp_feeds.batch import Batch, Counts, FeedFile, Replay, by_halves
from erp_feeds.codes import FileState, QuarantineCode
from erp_feeds.errors import FailError, NotAllLoadedError, QuarantineError, RetryError
from erp_feeds.feedback import deliver
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox import cleanup
from erp_feeds.inbox.fetch import fetch_files
from erp_feeds.inbox.work import SenseResult, find_archived, find_work
from erp_feeds.merchant import Merchant
from erp_feeds.redaction import full_disk, internal_error, redact_errors
from erp_feeds.settings import settings
from erp_feeds.storage import archive, staging
from erp_feeds.store import connection as store
from erp_feeds.store import ledger, rejects, retention
from erp_feeds.store import load as loading
from erp_feeds.store.merchant_settings import current, effective

log = logging.getLogger(__name__)


@redact_errors("sense")
def sense(
    merchant: Merchant,
    run: str,
    replay: Replay | None = None,
    active: Callable[[Collection[str]], Collection[str]] | None = None,
) -> SenseResult:
    """Compare the inbox with the ledger and return the new files; a replay adds its files.

    Files that another run has taken are left to it while it is still `active`.

    Raises:
        RetryError: The server cannot be reached for now, and nothing archived waits.
        FailError: Login or folder must be corrected first, or the server does not list every file that waits
            or that a replay names.
    """
    with store.connect() as connection, store.one_at_a_time(connection, "scan", merchant.name):
        return find_work(connection, effective(connection, merchant), run, replay, active)


@redact_errors("sense")
def sense_archive(merchant: Merchant, run: str, replay: Replay) -> Batch:
    """Return the archived files of a backfill; the FTPS server is not needed."""
    with store.connect() as connection:
        return find_archived(connection, effective(connection, merchant), run, replay)


@redact_errors("download")
def download(merchant: Merchant, batch: Batch) -> Batch:
    """Archive the original bytes of every new file before anything reads them."""
    done: list[FeedFile] = []
    with store.connect() as connection:
        for file, error in fetch_files(connection, merchant, batch):
            if error:
                _quarantine(merchant, batch.run, file, error)
            else:
                done.append(file)
    return batch.with_files(done)


@redact_errors("unzip")
def unzip(merchant: Merchant, batch: Batch) -> Batch:
    """Unpack the archived originals into staged XML members."""
    return _each_group(merchant, batch, "unzip")


@redact_errors("parse")
def parse(merchant: Merchant, batch: Batch) -> Batch:
    """Stream the XML members into staged frames: records, lines and rejects."""
    return _each_group(merchant, batch, "parse")


@redact_errors("deduplicate")
def deduplicate(merchant: Merchant, batch: Batch) -> Batch:
    """Let the last record of a key win within each file."""
    return _each_group(merchant, batch, "deduplicate")


@redact_errors("split")
def split(merchant: Merchant, batch: Batch) -> Batch:
    """Split the records into those that load (profiles; orders and returns; accounts) and those skipped."""
    return _each_group(merchant, batch, "split")


@redact_errors("load")
def load(merchant: Merchant, batch: Batch) -> Batch:
    """Load the files in the order that the rules require, small ones together in one transaction."""
    loaded: list[FeedFile] = []
    with store.connect() as connection:
        merchant = effective(connection, merchant, batch.revision)
        for group in stages.groups(batch.files):
            for done in loading.load_files(connection, group, merchant, batch.run, stages.Pieces):
                if done.file.counts.rejected:
                    _add_originals(connection, merchant, batch.run, done.file)
                if done.error:
                    _quarantine(merchant, batch.run, done.file, done.error)
                else:
                    loaded.append(done.file)
    return batch.with_files(loaded)


def _add_originals(connection: psycopg.Connection, merchant: Merchant, run: str, file: FeedFile) -> None:
    """Store the text of records that the load rejected: their file is read once more."""
    if numbers := rejects.without_original(connection, file):
        rejects.add_originals(connection, file, merchant, run, stages.originals(merchant, file, numbers))


@redact_errors("report")
def report(merchant: Merchant, batch: Batch) -> dict[str, int]:
    """Report the run, after all good files have loaded; fail it where something was rejected or quarantined.

    Raises:
        NotAllLoadedError: names each quarantined file or the number of rejected records, with code
            and reason.
    """
    with store.connect() as connection:
        if not batch.from_archive:
            _clear_loaded(merchant, batch, connection)
            with FtpsHook(merchant.ftps.connection) as hook:  # connects only where a result is pending
                deliver.deliver_results(hook, connection, merchant, batch.run)
            _purge(merchant)
        problems = ledger.problems(connection, merchant.name, batch.run)
    if problems:
        summary = "\n".join(f"- {line}" for line in problems)
        raise NotAllLoadedError(
            f"{merchant.name}: all good files and records are loaded; these were not:\n{summary}\n"
            "What was fetched is archived; a replay of any other file fetches it from the server again.\n"
            f"To see the rejects: python -m erp_feeds rejects {merchant.name}\n"
            f"After the fix: python -m erp_feeds replay {merchant.name} --file NAME, first with --dry-run"
            + _approval(merchant.name, problems),
            "not_all_loaded",
        )
    totals = totals_of(batch)
    log.info("Loaded: %s", totals)
    return totals


def _approval(merchant: str, problems: Collection[str]) -> str:
    """Return how to load the good records of files with too many rejects; nothing where there is none."""
    if not any(f", {QuarantineCode.TOO_MANY_REJECTS}: " in line for line in problems):
        return ""
    return f"\nToo many rejects: python -m erp_feeds approve {merchant} NAME --by YOU loads the good records"


def _clear_loaded(merchant: Merchant, batch: Batch, connection: psycopg.Connection) -> None:
    """Move or delete this run's files on the server; an error here does not undo their load."""
    if merchant.ftps.after_load == "leave":
        return
    remote_files = cleanup.remote_files_of(connection, batch.files)
    if remote_files:
        with FtpsHook(merchant.ftps.connection) as hook:
            cleanup.clear_all(hook, remote_files, merchant.ftps)


def _purge(merchant: Merchant) -> None:
    """Remove the staged files of earlier runs, and incomplete originals that killed tasks left."""
    staging.purge(merchant.name, settings().staging_days)
    if removed := archive.purge(merchant.name):
        log.info("Removed %d incomplete originals of killed tasks from the archive", removed)


def totals_of(batch: Batch) -> dict[str, int]:
    """Return records read, loaded, collapsed, skipped and rejected over the files of a batch."""
    counts = Counts.sum(file.counts for file in batch.files)
    return {
        "files": len(batch.files),
        "read": counts.read,
        "loaded": counts.loaded,
        "collapsed": counts.collapsed,
        "skipped": sum(counts.skipped.values()),
        "rejected": sum(counts.rejected.values()),
    }


def _each_group(merchant: Merchant, batch: Batch, stage: str) -> Batch:
    """Run one stage on the files of the batch; a quarantined file leaves the batch and the others go on.

    A file with an internal error is quarantined too, unless every file has one: then the
    error is not the file's, and the run must fail and be retried.
    """
    folder = staging.run_folder(batch.merchant, batch.run)
    merchant = current(merchant, batch.revision)
    done: list[FeedFile] = []
    broken: list[tuple[FeedFile, Exception]] = []

    def run(files: Sequence[FeedFile]) -> list[FeedFile]:
        return stages.STAGES[stage](merchant, files, folder)

    for group in stages.groups(batch.files):
        for files, outcome in by_halves(group, run, (RetryError, FailError, MemoryError)):
            if not isinstance(outcome, Exception):
                done += outcome
            elif isinstance(outcome, (QuarantineError, OSError)):
                _quarantine_staged(merchant, batch.run, files[0], folder, outcome)
            else:  # one file must not block a merchant for ever
                broken.append((files[0], outcome))
    if broken and not done:
        raise broken[0][1]
    for file, cause in broken:
        _quarantine(merchant, batch.run, file, internal_error(file.name, cause))
    return batch.with_files(done)


def _quarantine_staged(
    merchant: Merchant, run: str, file: FeedFile, folder: ObjectStoragePath, error: QuarantineError | OSError
) -> None:
    """Quarantine a file; where the disk is full, what is staged of it makes room for others."""
    cause = error if isinstance(error, QuarantineError) else full_disk(error)
    _quarantine(merchant, run, file, cause)
    if cause.code is QuarantineCode.NO_SPACE:
        staging.drop(folder, file.file_id)


def _quarantine(merchant: Merchant, run: str, file: FeedFile, error: QuarantineError) -> None:
    """Quarantine a file; one that may still be in transfer, or is locked, gets some more attempts first."""
    code = error.code
    state = FileState.QUARANTINED
    with store.connect() as connection:
        if error.is_recorded:
            pass
        elif code is QuarantineCode.NOT_ARCHIVED and retention.was_deleted(connection, merchant.name, file):
            log.warning(
                "%s was deleted by retention before the replay reached it, and is not replayed", file.name
            )
            return
        elif code is QuarantineCode.NO_SPACE:  # an error of the machine: no attempt is counted
            state = ledger.postpone(connection, file, run, error)
        elif code in {QuarantineCode.TRUNCATED, QuarantineCode.NOT_READABLE}:
            limit = merchant.limits.incomplete_attempts if file.path else 1  # an imported one stays as it is
            state = ledger.wait(connection, file, run, code, error.reason, limit)
        else:
            ledger.quarantine(connection, file, run, code, error.reason)
    log.error("%s is %s: %s: %s", file.name, state, code, error.reason)
