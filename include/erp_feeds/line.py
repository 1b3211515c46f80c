"""The bodies of the line's tasks: each reads what the step before staged, calls one step, stages the result.

Nothing here imports Airflow's authoring API, so a test or a shell can walk the line by hand.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg

from erp_feeds.batch import Batch, Counts, FeedFile
from erp_feeds.errors import FailError, FeedError, QuarantineCode, QuarantineError, RetryError
from erp_feeds.interfaces import INTERFACES, interface_of, interfaces_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.settings import settings
from erp_feeds.steps.deduplicate import deduplicate as deduplicated
from erp_feeds.steps.outcome import Outcome
from erp_feeds.steps.parse import parse as parsed_blocks
from erp_feeds.steps.parse import raw_records
from erp_feeds.steps.split import split as split_frames
from erp_feeds.store import connection as store
from erp_feeds.store import ledger
from erp_feeds.store import load as loading
from erp_feeds.transport import archive, inbox, staging, zips
from erp_feeds.transport.ftps import ChangedError, FileGoneError, FtpsHook

log = logging.getLogger(__name__)

Days = tuple[date, date]
"""First day, and the day after the last."""


def sense(merchant: Merchant, run: str, replay: Days | None = None) -> Batch:
    """Drain the inbox against the ledger; a replay adds the archive's files of its days.

    Every kind of run drains, because a wake-up may get lost and the queue of a backfill blocks other runs.
    """
    names = [interface.name for interface in interfaces_of(merchant)]
    with _store() as connection:
        unreachable: FeedError | None = None
        try:
            _see_new_files(merchant, connection)
        except (RetryError, FailError) as fault:
            unreachable = fault
        files = ledger.unfinished(connection, merchant.name, names, merchant.limits.files_per_run)
        if unreachable:
            files = [file for file in files if file.archived]  # what is archived needs no server
            if not files and not replay:
                raise unreachable
            log.warning("The inbox cannot be drained now, only archived files are taken: %s", unreachable)
        if replay:
            known = {file.file_id for file in files}
            archived = ledger.archived_between(connection, merchant.name, *replay, names)
            if deleted := ledger.deleted_between(connection, merchant.name, *replay, names):
                log.warning("Deleted by retention, cannot be replayed: %s", ", ".join(deleted))
            files += [file for file in archived if file.file_id not in known]
    log.info("%d files for this run", len(files))
    return Batch(merchant=merchant.name, run=run, files=tuple(files))


def _see_new_files(merchant: Merchant, connection: psycopg.Connection) -> None:
    interfaces = interfaces_of(merchant)
    with FtpsHook(merchant.ftps.connection) as hook:
        new = ledger.unknown(connection, merchant.name, inbox.look(hook, merchant, interfaces))
        if new:
            complete = inbox.settle(
                lambda: inbox.look(hook, merchant, interfaces), new, merchant.ftps.stable_for
            )
            log.info("%d new files in the inbox, %d of them complete", len(new), len(complete))
            ledger.see(connection, merchant.name, complete, interfaces)


def download(merchant: Merchant, batch: Batch) -> Batch:
    """Archive the original bytes of every new file before anything reads them."""
    kept: list[FeedFile] = []
    with _store() as connection, ExitStack() as stack:
        hook: FtpsHook | None = None
        for file in batch.files:
            if file.archived:
                kept.append(file)
                continue
            hook = hook or stack.enter_context(FtpsHook(merchant.ftps.connection))
            archived = _archive(merchant, batch.run, file, hook, connection)
            if archived:
                kept.append(archived)
    return batch.with_files(kept)


def _archive(
    merchant: Merchant, run: str, file: FeedFile, hook: FtpsHook, connection: psycopg.Connection
) -> FeedFile | None:
    """Fetch and archive one file; None where it has vanished or its bytes are known."""
    if not ledger.is_to_fetch(connection, file):  # a retry: by now its path may lead to other bytes
        return ledger.kept(connection, file)
    try:
        original = archive.keep(hook.fetch(file.path), merchant.name, file.interface, file.name)
    except ChangedError as fault:  # left in its state: the next look at the inbox settles it
        log.warning("%s waits for the next run: %s", file.name, fault)
        return None
    except FileGoneError:
        log.warning("%s has vanished from the inbox", file.name)
        ledger.vanish(connection, file, run)
        return None
    except FailError as fault:
        if fault.code not in {"refused", "unsafe_name"}:  # any other is of the server, not of this file
            raise
        _set_aside(merchant, run, file, QuarantineError(QuarantineCode.NOT_READABLE, str(fault)))
        return None
    archived = ledger.archive(connection, file, original.sha256, original.url, _day(merchant, file))
    log.info("%s: %d bytes archived%s", file.name, original.size, "" if archived else ", known already")
    return archived


def _day(merchant: Merchant, file: FeedFile) -> date:
    """Return the day under which a backfill finds the file: its index timestamp's, else its arrival's."""
    name = INTERFACES[file.interface].match(file.name)
    return (name and name.day()) or datetime.now(ZoneInfo(merchant.timezone)).date()


def unzip(merchant: Merchant, batch: Batch) -> Batch:
    """Unpack the archived originals into staged XML members."""
    folder = staging.run_folder(batch.merchant, batch.run)

    def unpack(file: FeedFile) -> FeedFile:
        interface = interface_of(merchant, file.interface)
        with archive.open_original(file.archived) as original:
            unpacked = zips.members(original, file.name, interface, merchant)
            members = tuple(
                staging.stage_member(folder, file.file_id, number, source)
                for number, source in enumerate(unpacked.sources())
            )
        return file.model_copy(update={"members": members, "counts": file.counts.plus(unpacked.counts)})

    return _each_file(merchant, batch, unpack)


def parse(merchant: Merchant, batch: Batch) -> Batch:
    """Stream the XML members into staged frames: records, lines and rejects."""
    folder = staging.run_folder(batch.merchant, batch.run)

    def read(file: FeedFile) -> FeedFile:
        interface = interface_of(merchant, file.interface)
        counts = Counts()
        with ExitStack() as stack, staging.FrameWriters(folder, file.file_id, "parse") as writers:
            sources = (stack.enter_context(staging.open_member(url)) for url in file.members)
            for block in parsed_blocks(sources, interface, merchant):
                writers.append(block.frames)
                counts = counts.plus(block.counts)
        return file.with_staged(writers.urls, counts)

    return _each_file(merchant, batch, read)


def deduplicate(merchant: Merchant, batch: Batch) -> Batch:
    """Let the last record of a key win within each file."""
    return _step(merchant, batch, "deduplicate", deduplicated)


def split(merchant: Merchant, batch: Batch) -> Batch:
    """Part what loads (profiles; orders and returns; accounts) from what is skipped."""
    return _step(merchant, batch, "split", split_frames)


Step = Callable[[dict[str, pd.DataFrame], Interface, Merchant], Outcome]


def _step(merchant: Merchant, batch: Batch, name: str, step: Step) -> Batch:
    """Run a pure step on the staged frames of every file."""
    folder = staging.run_folder(batch.merchant, batch.run)

    def work(file: FeedFile) -> FeedFile:
        frames = {frame: staging.read_frame(url) for frame, url in file.staged.items()}
        outcome = step(frames, interface_of(merchant, file.interface), merchant)
        staged = {
            frame: staging.write_frame(folder, file.file_id, name, frame, data)
            for frame, data in outcome.frames.items()
        }
        return file.model_copy(update={"staged": staged, "counts": file.counts.plus(outcome.counts)})

    return _each_file(merchant, batch, work)


def load(merchant: Merchant, batch: Batch) -> Batch:
    """Load file by file, each in one transaction, in the order that the rules ask for."""
    loaded: list[FeedFile] = []
    with _store() as connection:
        for file in sorted(batch.files, key=_load_order):
            frames = {name: staging.read_frame(url) for name, url in file.staged.items()}
            if "rejects" in frames:
                frames["rejects"] = _with_raw_records(merchant, file, frames["rejects"])
            try:
                counts = loading.load_file(connection, file, merchant, batch.run, frames)
            except QuarantineError as refusal:
                _set_aside(merchant, batch.run, file, refusal)
                continue
            log.info("%s: %s", file.name, counts.model_dump_json(exclude_defaults=True))
            loaded.append(file.model_copy(update={"counts": counts}))
    return batch.with_files(loaded)


def _load_order(file: FeedFile) -> tuple[int, Decimal]:
    """Customers before purchases, and each interface in index order (rules: purchases 10, ERP cache 6)."""
    return INTERFACES[file.interface].rank, Decimal(file.sequence)


def _with_raw_records(merchant: Merchant, file: FeedFile, rejects: pd.DataFrame) -> pd.DataFrame:
    """Add line and raw XML of refused records; a second pass that only files with rejects pay for."""
    if rejects.empty:
        return rejects
    with ExitStack() as stack:
        sources = (stack.enter_context(staging.open_member(url)) for url in file.members)
        found = raw_records(
            sources, interface_of(merchant, file.interface), set(rejects["record"].astype(int))
        )
    lines = rejects["record"].map({record: line for record, (line, _) in found.items()})
    raw = rejects["record"].map({record: text for record, (_, text) in found.items()})
    return rejects.assign(line=lines.astype("int64[pyarrow]"), raw=raw.astype("string[pyarrow]"))


def report(merchant: Merchant, batch: Batch) -> dict[str, int]:
    """Say what became of the run; fail it, after everything good has loaded, where something was refused.

    Raises:
        FailError: names each refused file or the number of refused records, with code and reason.
    """
    with _store() as connection:
        refused = ledger.refused(connection, merchant.name, batch.run)
    staging.sweep(batch.merchant, settings().staging_days)
    if refused:
        summary = "\n".join(f"- {line}" for line in refused)
        raise FailError(
            f"{merchant.name}: everything good has been loaded, and this was refused:\n{summary}\n"
            f"The originals are archived. To look closer: python -m erp_feeds rejects {merchant.name}",
            "refused",
        )
    totals = totals_of(batch)
    log.info("Loaded: %s", totals)
    return totals


def totals_of(batch: Batch) -> dict[str, int]:
    """Return records read, loaded, collapsed, skipped and rejected over the files of a batch."""
    counts = Counts()
    for file in batch.files:
        counts = counts.plus(file.counts)
    return {
        "files": len(batch.files),
        "read": counts.read,
        "loaded": counts.loaded,
        "collapsed": counts.collapsed,
        "skipped": sum(counts.skipped.values()),
        "rejected": sum(counts.rejected.values()),
    }


def _each_file(merchant: Merchant, batch: Batch, work: Callable[[FeedFile], FeedFile]) -> Batch:
    """Do the work of a step file by file; a refused file leaves the batch and the others go on.

    A file on which the software itself fails is set aside too, unless it fails on every file: then the
    fault is not the file's, and the run must fail and be retried.
    """
    kept: list[FeedFile] = []
    broken: list[tuple[FeedFile, Exception]] = []
    for file in batch.files:
        try:
            kept.append(work(file))
        except QuarantineError as refusal:
            _set_aside(merchant, batch.run, file, refusal)
        except (FeedError, OSError, MemoryError):
            raise
        except Exception as fault:  # one poisonous file must not block a merchant for ever
            broken.append((file, fault))
    if broken and not kept:
        raise broken[0][1]
    for file, cause in broken:
        _set_aside(merchant, batch.run, file, _internal_error(file, cause))
    return batch.with_files(kept)


def _internal_error(file: FeedFile, fault: Exception) -> QuarantineError:
    """Log where the software failed, without the fault's own words: they may quote the data."""
    trace = "".join(traceback.format_tb(fault.__traceback__))
    log.error("The software failed on %s: %s at\n%s", file.name, type(fault).__name__, trace)
    reason = f"the software failed on it ({type(fault).__name__}); the log of this task says where"
    return QuarantineError(QuarantineCode.INTERNAL_ERROR, reason)


def _set_aside(merchant: Merchant, run: str, file: FeedFile, refusal: QuarantineError) -> None:
    """Quarantine a file; one that may still be in transfer gets some more attempts first."""
    code = QuarantineCode(refusal.code)
    with _store() as connection:
        if code is QuarantineCode.NOT_ARCHIVED and ledger.was_deleted(connection, file):
            log.warning("%s has been deleted by retention meanwhile, and is not replayed", file.name)
            return
        if code is QuarantineCode.TRUNCATED:
            limit = merchant.limits.incomplete_attempts
            state = ledger.wait(connection, file, run, code, refusal.reason, limit)
        else:
            ledger.quarantine(connection, file, run, code, refusal.reason)
            state = "quarantined"
    log.error("%s is %s: %s: %s", file.name, state, code, refusal.reason)


@contextmanager
def _store() -> Iterator[psycopg.Connection]:
    with store.connect(settings().store_connection) as connection:
        yield connection
