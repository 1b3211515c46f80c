"""The shapes in which the store answers of people, purchases and accounts; of files: file_rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["order", "return"]


@dataclass(frozen=True)
class Profile:
    """A person, and the file and record that last changed the row, or later confirmed it."""

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
    """Consent; None where it was neither given nor refused."""
    service: bool | None
    marketing: bool | None
    custom: dict[str, Any]
    mapping_version: str | None
    """Of the mapping that filled the row's latest write; None where that was before versions were stored."""
    file: str | None
    record: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class ProfileField:
    """One field of a profile, and the file and record that set it."""

    field: str
    value: str | None
    """None where that record emptied it."""
    file: str | None
    file_id: int | None
    record: int
    set_at: datetime | None
    """When that file loaded."""


@dataclass(frozen=True)
class Identifier:
    """An external identifier of a profile, or an address by which a record without a number found it."""

    type: str
    value: str
    rule: str | None
    """The rule that linked it, for example 'customers 2'; None where that was not noted yet."""
    file: str | None
    file_id: int | None
    record: int | None


@dataclass(frozen=True)
class Purchase:
    """An order or a return."""

    purchase_id: str
    kind: Kind
    channel: Literal["online", "offline"]
    profile_id: int | None
    """None where the person was suppressed."""
    order_number: str | None
    return_of: str | None
    """The order that a return is of, where it is known (rule: purchases 8)."""
    receipt_number: str | None
    branch: str | None
    local_time: str | None
    """As delivered."""
    occurred_at: datetime | None
    currency: str | None
    total: Decimal | None
    line_count: int | None
    custom: dict[str, Any]
    mapping_version: str | None
    file: str | None
    file_id: int | None
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
class MappingVersion:
    """A version of a merchant's mapping, and the rows that it filled."""

    table: str
    version: str | None
    """None: before versions were stored."""
    interface: str | None
    first_used_at: datetime | None
    links: list[dict[str, Any]] | None
    """What it says, as `publish.mapping_page.LinkRow`."""
    rows: int


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
    file_id: int | None
    record: int | None
    updated_at: datetime


@dataclass(frozen=True)
class RecordRows:
    """Where the store keeps what a record brought; None where there is no such row."""

    purchase_id: str | None
    profile_id: int | None
    account_number: str | None
