"""The audit log: who viewed personal data or changed something, written before the response."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from erp_feeds.store.connection import plain_errors
from erp_feeds.store.sql import read_rows, statement


@dataclass(frozen=True)
class Entry:
    """One view of personal data, or one change."""

    audit_id: int
    at: datetime
    who: str
    merchant: str
    action: str
    subject: str
    """Ids and names of files: no personal data."""


@plain_errors("writing the audit log")
def note(connection: psycopg.Connection, who: str, merchant: str, action: str, subject: str = "") -> None:
    """Write an entry."""
    values = {"who": who, "merchant": merchant, "action": action, "subject": subject}
    connection.execute(statement("audit/note"), values)


@plain_errors("reading the audit log")
def listed(
    connection: psycopg.Connection, merchant: str, *, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """Return the entries, the latest first."""
    return read_rows(connection, Entry, "audit/list", merchant=merchant, before=before, max_rows=limit)
