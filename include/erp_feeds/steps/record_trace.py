"""What the steps make of one record of a file: rejected, collapsed into another, skipped, or kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.columns.arrow import table_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.steps.deduplicate import deduplicate
from erp_feeds.steps.split import split

Frames = Mapping[str, pd.DataFrame]
Row = Mapping[str, Any]

KEYS = ("number", "email", "purchase_id", "account_number")
"""Columns of the final frames by which the store knows a record."""


@dataclass(frozen=True)
class RejectReason:
    """Why a record is rejected."""

    code: str
    field: str | None
    reason: str


@dataclass(frozen=True)
class StepTrace:
    """How far a record comes in its file."""

    fate: Literal["rejected", "collapsed", "skipped", "kept"]
    errors: tuple[RejectReason, ...] = ()
    """Of a rejected one."""
    code: str | None = None
    """Of a skipped one."""
    into: int | None = None
    """Number of the record that a collapsed one goes by."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Of a kept one: those of KEYS that it has."""


def trace_steps(frames: Frames, record: int, interface: Interface, merchant: Merchant) -> StepTrace:
    """Follow one record through deduplicate and split, as the merchant is configured now.

    Args:
        frames: As parse left them, of the piece of the file that holds the record.
        record: Its number in the file.
        interface: What kind of file it is.
        merchant: Whose file it is.

    Raises:
        KeyError: the piece has no such record.
    """
    if "rejects" in frames and (rejects := _rows(_only(frames["rejects"], record))):
        return StepTrace(
            "rejected", tuple(RejectReason(row["code"], row["field"], row["reason"]) for row in rejects)
        )
    alone = _each_only(frames, record)
    if alone["records"].empty:
        raise KeyError(record)
    unique = deduplicate(frames, interface, merchant).frames
    kept = _each_only(unique, record)
    (own,) = _rows(kept["records"]) or _rows(deduplicate(alone, interface, merchant).frames["records"])
    into = _successor(table_of(unique["records"]), own, interface)
    if into is not None and into != record:
        return StepTrace("collapsed", into=into)
    outcome = split(kept, interface, merchant)
    if outcome.counts.skipped:
        return StepTrace("skipped", code=next(iter(outcome.counts.skipped)))
    rows = (row for name, frame in outcome.frames.items() if name != "lines" for row in _rows(frame))
    return StepTrace(
        "kept", keys={name: row[name] for row in rows for name in KEYS if row.get(name) is not None}
    )


def _only(frame: pd.DataFrame, record: int) -> pd.DataFrame:
    return frame[frame["record"] == record]


def _each_only(frames: Frames, record: int) -> dict[str, pd.DataFrame]:
    return {name: _only(frame, record) for name, frame in frames.items()}


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table_of(frame).to_pylist()
    return found


def _successor(unique: pa.Table, own: Row, interface: Interface) -> int | None:
    """Return the number of the record that stands for one: maybe itself; None where it has no key."""
    same = KINDS[interface.name].stands_for(unique, own)
    found: int | None = pc.max(unique.filter(same)["record"]).as_py()
    return found
