"""Traces one record of an archived file: the file is read again, the store queried, nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from tempfile import TemporaryDirectory

import psycopg
from airflow.sdk import ObjectStoragePath

from erp_feeds import stages
from erp_feeds.batch import FeedFile, Replay
from erp_feeds.codes import FileState, SkipCode
from erp_feeds.errors import FailError, QuarantineError, counted
from erp_feeds.interfaces import interface_of
from erp_feeds.merchant import Merchant
from erp_feeds.steps.parse import RawRecord
from erp_feeds.steps.record_trace import RejectReason, StepTrace, trace_steps
from erp_feeds.storage import archive, zips
from erp_feeds.store import ledger, queries, reject_queries, suppression


@dataclass(frozen=True)
class RecordTrace:
    """A record and what became of it."""

    file: str
    state: str
    """Of the file in the ledger."""
    record: int
    member: str | None = None
    """The XML of its zip that holds it."""
    line: int | None = None
    """On which it starts in that XML."""
    outcome: str = "not read"
    """loaded, not loaded, collapsed, skipped, rejected; not read: its file is quarantined."""
    code: str | None = None
    """Of a skip or of the file's quarantine."""
    reason: str | None = None
    errors: tuple[RejectReason, ...] = ()
    """Why the record is rejected, one by one."""
    into: int | None = None
    """The record of the same file into which a collapsed one was merged."""
    profile_id: int | None = None
    purchase_id: str | None = None
    account_number: str | None = None
    fields: tuple[str, ...] = ()
    """Those of the profile that still hold the value of this record."""
    raw: str | None = None
    """As it was delivered."""


def trace_record(
    connection: psycopg.Connection, merchant: Merchant, wanted: Replay, record: int
) -> RecordTrace:
    """Follow one record from its archived original to the rows that it led to.

    The steps run as the merchant is configured now; whether the file is loaded is as the ledger says.

    Args:
        connection: Of the store; only read.
        merchant: Whose file it is.
        wanted: Names the file; of several revisions of a name the latest counts.
        record: Its number in the file, from 1.

    Raises:
        FailError: the archive has no such file, or the file no such record.
        RetryError: the archive cannot be reached.
    """
    file = ledger.archived(connection, merchant.name, list(merchant.interfaces), wanted)[-1]
    (known,) = queries.files(connection, merchant.name, file_ids=[file.file_id])
    found = RecordTrace(file.name, known.state, record, code=known.code, reason=known.reason)
    with TemporaryDirectory(prefix="erp-feeds-record-") as folder:
        try:
            found, keys = _read(merchant, file, ObjectStoragePath(f"file://{folder}"), found)
        except QuarantineError as error:
            return replace(found, code=str(error.code), reason=error.reason)
    return _stored(connection, merchant, file, found, keys) if keys else found


def _read(
    merchant: Merchant, file: FeedFile, folder: ObjectStoragePath, found: RecordTrace
) -> tuple[RecordTrace, Mapping[str, str]]:
    """Take the file up to parse, and follow the record from there."""
    for stage in (stages.unpack, stages.read):
        (file,) = stage(merchant, [file], folder)
    member, original = _original(merchant, file, found.record)
    trace = _traced(merchant, file, found.record)
    outcome = (
        trace.fate if trace.fate != "kept" else "loaded" if found.state == FileState.LOADED else "not loaded"
    )
    found = replace(
        found,
        member=member,
        line=original.line,
        raw=original.text,
        outcome=outcome,
        errors=trace.errors,
        into=trace.into,
    )
    return replace(found, code=trace.code or found.code), trace.keys


def _traced(merchant: Merchant, file: FeedFile, record: int) -> StepTrace:
    """Follow a record of a file through the steps, in the piece that holds it."""
    interface = interface_of(merchant, file.interface)
    for frames in stages.Pieces([file]):
        with suppress(KeyError):
            return trace_steps(frames, record, interface, merchant)
    raise KeyError(record)


def _original(merchant: Merchant, file: FeedFile, record: int) -> tuple[str, RawRecord]:
    """Return a record as it was delivered, and the name of the XML that holds it."""
    for position in range(len(file.members)):  # records are numbered over all members
        so_far = file.model_copy(update={"members": file.members[: position + 1]})
        if found := next(iter(stages.originals(merchant, so_far, [record])), None):
            interface = interface_of(merchant, file.interface)
            with archive.open_original(file.archived) as original:
                sources = zips.members(original, file.name, interface, merchant).sources()
                return next(islice(sources, position, None)).name, found
    number = counted(file.counts.read, "record")
    raise FailError(f"{file.name} has {number}: there is no record {record}", "not_found")


def _stored(
    connection: psycopg.Connection,
    merchant: Merchant,
    file: FeedFile,
    found: RecordTrace,
    keys: Mapping[str, str],
) -> RecordTrace:
    """Add where a record is in the store, or why it is not there."""
    rejects = reject_queries.rejects(connection, merchant.name, file_id=file.file_id, record=found.record)
    if rejects:  # found only by the load
        errors = tuple(RejectReason(each.code, each.field or None, each.reason) for each in rejects)
        return replace(found, outcome="rejected", errors=errors)
    if found.outcome != "loaded":
        return found
    if suppression.is_suppressed(connection, merchant.name, file.file_id, keys):
        return replace(found, outcome="skipped", code=SkipCode.SUPPRESSED.value)
    rows = queries.record_rows(connection, merchant.name, file.file_id, found.record, keys)
    return replace(
        found, **asdict(rows), fields=_fields(connection, merchant, file, found.record, rows.profile_id)
    )


def _fields(
    connection: psycopg.Connection, merchant: Merchant, file: FeedFile, record: int, profile_id: int | None
) -> tuple[str, ...]:
    """Return the fields that a record still holds; the revisions of a file share its name."""
    if profile_id is None:
        return ()
    fields = queries.profile_fields(connection, merchant.name, profile_id)
    return tuple(each.field for each in fields if (each.file_id, each.record) == (file.file_id, record))
