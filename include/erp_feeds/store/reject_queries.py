"""Questions to the store about rejected records, each over one statement of sql/reject_queries.sql."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Unpack

from psycopg import Connection
from psycopg.rows import class_row

from erp_feeds.store.reject_rows import OpenRejects, Reject, RejectFilters
from erp_feeds.store.sql import read_rows, statement

REJECTS_AT_A_TIME = 1_000


def open_rejects(connection: Connection[Any], merchants: Collection[str]) -> dict[str, OpenRejects]:
    """Return the open rejects of some merchants, by merchant; those without any are left out."""
    found = read_rows(connection, OpenRejects, "reject_queries/open_rejects", merchants=list(merchants))
    return {each.merchant: each for each in found}


def rejects(
    connection: Connection[Any],
    merchant: str,
    *,
    after: Sequence[object] | None = None,
    limit: int | None = None,
    with_all: bool = False,
    with_raw: bool = False,
    **wanted: Unpack[RejectFilters],
) -> list[Reject]:
    """Return rejects, those of the latest file first; on request also resolved and dismissed ones.

    With `with_raw` also what they hold of people: the key of the record, and the record as delivered. `after`
    is the file id, record, code and field of the last one that is known already.
    """
    inputs = _reject_inputs(merchant, wanted, with_all=with_all)
    inputs |= {"after": after and [str(each) for each in after], "max_rows": limit}
    found = read_rows(connection, Reject, "reject_queries/rejects", **inputs)
    return _with_raw(connection, found) if with_raw else found


def each_reject(
    connection: Connection[Any],
    merchant: str,
    *,
    with_all: bool = False,
    **wanted: Unpack[RejectFilters],
) -> Iterator[Reject]:
    """Yield what `rejects` returns with `with_raw`, some at a time: there may be millions."""
    inputs = _reject_inputs(merchant, wanted, with_all=with_all)
    with connection.transaction(), connection.cursor("rejects", row_factory=class_row(Reject)) as cursor:
        cursor.execute(statement("reject_queries/rejects"), inputs)
        while found := cursor.fetchmany(REJECTS_AT_A_TIME):
            yield from _with_raw(connection, found)


def _reject_inputs(merchant: str, wanted: RejectFilters, *, with_all: bool) -> dict[str, Any]:
    """Return the inputs of the statement `rejects` for all rows that are wanted."""
    names = (*RejectFilters.__annotations__, "after", "max_rows")
    return {**dict.fromkeys(names), **wanted, "merchant": merchant, "with_all": with_all}


def _with_raw(connection: Connection[Any], found: Sequence[Reject]) -> list[Reject]:
    """Add to rejects what they hold of people."""
    keys = {"file_ids": [each.file_id for each in found], "records": [each.record for each in found]}
    rows = connection.execute(statement("reject_queries/rejected_records"), keys)
    held = {(file_id, record): {"key": key, "raw": raw} for file_id, record, key, raw in rows}
    return [replace(each, **held.get((each.file_id, each.record), {})) for each in found]
