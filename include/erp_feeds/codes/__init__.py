"""The states of a file, and every stable code of a file or record, with its plain words.

A code never changes its meaning: result files, alerts, dashboards and the ERP parties' own scripts match on
it. The runbook is generated from here.
"""

from __future__ import annotations

from erp_feeds.codes.code import Actor, Code
from erp_feeds.codes.file_states import TRANSITIONS, FileState
from erp_feeds.codes.incident import IncidentCode, IncidentKind
from erp_feeds.codes.quarantine import QuarantineCode
from erp_feeds.codes.reject import RejectCode, SkipCode
from erp_feeds.codes.warning import WarningCode

__all__ = [
    "REPLAYABLE",
    "TRANSITIONS",
    "Actor",
    "Code",
    "FileState",
    "IncidentCode",
    "IncidentKind",
    "QuarantineCode",
    "RejectCode",
    "SkipCode",
    "WarningCode",
    "words_of",
]

REPLAYABLE = tuple(sorted({*map(str, RejectCode), *map(str, QuarantineCode)}))
"""Codes by which rejected records and quarantined files can be chosen for a replay."""


def words_of(kind: str, code: str) -> Code:
    """Return what an incident means, who must act and what to do."""
    if kind == IncidentKind.REJECTED:
        return RejectCode(code)  # type: ignore[call-arg] # a look-up, as of any enum
    if kind in {IncidentKind.QUARANTINED, IncidentKind.PUT_OFF}:
        return QuarantineCode(code)  # type: ignore[call-arg]
    return IncidentCode(kind)  # type: ignore[call-arg]
