"""Approvals: a file with more rejects than allowed loads its good records where a person says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import FileState
from erp_feeds.errors import FailError
from erp_feeds.store import audit
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.sql import read_rows, statement


@dataclass(frozen=True)
class Question:
    """A file of which a person may say whether the rest of it shall load."""

    file_id: int
    merchant: str
    interface: str
    file: str
    reason: str
    counts: dict[str, Any]

    @property
    def tally(self) -> Counts:
        """What became of its records."""
        return Counts.model_validate(self.counts)

    @property
    def rejects(self) -> int:
        """How many of its records are rejected."""
        return sum(self.tally.rejected.values())


@plain_errors("reading what waits for an approval")
def questions(
    connection: psycopg.Connection,
    *,
    file_id: int | None = None,
    merchant: str | None = None,
    interfaces: Collection[str] | None = None,
    file: str | None = None,
    run: str | None = None,
) -> list[Question]:
    """Return the files that may be approved and fit all that is given, the latest first."""
    wanted = {"file_id": file_id, "merchant": merchant, "file": file, "run": run}
    names = None if interfaces is None else list(interfaces)
    return read_rows(connection, Question, "approvals/find", interfaces=names, **wanted)


@plain_errors("reading what became of a file")
def outcome(connection: psycopg.Connection, file_id: int) -> str | None:
    """Return in words why a file does not wait for an approval; None where there is no such file."""
    found = connection.execute(statement("approvals/outcome"), {"file_id": file_id}).fetchone()
    if found is None:
        return None
    name, state, code, approved_by, is_replaced = found
    if is_replaced:
        return f"nothing to approve: {name} was replaced, a later file of its name is loaded"
    if state == FileState.LOADED:
        how = f"{approved_by} approved it before" if approved_by else "it needed no approval"
        return f"nothing to approve: {name} is loaded already, {how}"
    return f"nothing to approve: {name} is {state}" + (f" ({code})" if code else "")


def approve(connection: psycopg.Connection, question: Question, by: str, rejects: int | None = None) -> None:
    """Let a file load with so many rejects as a person saw, by default those of the question.

    Raises:
        FailError: By now more records are rejected than the person saw, or nobody gives a name.
    """
    if not by.strip():
        raise FailError("to approve a file, give your name", "no_name")
    if rejects is not None and rejects < question.rejects:
        raise FailError(
            f"{question.file}: by now {question.rejects} records are rejected, and {rejects} were approved",
            "more_rejects",
        )
    values = {"file_id": question.file_id, "rejects": question.rejects, "by": by.strip()}
    with transaction(connection, "approving a file"):
        connection.execute(statement("approvals/approve"), values)
        audit.note(connection, by.strip(), question.merchant, "approved", question.file)


def is_approved(connection: psycopg.Connection, file: FeedFile, rejects: int) -> bool:
    """Return whether a person let a file load with so many rejects; inside the open transaction."""
    query = "SELECT coalesce(approved_rejects, 0) >= %s FROM files WHERE file_id = %s"
    found = connection.execute(query, [rejects, file.file_id]).fetchone()
    return bool(found and found[0])
