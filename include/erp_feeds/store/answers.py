"""What the store answers: one frozen dataclass per question of `queries`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypedDict

from erp_feeds.batch import Counts

Kind = Literal["order", "return"]
Tally = dict[str, int]
"""Code or state -> how many."""


class Drift(TypedDict, total=False):
    """How the elements of a file differ from what is known, and from the files before it; see file_drift."""

    unknown: Tally
    """Element that the interface does not know -> how often."""
    new: list[str]
    """The unknown ones that came for the first time."""
    gone: list[str]
    """Elements that the files before carried."""


def drift_in_words(drift: Drift) -> str:
    """Return a drift as 'Club 3 (new), Shoe 7, gone: Email'."""
    unknown = sorted(drift.get("unknown", {}).items())
    words = [f"{name} {number}{' (new)' if name in drift.get('new', []) else ''}" for name, number in unknown]
    return ", ".join([*words, *(["gone: " + " ".join(drift["gone"])] if drift.get("gone") else [])])


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
    drift: dict[str, Drift]
    """Interface -> drift of its latest file; only where there is any."""

    @property
    def unknown_elements(self) -> str:
        """The drift in words."""
        return "; ".join(f"{name}: {drift_in_words(each)}" for name, each in sorted(self.drift.items()))


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
    archive_deleted_at: datetime | None
    """When retention deleted the original: such a file can be replayed no more."""
    replaced_by: int | None
    """The file that came later under the name of this quarantined one, and loaded: state `replaced`."""
    drift: Drift

    @property
    def unknown_elements(self) -> str:
        """The drift in words."""
        return drift_in_words(self.drift)

    @property
    def tally(self) -> Counts:
        """What became of the file's records."""
        return Counts.model_validate(self.counts)

    @property
    def read(self) -> int:
        """Records in the file."""
        return self.tally.read

    @property
    def loaded(self) -> int:
        """Records that reached the store."""
        return self.tally.loaded

    @property
    def left_out(self) -> dict[str, int]:
        """Records that did not load, by what became of them."""
        tally = self.tally
        collapsed = {"collapsed": tally.collapsed} if tally.collapsed else {}
        return {**collapsed, **tally.skipped, **tally.rejected}

    @property
    def warnings(self) -> dict[str, int]:
        """What was odd about it, by code."""
        return self.tally.warnings


@dataclass(frozen=True)
class RunFile:
    """What a run made of one file."""

    run_id: str
    file: str
    state: str
    code: str | None
    reason: str | None
    counts: dict[str, Any]
    mended: int
    """Rejects that its load closed."""

    @property
    def loaded(self) -> int:
        """Records that reached the store."""
        return Counts.model_validate(self.counts).loaded

    @property
    def rejected(self) -> dict[str, int]:
        """Records refused, by code."""
        return Counts.model_validate(self.counts).rejected


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
    service: bool | None
    marketing: bool | None
    custom: dict[str, Any]
    mapping_version: str | None
    """Of the mapping that filled the row's latest write; None where that was before versions were kept."""
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
    record: int


@dataclass(frozen=True)
class Identifier:
    """An external identifier of a profile, or an address by which a record without a number found it."""

    type: str
    value: str
    rule: str | None
    """The rule that linked it, for example 'customers 2'; None where that was not noted yet."""
    file: str | None
    record: int | None


@dataclass(frozen=True)
class Purchase:
    """An order or a return."""

    purchase_id: str
    kind: Kind
    channel: Literal["online", "offline"]
    profile_id: int | None
    """None where the person was forgotten."""
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
    """None: before versions were kept."""
    interface: str | None
    first_used_at: datetime | None
    links: list[dict[str, Any]] | None
    """What it says, as `mapping_tables.LinkRow`."""
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
    run_id: str | None
    """That refused it."""
    opened_at: datetime
    closed_at: datetime | None
    """When a load mended it; None while it is open."""
    closed_by_run: str | None
    closed_by_file: str | None
    """The file whose load mended it: its own, replayed, or a newer one."""
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
    replaced_by: int | None
    """The file that came later under its name, and loaded; where there is one, nothing is left to mend."""


@dataclass(frozen=True)
class RecordRows:
    """Where the store keeps what a record brought; None where there is no such row."""

    purchase_id: str | None
    profile_id: int | None
    account_number: str | None
