"""Incidents: the open problems of a merchant, until resolved or dismissed, and which alerts were sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from erp_feeds.codes import IncidentKind
from erp_feeds.errors import FailError
from erp_feeds.store import audit, rejects
from erp_feeds.store.connection import lock_incidents, plain_errors, transaction
from erp_feeds.store.sql import statement


@dataclass(frozen=True)
class Cause:
    """What is open now, of one interface and kind, and of one code where the kind has codes."""

    interface: str | None
    """None: the merchant as a whole."""
    kind: str
    """An IncidentKind."""
    code: str
    number: int
    """Files or records."""
    since: datetime
    reason: str = ""
    run_id: str = ""
    """The latest run in which it occurred."""
    examples: Sequence[str] = ()
    """The first files, or files and records."""


@dataclass(frozen=True)
class Incident(Cause):
    """A cause for which one alert is sent when it begins and one when it ends."""

    incident_id: int = 0
    merchant: str = ""
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    dismissed_at: datetime | None = None
    dismissed_by: str | None = None
    dismissed_reason: str | None = None


@plain_errors("reading what is open")
def causes(connection: psycopg.Connection, merchant: str) -> list[Cause]:
    """Return what of a merchant's files and records is open."""
    return _causes(connection, merchant)


def _causes(connection: psycopg.Connection, merchant: str) -> list[Cause]:
    with connection.cursor(row_factory=class_row(Cause)) as cursor:
        return cursor.execute(statement("incidents/open_in_store"), {"merchant": merchant}).fetchall()


@plain_errors("counting the rejected records")
def records(connection: psycopg.Connection, merchant: str, found: Sequence[Cause]) -> int:
    """Return how many records the causes of kind `rejected` are about: one with two codes counts once."""
    codes = {name: [getattr(each, name) for each in found] for name in ("interface", "code")}
    row = connection.execute(statement("incidents/records"), {"merchant": merchant, **codes}).fetchone()
    return int(row[0]) if row else 0


@plain_errors("reading the latest files")
def latest_files_of(
    connection: psycopg.Connection, merchants: Collection[str]
) -> dict[str, dict[str, datetime]]:
    """Return by merchant when the latest file of each interface came."""
    found: dict[str, dict[str, datetime]] = {}
    for merchant, interface, at in connection.execute(
        statement("incidents/feeds"), {"merchants": list(merchants)}
    ):
        found.setdefault(merchant, {})[interface] = at
    return found


def update(connection: psycopg.Connection, merchant: str, others: Sequence[Cause] = ()) -> None:
    """Open an incident for each new cause, and resolve those whose cause is gone; failed tasks stay.

    What of files and records is open is read here, while nobody can dismiss it: else an incident of records
    that somebody has just dismissed would open, and be alerted. `others` are the causes besides.
    """
    with transaction(connection, "comparing the incidents"):
        lock_incidents(connection, merchant)
        found = [*_causes(connection, merchant), *others]
        _open(connection, merchant, found)
        connection.execute(statement("incidents/resolve"), {"merchant": merchant, **_columns(found)})


def task_failed(connection: psycopg.Connection, merchant: str, cause: Cause) -> None:
    """Open the incident of a failed task, whose name is the code of the cause."""
    with transaction(connection, "noting a failed task"):
        _open(connection, merchant, [cause])


def tasks_succeeded(connection: psycopg.Connection, merchant: str, tasks: Collection[str]) -> None:
    """Resolve the incidents of failed tasks that have now succeeded."""
    with transaction(connection, "noting a task"):
        connection.execute(statement("incidents/resolve_task"), {"merchant": merchant, "tasks": list(tasks)})


def retire(connection: psycopg.Connection, known: Collection[str]) -> None:
    """Resolve what is open of merchants that have no file any more."""
    with transaction(connection, "comparing the incidents"):
        connection.execute(statement("incidents/retire"), {"merchants": list(known)})


@plain_errors("reading which merchants have something open")
def concerned(connection: psycopg.Connection, merchants: Collection[str]) -> set[str]:
    """Return those of some merchants whose files, records or known incidents must be compared."""
    found = connection.execute(statement("incidents/concerned"), {"merchants": list(merchants)})
    return {merchant for (merchant,) in found}


def pending(connection: psycopg.Connection, merchant: str) -> list[Incident]:
    """Return the incidents of which an alert is due: new ones, and resolved ones."""
    return _list(connection, merchant, pending=True)


def listed(
    connection: psycopg.Connection, merchant: str | None = None, *, with_dismissed: bool = False
) -> list[Incident]:
    """Return the open incidents, of all merchants by default."""
    return _list(connection, merchant, with_dismissed=with_dismissed)


def notified(connection: psycopg.Connection, incidents: Collection[Incident]) -> None:
    """Note that an alert about incidents in their present state was sent."""
    values = {"incident_ids": [each.incident_id for each in incidents]}
    with transaction(connection, "noting an alert"):
        connection.execute(statement("incidents/notified"), values)


