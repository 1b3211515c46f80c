"""Kinds whose records are loaded as they are delivered: one row of one table for each key."""

from __future__ import annotations

from collections.abc import Mapping

from erp_feeds.codes import WarningCode
from erp_feeds.columns.arrow import frame_of, table_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.records.collapse import collapse
from erp_feeds.records.kind import Frames, LoadMethod, RecordKind, Rows, key_of
from erp_feeds.steps.result import StepResult


def kind_by_key(interface: Interface, table: str, warnings: Mapping[WarningCode, str]) -> RecordKind:
    """Return the kind of an interface whose key is one required field.

    Args:
        interface: Its fields are columns of the table; its key names the one field.
        table: Of the store, with the columns of a versioned row; see `store/sql/load.sql` (versioned).
        warnings: See `Rows.warnings`.
    """
    (key,) = interface.key

    def split(frames: Frames, _: Merchant) -> StepResult:
        return StepResult({table: frames["records"]}, {})

    return RecordKind(
        key=key_of(key),
        deduplicate=_deduplicate,
        split=split,
        rows=Rows(
            LoadMethod.BY_KEY,
            table,
            key_column=key,
            fields=tuple(field.name for field in interface.fields if field.name != key),
            warnings=warnings,
        ),
    )


def _deduplicate(frames: Frames, _: Merchant) -> StepResult:
    """Collapse the records of each key (rule: ERP cache 5)."""
    unique, counts = collapse(table_of(frames["records"]).drop_columns(["extras"]))
    return StepResult({"records": frame_of(unique)}, counts)
