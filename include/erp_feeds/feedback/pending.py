"""Which result files are still to be uploaded, and which are on the server already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from erp_feeds.batch import Counts
from erp_feeds.feedback.result_file import FileResult, RejectedRecord
from erp_feeds.store.connection import plain_errors
from erp_feeds.store.sql import statement

RETRY_DAYS = 7
"""Days after which a result that could not be uploaded is no longer tried."""


@dataclass(frozen=True)
class PendingResult:
    """A file whose result may differ from the one that was uploaded."""

    file_id: int
    result: FileResult
    uploaded: str
    """Digest of the result that lies on the server; empty where there is none."""
    read_at: datetime
    """When the ledger was read."""


@plain_errors("reading the pending results")
def pending_files(connection: psycopg.Connection, merchant: str, run: str, limit: int) -> list[PendingResult]:
    """Return at most `limit` files whose result may have to be uploaded, those of this run first."""
    values = {"merchant": merchant, "run": run, "days": RETRY_DAYS, "limit": limit}
    rows = connection.execute(statement("feedback/pending"), values).fetchall()
    return [
        PendingResult(
            file_id,
            FileResult(
                name, sha256, state, code, Counts.model_validate(counts), _open_rejects(connection, file_id)
            ),
            uploaded,
            read_at,
        )
        for file_id, name, sha256, state, code, counts, uploaded, read_at in rows
    ]


@plain_errors("noting that a result was uploaded")
def mark_uploaded(connection: psycopg.Connection, file: PendingResult, digest: str) -> None:
    """Remember the result that lies on the server now."""
    values = {"file_id": file.file_id, "digest": digest, "read_at": file.read_at}
    connection.execute(statement("feedback/mark_uploaded"), values)


def _open_rejects(connection: psycopg.Connection, file_id: int) -> tuple[RejectedRecord, ...]:
    rows = connection.execute(statement("feedback/open_rejects"), {"file_id": file_id})
    return tuple(RejectedRecord(record, line, code, field) for record, line, code, field in rows)
