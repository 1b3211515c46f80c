"""The shapes in which the store answers of rejected records and quarantined files, and their filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from typing_extensions import TypedDict

from erp_feeds.store.file_rows import Tally


@dataclass(frozen=True)
class OpenRejects:
    """What is rejected of one merchant's loaded files, and neither resolved nor dismissed."""

    merchant: str
    records: int
    """Each counts once, however many errors it has."""
    codes: Tally
    """Records by code; one with two codes is in both."""


@dataclass(frozen=True)
class Reject:
    """One error of a rejected record."""

    file: str
    file_id: int
    interface: str
    record: int
    line: int | None
    code: str
    field: str
    reason: str
    run_id: str | None
    """That rejected it."""
    opened_at: datetime
    resolved_at: datetime | None
    """When a load resolved it; None while it is open."""
    resolved_by_run: str | None
    resolved_by_file: str | None
    """The file whose load resolved it: its own, replayed, or a newer one."""
    dismissed_at: datetime | None
    dismissed_by: str | None
    dismissed_reason: str | None
    key: str | None
    """Customer, order or account number, or an address; None as `raw` is."""
    raw: str | None
    """The record as delivered; None unless requested, since it holds personal data."""

    @property
    def state(self) -> str:
        """What became of it: open, by which file it was resolved, or by whom dismissed and why."""
        if self.resolved_at:
            return f"resolved by {self.resolved_by_file}"
        if self.dismissed_at:
            day = f"{self.dismissed_at.astimezone(UTC):%Y-%m-%d}"
            return f"dismissed by {self.dismissed_by}, {day}: {self.dismissed_reason}"
        return "open"


@dataclass(frozen=True)
class QuarantinedFile:
    """One quarantined file."""

    file: str
    file_id: int
    interface: str
    code: str
    reason: str
    archived: str | None
    at: datetime
    replaced_by: int | None
    """The file that came later under its name, and loaded; where there is one, nothing is left to fix."""


class FileFilters(TypedDict, total=False):
    """Which quarantined files are wanted: those that match all that is given."""

    interface: str | None
    code: str | None
    file: str | None
    """Name of the file."""


class RejectFilters(FileFilters, total=False):
    """Which rejects are wanted: those that match all that is given."""

    field: str | None
    file_id: int | None
    record: int | None
