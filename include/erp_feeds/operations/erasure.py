"""Erases a person from the store, and suppresses the person in later loads, replays and backfills."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.rows import dict_row

from erp_feeds.errors import FailError
from erp_feeds.interfaces.spec import Interface
from erp_feeds.store.connection import lock_merchant, transaction
from erp_feeds.store.sql import read_rows, statement
from erp_feeds.store.suppression import EMAIL, SRS, email_in, remember, suppression_of, unsuppress
from erp_feeds.xml.person_search import PersonIdentifiers, may_mention, mentions

AT_ONCE = 5_000
"""Rejected records fetched at once: each may hold some kilobytes."""


@dataclass(frozen=True)
class PersonQuery:
    """How the operator names the person."""

    kind: Literal["srs", "email"]
    value: str
    """As the rules write it: a number trimmed, an address trimmed and in lower case (rule: customers 7)."""


@dataclass(frozen=True)
class Original:
    """An archived file that holds the person."""

    interface: str
    file: str
    archived: str
    archived_at: datetime | None
    found_by: Literal["rows", "search", "unreadable"]
    """Rows of the store came from it; it was searched; or it cannot be read and may hold the person."""


@dataclass(frozen=True)
class Receipt:
    """What was erased; nothing in it shows who the person was."""

    merchant: str
    dry_run: bool
    erased: dict[str, int]
    """Rows by what they were; `identifiers_suppressed` counts those that no load will take again."""
    originals: list[Original]
    """Not touched: each holds other people too."""


def forget(
    connection: psycopg.Connection,
    merchant: str,
    named: PersonQuery,
    interfaces: Mapping[str, Interface],
    *,
    dry_run: bool = False,
) -> Receipt:
    """Erase a person and suppress their return, all or nothing; doing it again changes nothing.

    Loads of the merchant wait meanwhile, and the next one leaves the person out already.

    Args:
        connection: Of the store; whatever transaction it has open is committed first.
        merchant: Whose rows are meant.
        named: One number or one address; everything else about the person is found from it.
        interfaces: By name, with the element names of the merchant.
        dry_run: Do everything, count it, and roll back.

    Raises:
        FailError: an old address led to several people (`ambiguous`), or the secret has changed.
        RetryError: the store was lost, or two transactions collided.
    """
    with transaction(connection, "forgetting a person"):
        lock_merchant(connection, merchant)
        profile_id = _person(connection, merchant, named)
        identifiers = {(named.kind, named.value), *_identifiers(connection, merchant, profile_id)}
        person = _mentions(identifiers)
        payloads = set(_payloads(connection, merchant, interfaces, person))
        originals = _originals(connection, profile_id, {file_id for file_id, _ in payloads})
        erased = _erase(connection, merchant, profile_id, sorted(person.emails))
        erased["reject_payloads"] = _empty_payloads(connection, payloads)
        suppressed = remember(connection, suppression_of(connection, merchant), sorted(identifiers))
        erased["identifiers_suppressed"] = suppressed
        if dry_run:
            raise psycopg.Rollback
    return Receipt(merchant, dry_run, erased, originals)


@dataclass(frozen=True)
class Unsuppressed:
    """What was unsuppressed; nothing in it shows who the person is."""

    merchant: str
    named: int
    """Numbers and addresses that the operator gave."""
    unsuppressed: int
    """Those of them that were suppressed until now."""


def unforget_person(
    connection: psycopg.Connection, merchant: str, named: Collection[PersonQuery]
) -> Unsuppressed:
    """Let a suppressed person load again from files that came since; doing it again changes nothing.

    What was erased stays erased: no file that came before the person was suppressed brings it back. Only the
    given numbers and addresses are unsuppressed, since the store knows no others of a suppressed person.

    Raises:
        FailError: the secret has changed.
        RetryError: the store was lost, or two transactions collided.
    """
    with transaction(connection, "bringing a person back"):
        lock_merchant(connection, merchant)
        identifiers = {(each.kind, each.value) for each in named}
        unsuppressed = unsuppress(connection, suppression_of(connection, merchant), sorted(identifiers))
    return Unsuppressed(merchant, len(identifiers), unsuppressed)


def mentions_of(connection: psycopg.Connection, merchant: str, named: PersonQuery) -> PersonIdentifiers:
    """Return the numbers and addresses by which files may mention a person; asked before `forget`.

    Raises:
        FailError: as `forget`.
    """
    with transaction(connection, "finding a person"):
        profile_id = _person(connection, merchant, named)
        identifiers = {(named.kind, named.value), *_identifiers(connection, merchant, profile_id)}
    return _mentions(identifiers)


def archived_originals(connection: psycopg.Connection, merchant: str) -> list[Original]:
    """Return every original of a merchant; those of the ERP cache may name a person by address."""
    with transaction(connection, "listing originals"):
        return read_rows(connection, Original, "erasure/archived", merchant=merchant)


def _mentions(identifiers: Collection[tuple[str, str]]) -> PersonIdentifiers:
    """Keep what is the person's own: not an address that only one file's record was theirs by."""
    return PersonIdentifiers(
        frozenset(value for kind, value in identifiers if kind == SRS),
        frozenset(value for kind, value in identifiers if kind == EMAIL),
    )


def _person(connection: psycopg.Connection, merchant: str, named: PersonQuery) -> int | None:
    values = {"merchant": merchant, SRS: None, EMAIL: None, named.kind: named.value}
    found = connection.execute(statement("erasure/person"), values).fetchall()
    if len(found) > 1:
        message = (
            f"nobody of {merchant} has this address now, and it once led to {len(found)} profiles: "
            "name the person by --srs"
        )
        raise FailError(message, "ambiguous")
    return int(found[0][0]) if found else None


def _identifiers(
    connection: psycopg.Connection, merchant: str, profile_id: int | None
) -> Iterator[tuple[str, str]]:
    values = {"merchant": merchant, "profile_id": profile_id}
    for kind, value, file_id in connection.execute(statement("erasure/identifiers"), values):
        yield (kind if file_id is None else email_in(file_id)), value


def _payloads(
    connection: psycopg.Connection,
    merchant: str,
    interfaces: Mapping[str, Interface],
    person: PersonIdentifiers,
) -> Iterator[tuple[int, int]]:
    """Yield file and record of each rejected record that mentions the person: all are read."""
    with connection.cursor(name="payloads") as cursor:
        cursor.itersize = AT_ONCE
        values = {"merchant": merchant, "interfaces": list(interfaces)}
        for file_id, record, interface, raw in cursor.execute(statement("erasure/payloads"), values):
            if may_mention(raw, person) and mentions(raw, interfaces[interface]).meets(person):
                yield file_id, record


def _originals(connection: psycopg.Connection, profile_id: int | None, file_ids: set[int]) -> list[Original]:
    values = {"profile_id": profile_id, "file_ids": sorted(file_ids)}
    return read_rows(connection, Original, "erasure/originals", **values)


def _erase(
    connection: psycopg.Connection, merchant: str, profile_id: int | None, emails: list[str]
) -> dict[str, int]:
    values = {"merchant": merchant, "profile_id": profile_id, "emails": emails}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement("erasure/erase"), values).fetchone() or {}


def _empty_payloads(connection: psycopg.Connection, payloads: set[tuple[int, int]]) -> int:
    values = {
        "file_ids": [file_id for file_id, _ in payloads],
        "records": [record for _, record in payloads],
    }
    return connection.execute(statement("erasure/empty_payloads"), values).rowcount
