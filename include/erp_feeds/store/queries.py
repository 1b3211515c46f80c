"""Questions to the store, each a typed function over one SQL file in sql/queries; nothing here writes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from erp_feeds.store.statements import statement

Kind = Literal["order", "return"]
Tally = dict[str, int]
"""Code or state -> how many."""
Row = TypeVar("Row")


@dataclass(frozen=True)
class MerchantStatus:
    """What the store holds of one merchant."""

    merchant: str
    profiles: int
    orders: int
    returns: int
    lines: int
    revenue: Decimal
    """Sum of all line amounts, what came back negative, in the merchant's currency."""
    accounts: int
    files: Tally
    skipped: Tally
    rejects: Tally
    quarantined: Tally
    warnings: Tally


@dataclass(frozen=True)
class LedgerFile:
    """One file as the ledger knows it."""

    file_id: int
    interface: str
    name: str
    state: str
    code: str | None
    reason: str | None
    revision: int | None
    day: date | None
    size: int
    attempts: int
    run_id: str | None
    counts: dict[str, Any]
    archived: str | None
    sha256: str | None
    seen_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class FileProgress:
    """How far one file is."""

    merchant: str
    file: str
    interface: str
    state: str
    code: str | None
    read: int
    rejected: int
    seconds: float
    """From sighting to the end, or until now."""


@dataclass(frozen=True)
class Profile:
    """A person, and the file and record that last wrote the row."""

    profile_id: int
    email: str | None
    firstname: str | None
    lastname: str | None
    gender: str | None
    birthdate: date | None
    phone: str | None
    postcode: str | None
    city: str | None
    country: str | None
    language: str | None
    currency: str | None
    newsletter: bool | None
    """Consent; None where it was never given nor refused."""
    custom: dict[str, Any]
    file: str | None
    record: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Identifier:
    """An external identifier of a profile."""

    type: str
    value: str
    file: str | None
    record: int | None


@dataclass(frozen=True)
class Purchase:
    """An order or a return."""

    purchase_id: str
    kind: Kind
    channel: Literal["online", "offline"]
    profile_id: int
    order_number: str | None
    receipt_number: str | None
    branch: str | None
    local_time: str | None
    """As delivered."""
    occurred_at: datetime | None
    currency: str | None
    total: Decimal | None
    line_count: int | None
    file: str | None
    record: int | None


@dataclass(frozen=True)
class PurchaseLine:
    """One article of a purchase."""

    line_no: int
    sku: str | None
    description: str | None
    quantity: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True)
class Account:
    """An account with the price list that applies to it (rule: ERP cache 7)."""

    account_number: str
    price_list_name: str | None
    """The one that applies: the debtor's where there is a known debtor, else the account's own."""
    own_price_list_name: str | None
    invoice_to: str | None
    """As delivered."""
    debtor: str | None
    """The account whose prices apply instead of this one's own."""
    note: str | None
    delivery_scheme_code: str | None
    discount_percentage: Decimal | None
    cumulative_sales_volume: Decimal | None
    cash_back: Decimal | None
    cash_back_calculate_to_date: date | None
    file: str | None
    record: int | None
    updated_at: datetime


@dataclass(frozen=True)
class Reject:
    """One fault of a refused record."""

    file: str
    file_id: int
    interface: str
    record: int
    line: int | None
    code: str
    field: str
    reason: str
    raw: str | None
    """The record as delivered; None unless asked for, since it holds personal data."""


@dataclass(frozen=True)
class QuarantinedFile:
    """One refused file."""

    file: str
    file_id: int
    interface: str
    code: str
    reason: str
    archived: str | None
    at: datetime


def merchants(connection: Connection[Any]) -> list[str]:
    """Return every merchant that has sent a file."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement("queries/merchants")).fetchall()


def status(
    connection: Connection[Any], merchant: str | None = None, known: Collection[str] = ()
) -> list[MerchantStatus]:
    """Return what the store holds of each merchant, by name; `known` ones even when that is nothing."""
    return _rows(connection, MerchantStatus, "status", merchant=merchant, merchants=list(known))


def files(
    connection: Connection[Any],
    merchant: str,
    *,
    states: Collection[str] = (),
    interface: str | None = None,
    limit: int | None = None,
) -> list[LedgerFile]:
    """Return the ledger's files, the latest seen first."""
    wanted = list(states) or None
    return _rows(
        connection, LedgerFile, "files", merchant=merchant, states=wanted, interface=interface, max_rows=limit
    )


def progress(connection: Connection[Any], merchant: str | None = None) -> list[FileProgress]:
    """Return how far each file is, in the order of sighting."""
    return _rows(connection, FileProgress, "progress", merchant=merchant)


def profile(
    connection: Connection[Any],
    merchant: str,
    *,
    srs: str | None = None,
    email: str | None = None,
    profile_id: int | None = None,
) -> Profile | None:
    """Return the profile of a customer number, e-mail address or id."""
    wanted = {"srs": srs, "email": email, "profile_id": profile_id}
    rows = _rows(connection, Profile, "profile", merchant=merchant, **wanted)
    return rows[0] if rows else None


def identifiers(connection: Connection[Any], merchant: str, profile_id: int) -> list[Identifier]:
    """Return the external identifiers of a profile."""
    return _rows(connection, Identifier, "identifiers", merchant=merchant, profile_id=profile_id)


def purchases(
    connection: Connection[Any],
    merchant: str,
    *,
    kind: Kind | None = None,
    profile_id: int | None = None,
    srs: str | None = None,
    purchase_id: str | None = None,
    limit: int | None = None,
) -> list[Purchase]:
    """Return orders and returns, the latest first."""
    wanted = {"kind": kind, "profile_id": profile_id, "srs": srs, "purchase_id": purchase_id}
    return _rows(connection, Purchase, "purchases", merchant=merchant, max_rows=limit, **wanted)


def lines(connection: Connection[Any], merchant: str, purchase_id: str) -> list[PurchaseLine]:
    """Return the lines of an order or return."""
    return _rows(connection, PurchaseLine, "lines", merchant=merchant, purchase_id=purchase_id)


def account(connection: Connection[Any], merchant: str, number: str) -> Account | None:
    """Return an account with the price list that applies to it."""
    rows = _rows(connection, Account, "account", merchant=merchant, number=number)
    return rows[0] if rows else None


def rejects(
    connection: Connection[Any],
    merchant: str,
    *,
    code: str | None = None,
    file: str | None = None,
    limit: int | None = None,
    with_raw: bool = False,
) -> list[Reject]:
    """Return the refused records, those of the latest file first."""
    wanted = {"code": code, "file": file, "with_raw": with_raw}
    return _rows(connection, Reject, "rejects", merchant=merchant, max_rows=limit, **wanted)


def quarantined(
    connection: Connection[Any],
    merchant: str,
    *,
    code: str | None = None,
    file: str | None = None,
    limit: int | None = None,
) -> list[QuarantinedFile]:
    """Return the refused files, the latest first."""
    wanted = {"code": code, "file": file}
    return _rows(connection, QuarantinedFile, "quarantined", merchant=merchant, max_rows=limit, **wanted)


def _rows(connection: Connection[Any], shape: type[Row], name: str, /, **inputs: Any) -> list[Row]:
    with connection.cursor(row_factory=class_row(shape)) as cursor:
        return cursor.execute(statement(f"queries/{name}"), inputs).fetchall()
