"""The ledger: every file ever found, what became of it, in which run, with which counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

import psycopg

from erp_feeds.batch import Counts, FeedFile, RemoteFile, Replay
from erp_feeds.codes import QuarantineCode, WarningCode
from erp_feeds.errors import FailError, QuarantineError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.store.connection import lock_merchant, plain_errors, transaction
from erp_feeds.store.looks import columns
from erp_feeds.store.sql import statement

RETRY_SECONDS = 20
"""Seconds between two fetches of a file that was incomplete: its upload may still go on."""


def see(
    connection: psycopg.Connection,
    merchant: str,
    remote_files: Sequence[RemoteFile],
    interfaces: Collection[Interface],
) -> None:
    """Record complete files in state `seen`; known ones stay, a vanished one that is back starts anew."""
    declared = {interface.name: interface for interface in interfaces}
    numbers = [_index_number(declared[remote_file.interface], remote_file) for remote_file in remote_files]
    rows = {
        "merchant": merchant,
        **columns(remote_files),
        "path": [remote_file.path for remote_file in remote_files],
        "index_number": numbers,
    }
    with transaction(connection, "recording new files"):
        connection.execute(statement("ledger/see"), rows)


def mark_missing(connection: psycopg.Connection, file: FeedFile, run: str) -> None:
    """Mark a file that disappeared before it was archived as vanished (rule: files 2).

    A truncated one that goes away incomplete is no such case: it is quarantined, and the run says so.
    """
    with transaction(connection, f"noting that {file.name} has vanished"):
        found = connection.execute(statement("ledger/vanish"), {"file_id": file.file_id}).fetchone()
        if found and found[0] == "quarantined":
            _note_run(connection, file, run, "quarantined", file.counts)


@plain_errors("looking for unfinished files")
def unfinished(
    connection: psycopg.Connection, merchant: str, interfaces: Collection[str], limit: int, idle: float = 0
) -> list[FeedFile]:
    """Return at most `limit` files that a run must still take, ordered by interface and index number.

    With `idle`, those that a run has taken count only after so many seconds: it may still be working on them.

    Seen ones and those due for another fetch carry the server's path, archived ones their original's URL.
    """
    values = {"merchant": merchant, "interfaces": list(interfaces), "patience": RETRY_SECONDS}
    values |= {"limit": limit, "idle": idle}
    return [_feed_file(row) for row in connection.execute(statement("ledger/unfinished"), values)]


@plain_errors("looking up archived files")
def archived(
    connection: psycopg.Connection, merchant: str, interfaces: Collection[str], replay: Replay
) -> list[FeedFile]:
    """Return the archived originals that a replay asks for, ordered by interface and sequence.

    Raises:
        FailError: a file that it names was never archived, or retention has deleted it.
    """
    found = _chosen(connection, merchant, interfaces, replay)
    named = {str(file.file_id) for file in found} | {file.name for file in found}
    unknown = [name for name in (*map(str, replay.file_ids), *replay.files) if name not in named]
    if unknown and (gone := _chosen(connection, merchant, interfaces, replay, deleted=True)):
        names = ", ".join(file.name for file in gone)
        raise FailError(f"{merchant}: retention has deleted the originals of {names}", "deleted")
    if unknown:
        raise FailError(f"{merchant} has no archived original of {', '.join(unknown)}", "not_archived")
    return found


@plain_errors("looking up deleted files")
def deleted(
    connection: psycopg.Connection, merchant: str, interfaces: Collection[str], replay: Replay
) -> list[str]:
    """Return the names of files that a replay asks for and whose originals retention has deleted."""
    return [file.name for file in _chosen(connection, merchant, interfaces, replay, deleted=True)]


def _chosen(
    connection: psycopg.Connection,
    merchant: str,
    interfaces: Collection[str],
    replay: Replay,
    *,
    deleted: bool = False,
) -> list[FeedFile]:
    values = {
        "merchant": merchant,
        "interfaces": list(interfaces),
        "file_ids": list(replay.file_ids) or None,
        "files": list(replay.files) or None,
        **replay.model_dump(include={"rejects", "since", "until"}),
        "deleted": deleted,
    }
    return [_feed_file(row) for row in connection.execute(statement("ledger/archived"), values)]


@plain_errors("looking for expired files")
def expired(connection: psycopg.Connection, merchant: str, days: int) -> list[str]:
    """Return the URLs of originals received more than `days` days ago, of files that are done with."""
    found = connection.execute(statement("ledger/expired"), {"merchant": merchant, "days": days})
    return [url for (url,) in found]


def drop_original(
    connection: psycopg.Connection, merchant: str, url: str, delete: Callable[[str], None]
) -> bool:
    """Delete an original and note it; a crash between the two leaves it to be deleted again, never forgotten.

    Return False where a new remote file has come to share the original, which then stays.
    """
    values = {"merchant": merchant, "archived": url}
    with transaction(connection, "deleting an original"):
        lock_merchant(connection, merchant)
        noted = connection.execute(statement("ledger/note_deleted"), values).rowcount > 0
        if noted:
            delete(url)
    return noted


def was_deleted(connection: psycopg.Connection, file: FeedFile) -> bool:
    """Tell whether retention has deleted the original of a file, or is just doing so."""
    query = "SELECT archive_deleted_at IS NOT NULL FROM files WHERE file_id = %s"
    with transaction(connection, f"looking up {file.name}"):
        lock_merchant(connection, _row(connection, file)[0])
        found = connection.execute(query, [file.file_id]).fetchone()
    return bool(found and found[0])


@plain_errors("looking up a file")
def is_to_fetch(connection: psycopg.Connection, file: FeedFile) -> bool:
    """Tell whether the server's bytes are still wanted; else an earlier attempt dealt with them."""
    _, state, sha256 = _row(connection, file)
    return state in {"seen", "waiting"} or (state == "quarantined" and sha256 is None)


