"""What stays open until it is resolved or dismissed."""

from __future__ import annotations

from enum import StrEnum

from erp_feeds.codes.code import Actor, Code


class IncidentKind(StrEnum):
    """What stays open until it is resolved or dismissed, and is alerted once; the most urgent first.

    What stops all files comes before what stops some, and that before what left out some records.
    """

    UNREACHABLE = "unreachable"
    FAILED_TASK = "failed_task"
    PUT_OFF = "put_off"
    """Files that wait for disk space."""
    QUARANTINED = "quarantined"
    MISSING = "missing"
    LATE = "late"
    REJECTED = "rejected"

    @property
    def urgency(self) -> int:
        """Place among the kinds: 0 is the most urgent."""
        return list(type(self)).index(self)


class IncidentCode(Code):
    """What may be wrong beside files and records, and has no code of theirs."""

    LATE = (
        IncidentKind.LATE,
        "No file of the interface has come for longer than the merchant file's `freshness` allows.",
        Actor.SENDER,
        "Ask the sender whether the export ran and what its upload reported; the next file resolves it.",
    )
    MISSING = (
        IncidentKind.MISSING,
        "No file of the interface has come for so long that at least one was left out.",
        Actor.SENDER,
        "Ask the sender to export and upload what is missing; the next file resolves it.",
    )
    UNREACHABLE = (
        IncidentKind.UNREACHABLE,
        "The inbox cannot be scanned, or no scan has run for too long: files may wait there unseen.",
        Actor.ENGINEER,
        "Run `python -m erp_feeds doctor MERCHANT`: it shows the failing step. The next scan resolves it.",
    )
    FAILED_TASK = (
        IncidentKind.FAILED_TASK,
        "A task of the merchant's DAG failed after all retries; no file or record was lost.",
        Actor.ENGINEER,
        "The log of the task says why. Clear the task after the fix; a run that gets through resolves it.",
    )
