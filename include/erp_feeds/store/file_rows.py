"""The shapes in which the store answers of files: where they stand, and how they drift."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from typing_extensions import TypedDict

from erp_feeds.batch import Counts

Tally = dict[str, int]
"""Code or state -> how many."""


class Drift(TypedDict, total=False):
    """How the elements of a file differ from what is known, and from the files before it; see file_drift."""

    unknown: Tally
    """Element that the interface does not know -> how often."""
    new: list[str]
    """The unknown ones that came for the first time."""
    gone: list[str]
    """Elements that half of the records of each of the files before had, and none of this file's."""


def drift_in_words(drift: Drift) -> str:
    """Return a drift as 'Club 3 (new), Shoe 7, gone: Email'."""
    unknown = sorted(drift.get("unknown", {}).items())
    words = [f"{name} {number}{' (new)' if name in drift.get('new', []) else ''}" for name, number in unknown]
    return ", ".join([*words, *(["gone: " + " ".join(drift["gone"])] if drift.get("gone") else [])])


@dataclass(frozen=True)
class SharedProfile:
    """A profile to which many customer numbers lead."""

    merchant: str
    profile: str
    customer_numbers: int


@dataclass(frozen=True)
class DriftingInterface:
    """How the latest file of an interface differs, in words."""

    merchant: str
    interface: str
    unknown_elements: str


@dataclass(frozen=True)
class Holdings:
    """How many rows of a merchant there are."""

    profiles: int
    orders: int
    returns: int
    lines: int
    revenue: Decimal
    """Sum of all line amounts, what came back negative, in the merchant's currency."""
    accounts: int


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
    quarantined: Tally
    warnings: Tally
    drift: dict[str, Drift]
    """Interface -> drift of its latest file; only where there is any."""
    shared_profiles: dict[str, int]
    """Profile id -> how many customer numbers lead to it, where there are many: customers 2 joins all who
    bear one address, be it a shop's own."""
    open_rejects: int = 0
    """Records of loaded files; one with two codes counts once."""
    rejects: Tally = field(default_factory=dict)
    """The same by code; one with two codes is in both."""

    def fullest_profiles(self) -> list[SharedProfile]:
        """Return the shared profiles, the fullest first."""
        fullest = sorted(self.shared_profiles.items(), key=lambda each: -each[1])
        return [SharedProfile(self.merchant, profile_id, numbers) for profile_id, numbers in fullest]

    def drifting(self) -> list[DriftingInterface]:
        """Return the drift, one row per interface."""
        return [
            DriftingInterface(self.merchant, name, drift_in_words(drift))
            for name, drift in sorted(self.drift.items())
        ]


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
    first_seen_at: datetime
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
        """Its warnings, by code."""
        return self.tally.warnings


class Day(TypedDict):
    """What came on one day (UTC)."""

    day: str
    files: int
    quarantined: int
    rejected: int
    """Files that loaded without some of their records."""


@dataclass(frozen=True)
class MerchantFiles:
    """What has come of one merchant in the last days."""

    merchant: str
    last_file: str | None
    last_file_at: datetime | None
    last_file_state: str | None
    last_run: str | None
    """The run that brought the latest file where it is."""
    days: list[Day]
    """The oldest first, also those without a file."""


@dataclass(frozen=True)
class FileRun:
    """What one run made of a file."""

    run_id: str
    at: datetime
    state: str
    code: str | None
    reason: str | None
    counts: dict[str, Any]


@dataclass(frozen=True)
class RunFile:
    """What a run made of one file."""

    run_id: str
    file: str
    file_id: int
    state: str
    code: str | None
    reason: str | None
    counts: dict[str, Any]
    resolved: int
    """Rejects that its load closed."""
    dismissed: int
    """Rejected records of the file of which nobody needs to hear."""

    @property
    def loaded(self) -> int:
        """Records that reached the store."""
        return Counts.model_validate(self.counts).loaded

    @property
    def rejected(self) -> dict[str, int]:
        """Records rejected, by code."""
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
    """From its first scan to the end, or until now."""