@plain_errors("looking up a file")
def kept(connection: psycopg.Connection, file: FeedFile) -> FeedFile | None:
    """Return a file as it was archived before; None where it has vanished or was a duplicate."""
    if _row(connection, file)[1] not in {"archived", "loaded", "quarantined"}:
        return None
    found = _feed_file(connection.execute(statement("ledger/one"), {"file_id": file.file_id}).fetchone())
    return found if found.archived else None


def archive(
    connection: psycopg.Connection, file: FeedFile, sha256: str, url: str, day: date
) -> FeedFile | None:
    """Note the archived original of a file; None where the same bytes came under the same name before.

    The file gets its revision, hence its sequence; a second call with the same bytes changes nothing.
    """
    values = {"file_id": file.file_id, "sha256": sha256, "url": url, "day": day}
    with transaction(connection, f"archiving {file.name}"):
        lock_merchant(connection, _row(connection, file)[0])
        _, state, known = _row(connection, file)
        if known == sha256 and state == "duplicate":
            return None
        if known == sha256 and state in ("archived", "loaded", "quarantined"):
            return _feed_file(connection.execute(statement("ledger/one"), values).fetchone())
        duplicate = connection.execute(statement("ledger/is_duplicate"), values).fetchone()
        if duplicate and duplicate[0]:
            connection.execute(statement("ledger/duplicate"), values)
            return None
        return _feed_file(connection.execute(statement("ledger/archive"), values).fetchone())


def wait(  # noqa: PLR0917 - what happened to which file in which run reads in this order everywhere
    connection: psycopg.Connection, file: FeedFile, run: str, code: QuarantineCode, reason: str, limit: int
) -> str:
    """Count a fetch that found the file incomplete; at `limit` it is quarantined. Return the state."""
    values = {"file_id": file.file_id, "run": run, "code": str(code), "reason": reason, "limit": limit}
    with transaction(connection, f"noting that {file.name} is incomplete"):
        counted = connection.execute(statement("ledger/wait"), values).fetchone()
        state = str(counted[0] if counted else _row(connection, file)[1])
        refusal = QuarantineError(code, reason) if state == "quarantined" else None
        _note_run(connection, file, run, state, file.counts, refusal)
    return state


