"""The ledger: every file that a scan found, what became of it, in which run, with which counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import psycopg

from erp_feeds.batch import Counts, FeedFile, Replay
from erp_feeds.codes import FileState, QuarantineCode, WarningCode
from erp_feeds.errors import FailError, QuarantineError, counted
from erp_feeds.store.connection import lock_originals, plain_errors, transaction
from erp_feeds.store.sql import statement

MAY_BE_ARCHIVED = frozenset({FileState.ARCHIVED, FileState.LOADED, FileState.QUARANTINED})


def mark_missing(connection: psycopg.Connection, file: FeedFile, run: str) -> None:
    """Mark a file that is gone before it was archived as missing (rule: files 2).

    A truncated file that is gone before it was complete is quarantined instead, and the run reports it.
    """
    with transaction(connection, f"noting that {file.name} is missing"):
        found = connection.execute(statement("ledger/mark_missing"), {"file_id": file.file_id}).fetchone()
        if found and found[0] == FileState.QUARANTINED:
            _note_run(connection, file, run, FileState.QUARANTINED, file.counts)


@plain_errors("reading archived files")
def archived(
    connection: psycopg.Connection,
    merchant: str,
    interfaces: Collection[str],
    replay: Replay,
    *,
    or_unfetched: bool = False,
    or_other_days: bool = False,
) -> list[FeedFile]:
    """Return the archived originals of a replay, ordered by interface and sequence.

    With `or_unfetched` quarantined files that could never be fetched follow, with their path on the server.
    With `or_other_days` it may name files of days that it does not choose: they are left out.

    Raises:
        FailError: a file that it names was never archived, or retention has deleted it.
    """
    found = _chosen(connection, merchant, interfaces, replay)
    if or_unfetched:
        found += _chosen(connection, merchant, interfaces, replay, fetched=False)
    known = found
    if or_other_days and (replay.files or replay.file_ids):
        replay = Replay(files=replay.files, file_ids=replay.file_ids)
        known = _chosen(connection, merchant, interfaces, replay)
    named = {str(file.file_id) for file in known} | {file.name for file in known}
    unknown = [name for name in (*map(str, replay.file_ids), *replay.files) if name not in named]
    if unknown and (gone := _chosen(connection, merchant, interfaces, replay, deleted=True)):
        names = ", ".join(file.name for file in gone)
        raise FailError(f"{merchant}: retention has deleted the originals of {names}", "deleted")
    if unknown:
        raise FailError(f"{merchant} has no archived original of {', '.join(unknown)}", "not_archived")
    return found


@plain_errors("reading deleted files")
def deleted(
    connection: psycopg.Connection, merchant: str, interfaces: Collection[str], replay: Replay
) -> list[str]:
    """Return the names of files of a replay whose originals retention has deleted."""
    return [file.name for file in _chosen(connection, merchant, interfaces, replay, deleted=True)]


def _chosen(
    connection: psycopg.Connection,
    merchant: str,
    interfaces: Collection[str],
    replay: Replay,
    *,
    fetched: bool = True,
    deleted: bool = False,
) -> list[FeedFile]:
    values = {
        "merchant": merchant,
        "interfaces": list(interfaces),
        "file_ids": list(replay.file_ids) or None,
        "files": list(replay.files) or None,
        **replay.model_dump(include={"rejects", "since", "until"}),
        "fetched": fetched,
        "deleted": deleted,
    }
    return [feed_file(row) for row in connection.execute(statement("ledger/archived"), values)]


@plain_errors("reading a file")
def is_to_fetch(connection: psycopg.Connection, file: FeedFile) -> bool:
    """Return whether the file is still to be fetched; False after an earlier attempt has fetched it."""
    _, state, sha256 = _row(connection, file)
    if state == FileState.QUARANTINED:
        return sha256 is None
    return state in {FileState.REGISTERED, FileState.WAITING}


@plain_errors("reading a file")
def archived_file(connection: psycopg.Connection, file: FeedFile) -> FeedFile | None:
    """Return a file as it was archived before; None where it is missing or was a duplicate."""
    if _row(connection, file)[1] not in MAY_BE_ARCHIVED:
        return None
    found = feed_file(connection.execute(statement("ledger/one"), {"file_id": file.file_id}).fetchone())
    return found if found.archived else None


def archive(
    connection: psycopg.Connection, file: FeedFile, sha256: str, url: str, day: date
) -> FeedFile | None:
    """Note the archived original of a file; None where the same bytes came under the same name before.

    The file gets its revision, hence its sequence; a second call with the same bytes changes nothing.
    """
    values = {"file_id": file.file_id, "sha256": sha256, "url": url, "day": day}
    with transaction(connection, f"archiving {file.name}"):
        lock_originals(connection, _row(connection, file)[0])
        _, state, known = _row(connection, file)
        if known == sha256 and state == FileState.DUPLICATE:
            return None
        if known == sha256 and state in MAY_BE_ARCHIVED:
            return feed_file(connection.execute(statement("ledger/one"), values).fetchone())
        duplicate = connection.execute(statement("ledger/is_duplicate"), values).fetchone()
        if duplicate and duplicate[0]:
            connection.execute(statement("ledger/duplicate"), values)
            return None
        return feed_file(connection.execute(statement("ledger/archive"), values).fetchone())


def import_original(connection: psycopg.Connection, merchant: str, original: Mapping[str, Any]) -> bool:
    """Register an archived original that was never on the server; False where it is known already.

    Args:
        connection: Of the store.
        merchant: Whose file it is.
        original: interface, name, index_number, size (bytes), sha256, url, day.
    """
    with transaction(connection, f"importing {original['name']}"):
        lock_originals(connection, merchant)
        values = {"merchant": merchant, **original}
        return connection.execute(statement("ledger/import"), values).rowcount > 0


def wait(  # noqa: PLR0917 - what happened to which file in which run reads in this order everywhere
    connection: psycopg.Connection, file: FeedFile, run: str, code: QuarantineCode, reason: str, limit: int
) -> FileState:
    """Count a fetch that found the file incomplete; at `limit` it is quarantined. Return the state."""
    values = {"file_id": file.file_id, "run": run, "code": str(code), "reason": reason, "limit": limit}
    with transaction(connection, f"noting that {file.name} is incomplete"):
        counted = connection.execute(statement("ledger/wait"), values).fetchone()
        state = FileState(counted[0]) if counted else _row(connection, file)[1]
        error = QuarantineError(code, reason) if state == FileState.QUARANTINED else None
        _note_run(connection, file, run, state, file.counts, error)
    return state


def note_attempt(connection: psycopg.Connection, file: FeedFile) -> None:
    """Note that a run could not take a file, which changes no state: later runs take it behind all others."""
    with transaction(connection, f"noting that {file.name} could not be taken"):
        connection.execute(statement("ledger/note_attempt"), {"file_id": file.file_id})


def postpone(connection: psycopg.Connection, file: FeedFile, run: str, error: QuarantineError) -> FileState:
    """Note that a run could not take a file, which stays as it is for later runs. Return its state."""
    with transaction(connection, f"noting that {file.name} waits"):
        state = _row(connection, file)[1]
        connection.execute(statement("ledger/note_attempt"), {"file_id": file.file_id})
        _note_run(connection, file, run, FileState.WAITING, file.counts, error)
    return state


def quarantine(
    connection: psycopg.Connection, file: FeedFile, run: str, code: QuarantineCode, reason: str
) -> None:
    """Quarantine a whole file, with a stable code and a reason for people."""
    with transaction(connection, f"quarantining {file.name}"):
        mark_quarantined(connection, file, run, QuarantineError(code, reason))


def mark_quarantined(
    connection: psycopg.Connection,
    file: FeedFile,
    run: str,
    error: QuarantineError,
    counts: Counts | None = None,
) -> None:
    """Quarantine a file inside the open transaction; with its counts where all of it has been read."""
    values = {"file_id": file.file_id, "run": run, "code": str(error.code), "reason": error.reason}
    counted = counts.model_dump_json() if counts else None
    connection.execute(statement("ledger/quarantine"), {**values, "counts": counted})
    _note_run(connection, file, run, FileState.QUARANTINED, counts or file.counts, error)


def finish(
    connection: psycopg.Connection,
    counts: Mapping[int, Counts],
    run: str,
    moments: Sequence[datetime | None],
) -> dict[int, tuple[date | None, float | None]]:
    """Mark files as loaded, in the transaction of their load; a replay that ends the same writes nothing.

    Args:
        connection: In that transaction.
        counts: Of each file, by its id.
        run: Id of the run.
        moments: When each counts as loaded; None is now.

    Returns:
        Day of each file, and seconds from its first scan; None where it was imported or loaded before.
    """
    dumped = [each.model_dump_json() for each in counts.values()]
    values = {"file_ids": list(counts), "counts": dumped, "moments": list(moments), "run": run}
    connection.execute(statement("ledger/finish"), values)
    _note_runs(connection, counts, run, FileState.LOADED)
    return {
        file: (day, seconds)
        for file, day, seconds in connection.execute(statement("ledger/finished"), values)
    }


@plain_errors("reading what a run could not load")
def problems(connection: psycopg.Connection, merchant: str, run: str) -> list[str]:
    """Return one sentence per file that this run quarantined, or loaded without all of its records."""
    found = connection.execute(statement("ledger/problems"), {"merchant": merchant, "run": run})
    return [_sentence(*row) for row in found]


def _sentence(  # noqa: PLR0917 - the columns of the statement
    name: str, state: str, code: str, reason: str, rejected: dict[str, int], dismissed: int
) -> str:
    if state != FileState.LOADED:
        return f"{name}: {state}, {code}: {reason}"
    codes = ", ".join(f"{number} {code}" for code, number in rejected.items())
    known = f", {dismissed} dismissed" if dismissed else ""
    return f"{name}: {counted(sum(rejected.values()), 'record')} rejected ({codes}){known}"


def _note_run(  # noqa: PLR0917 - what happened to which file in which run reads in this order everywhere
    connection: psycopg.Connection,
    file: FeedFile,
    run: str,
    state: FileState,
    counts: Counts,
    error: QuarantineError | None = None,
) -> None:
    _note_runs(connection, {file.file_id: counts}, run, state, error)


def _note_runs(
    connection: psycopg.Connection,
    counts: Mapping[int, Counts],
    run: str,
    state: FileState,
    error: QuarantineError | None = None,
) -> None:
    dumped = [each.model_dump_json() for each in counts.values()]
    values = {"file_ids": list(counts), "run": run, "state": state, "counts": dumped}
    why = {"code": str(error.code) if error else None, "reason": error.reason if error else None}
    connection.execute(statement("ledger/note_runs"), {**values, **why})


def _row(connection: psycopg.Connection, file: FeedFile) -> tuple[str, FileState, str | None]:
    query = "SELECT merchant, state, sha256 FROM files WHERE file_id = %s"
    merchant, state, sha256 = _known(connection.execute(query, [file.file_id]).fetchone())
    return merchant, FileState(state), sha256


def feed_file(row: tuple[Any, ...] | None) -> FeedFile:
    """Return the file of a row: id, interface, name, size, path, index, sequence, original, revision."""
    file_id, interface, name, size, path, index_number, sequence, archived, revision = _known(row)
    again = {WarningCode.NEW_REVISION.value: 1} if archived and revision > 1 else {}
    return FeedFile(
        file_id=file_id,
        interface=interface,
        name=name,
        size=size,
        path=path,
        index_number=index_number,
        sequence=sequence if archived else "",
        archived=archived or "",
        counts=Counts(warnings=again),
    )


def _known(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise FailError("the ledger does not know this file")
    return row