@plain_errors("comparing what is shown")
def changed(connection: psycopg.Connection) -> bool:
    """Return whether what is open has changed since it was shown."""
    found = connection.execute(statement("incidents/changed")).fetchone()
    return bool(found and found[0])


def show(connection: psycopg.Connection) -> list[Incident]:
    """Return the open incidents of all merchants, and note that they are shown."""
    with transaction(connection, "noting what is shown"):
        connection.execute(statement("incidents/shown"))
    return listed(connection)


def dismiss(connection: psycopg.Connection, incident_id: int, by: str, reason: str) -> str:
    """Dismiss an open incident, and return its merchant; one of rejected records with all of those.

    Raises:
        FailError: No such incident is open, or nobody says who dismisses it and why.
    """
    by, reason = _checked(by, reason)
    values = {"incident_id": incident_id, "by": by, "reason": reason}
    with transaction(connection, "dismissing an incident"):
        for (merchant,) in connection.execute(statement("incidents/merchant"), values).fetchall():
            lock_incidents(connection, merchant)
        found = connection.execute(statement("incidents/dismiss"), values).fetchone()
        if found and found[2] == IncidentKind.REJECTED:
            merchant, interface, _, code = found
            rejects.dismiss(connection, rejects.RejectFilter(merchant, interface, code), by, reason)
            connection.execute(statement("incidents/resolve_dismissed"), {**values, "merchant": merchant})
        if found:
            audit.note(connection, by, found[0], "dismissed", _subject(incident_id, found[1], found[3]))
    if not found:
        raise FailError(f"no incident {incident_id} is open: `python -m erp_feeds incidents`", "not_found")
    return str(found[0])


def reopen(connection: psycopg.Connection, incident_id: int, by: str) -> str:
    """Let a dismissed incident count again, and return its merchant.

    Raises:
        FailError: No such incident is dismissed; one of rejected records ended with them, and they are opened
            again instead.
    """
    with transaction(connection, "opening an incident again"):
        found = connection.execute(statement("incidents/reopen"), {"incident_id": incident_id}).fetchone()
        if found:
            audit.note(connection, by, found[0], "opened again", _subject(incident_id, *found[1:]))
    if not found:
        reason = f"no incident {incident_id} is dismissed: `incidents --dismissed` lists those of files"
        raise FailError(reason, "not_found")
    return str(found[0])


def _subject(incident_id: int, interface: str, code: str) -> str:
    return f"incident {incident_id}: {' of '.join(filter(None, (code, interface)))}"


def dismiss_rejects(
    connection: psycopg.Connection, choice: rejects.RejectFilter, by: str, reason: str
) -> int:
    """Dismiss open rejects, and the incidents of which none is left; return how many rejects.

    Raises:
        FailError: Nobody says who dismisses them and why.
    """
    by, reason = _checked(by, reason)
    values = {"merchant": choice.merchant, "by": by, "reason": reason}
    with transaction(connection, "dismissing rejects"):
        lock_incidents(connection, choice.merchant)
        number = rejects.dismiss(connection, choice, by, reason)
        connection.execute(statement("incidents/resolve_dismissed"), values)
        if number:
            audit.note(connection, by, choice.merchant, "dismissed", choice.subject(number))
    return number


def reopen_rejects(connection: psycopg.Connection, choice: rejects.RejectFilter, by: str) -> int:
    """Let dismissed rejects and their incidents count again, and return how many rejects."""
    with transaction(connection, "opening rejects again"):
        lock_incidents(connection, choice.merchant)
        number = rejects.dismiss(connection, choice, "", "", reopen=True)
        if number:
            _open(connection, choice.merchant, _causes(connection, choice.merchant))
            audit.note(connection, by, choice.merchant, "opened again", choice.subject(number))
    return number


def _checked(by: str, reason: str) -> tuple[str, str]:
    if not by.strip() or not reason.strip():
        raise FailError("to dismiss something, give your name and a reason", "no_reason")
    return by.strip(), reason.strip()


@plain_errors("reading the incidents")
def _list(
    connection: psycopg.Connection,
    merchant: str | None,
    *,
    pending: bool = False,
    with_dismissed: bool = False,
) -> list[Incident]:
    values = {"merchant": merchant, "pending": pending, "with_dismissed": with_dismissed}
    with connection.cursor(row_factory=class_row(Incident)) as cursor:
        return cursor.execute(statement("incidents/list"), values).fetchall()


def _open(connection: psycopg.Connection, merchant: str, found: Sequence[Cause]) -> None:
    connection.execute(statement("incidents/open"), {"merchant": merchant, **_columns(found)})


def _columns(found: Sequence[Cause]) -> dict[str, list[object]]:
    """Return causes as parallel arrays, for unnest, which would flatten arrays of arrays."""
    names = ("interface", "kind", "code", "number", "since", "reason", "run_id")
    columns: dict[str, list[object]] = {name: [getattr(each, name) for each in found] for name in names}
    return {**columns, "examples": [json.dumps(list(each.examples)) for each in found]}