def put_off(connection: psycopg.Connection, file: FeedFile, run: str, refusal: QuarantineError) -> str:
    """Note that a run could not take a file, which stays as it is for later runs. Return its state."""
    with transaction(connection, f"noting that {file.name} waits"):
        state = _row(connection, file)[1]
        _note_run(connection, file, run, "put_off", file.counts, refusal)
    return state


def quarantine(
    connection: psycopg.Connection, file: FeedFile, run: str, code: QuarantineCode, reason: str
) -> None:
    """Refuse a whole file, with a stable code and a reason for people."""
    with transaction(connection, f"quarantining {file.name}"):
        refuse(connection, file, run, QuarantineError(code, reason))


def refuse(
    connection: psycopg.Connection,
    file: FeedFile,
    run: str,
    refusal: QuarantineError,
    counts: Counts | None = None,
) -> None:
    """Quarantine a file inside the open transaction; with its counts where all of it has been read."""
    values = {"file_id": file.file_id, "run": run, "code": str(refusal.code), "reason": refusal.reason}
    counted = counts.model_dump_json() if counts else None
    connection.execute(statement("ledger/quarantine"), {**values, "counts": counted})
    _note_run(connection, file, run, "quarantined", counts or file.counts, refusal)


def finish(connection: psycopg.Connection, file: FeedFile, run: str, counts: Counts) -> None:
    """Mark a file as loaded, in the transaction of its load; a replay that ends the same writes nothing."""
    values = {"file_id": file.file_id, "run": run, "counts": counts.model_dump_json()}
    connection.execute(statement("ledger/finish"), values)
    _note_run(connection, file, run, "loaded", counts)


@plain_errors("looking up what a run refused")
def refused(connection: psycopg.Connection, merchant: str, run: str) -> list[str]:
    """Return one sentence per file that this run quarantined, or loaded without all of its records."""
    found = connection.execute(statement("ledger/refused"), {"merchant": merchant, "run": run})
    return [_refusal(*row) for row in found]


def _refusal(name: str, state: str, code: str, reason: str, rejected: dict[str, int]) -> str:
    if state != "loaded":
        return f"{name}: {state.replace('_', ' ')}, {code}: {reason}"
    codes = ", ".join(f"{number} {code}" for code, number in rejected.items())
    return f"{name}: {sum(rejected.values())} records rejected ({codes})"


def _note_run(  # noqa: PLR0917 - what happened to which file in which run reads in this order everywhere
    connection: psycopg.Connection,
    file: FeedFile,
    run: str,
    state: str,
    counts: Counts,
    refusal: QuarantineError | None = None,
) -> None:
    values = {"file_id": file.file_id, "run": run, "state": state, "counts": counts.model_dump_json()}
    why = {"code": str(refusal.code) if refusal else None, "reason": refusal.reason if refusal else None}
    connection.execute(statement("ledger/note_run"), {**values, **why})


def _index_number(interface: Interface, remote_file: RemoteFile) -> str:
    name = interface.match(remote_file.name)
    if name is None:
        raise FailError(f"'{remote_file.name}' is no file name of {interface.name}")
    return name.index_number


def _row(connection: psycopg.Connection, file: FeedFile) -> tuple[str, str, str | None]:
    query = "SELECT merchant, state, sha256 FROM files WHERE file_id = %s"
    merchant, state, sha256 = _known(connection.execute(query, [file.file_id]).fetchone())
    return merchant, state, sha256


def _feed_file(row: tuple[Any, ...] | None) -> FeedFile:
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
