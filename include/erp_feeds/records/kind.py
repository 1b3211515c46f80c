"""What makes the records of one interface a kind of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.codes import WarningCode
from erp_feeds.columns.arrow import Column, array_of
from erp_feeds.columns.convert import FieldError
from erp_feeds.interfaces.spec import FieldType
from erp_feeds.merchant import Merchant
from erp_feeds.steps.result import StepResult

Columns = Mapping[str, Column]
Frames = Mapping[str, pd.DataFrame]
Row = Mapping[str, Any]


class LoadMethod(Enum):
    """How the rows of a kind are written; `store.group_load` holds a loader for each."""

    BY_KEY = "one versioned row per key"
    PEOPLE = "versioned rows of the profiles that identity finds"
    PURCHASES = "rows that a newer file replaces as a whole, with their lines"


@dataclass(frozen=True)
class Rows:
    """The rows that the records of a kind become."""

    loading: LoadMethod
    table: str
    """Also the name of the frame of `split` that is loaded into it: record, key, the fields, cleared."""
    key_column: str = ""
    """Of the table: holds the key, where it is loaded by key."""
    fields: tuple[str, ...] = ()
    """Columns of frame and table alike."""
    warnings: Mapping[WarningCode, str] = field(default_factory=dict)
    """Code -> the statement that counts it by file, after the rows are written. In: the table `loading` with
    the files; merchant. Out: file_id, number."""


def key_of(*names: str) -> Callable[[Columns], Column]:
    """Return a function for the key of records: the first of some columns that has a value."""
    return lambda columns: pc.coalesce(*(columns[name] for name in names))


def same_key(unique: pa.Table, own: Row) -> Column:
    """Return which records have the key of another."""
    return pc.equal(array_of(unique["key"]), own["key"])


def count_keys(frame: pd.DataFrame) -> int:
    """Return how many records a frame counts for: all records of one key count as one."""
    return int(frame["key"].nunique())


@dataclass(frozen=True)
class RecordKind:
    """The rules of one kind of record; `KINDS` has one for each interface."""

    key: Callable[[Columns], Column]
    """Typed columns of records -> the natural key: null where a part of it is missing or invalid.

    It is the column `key` of every frame from `parse` on and of the incoming tables. A rejected record has
    one too: a newer file that brings its key resolves it.
    """
    deduplicate: Callable[[Frames, Merchant], StepResult]
    """Frames of `parse` -> the same frames, without what later records of the file replace."""
    split: Callable[[Frames, Merchant], StepResult]
    """Frames of `deduplicate` -> the frames that load."""
    rows: Rows
    count: Callable[[pd.DataFrame], int] = count_keys
    """How many records a frame of `split` counts for."""
    stands_for: Callable[[pa.Table, Row], Column] = same_key
    """Records left by `deduplicate`, and one record by itself -> those of which the last one replaces it."""
    together: Callable[[Columns], Column] | None = None
    """Typed columns of records -> a text that is equal for records that may replace, fill or rename each
    other: they pass the steps in one piece of their file. None: the key."""
    across_fields: tuple[Callable[[Columns, Columns, Columns], list[FieldError]], ...] = ()
    """Rules that look at more than one field of a record: typed columns, texts as delivered, and where an
    element is empty, of columns in which that occurs."""
    lenient: frozenset[FieldType] = frozenset()
    """Types whose invalid values are left out with a warning by field; the record loads."""
    people: tuple[str, ...] = ()
    """Frames of `split` whose rows have number and email of a person."""
