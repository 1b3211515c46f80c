"""Rejects: by code, in plain words, with what to do; one record as delivered, its invalid elements marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import psycopg
from fastapi import Path, Query

from erp_feeds.batch import Replay
from erp_feeds.errors import FailError
from erp_feeds.interfaces import known_interfaces
from erp_feeds.interfaces.spec import EXTRA
from erp_feeds.merchant import Merchant
from erp_feeds.operations.record_trace import RecordTrace, trace_record
from erp_feeds.steps.record_trace import RejectReason
from erp_feeds.store import audit, incidents, reject_queries
from erp_feeds.store.file_rows import LedgerFile
from erp_feeds.store.incidents import Incident
from erp_feeds.store.reject_rows import Reject
from erp_feeds.web.configuration import configured, good_or_none
from erp_feeds.web.connections import Store
from erp_feeds.web.files import FILE, FileId, known_file
from erp_feeds.web.guards import PeopleEditor, Reader
from erp_feeds.web.open_incidents import OpenIncident, in_words
from erp_feeds.web.routes import Cursor, Limit, Page, Routes, decode_cursor

MAX_FILE_BYTES = 20 << 20
"""Bytes of the largest file that is searched for one record during a request."""


class RejectPage(Page[Reject]):
    """Open rejects, and how many there are of each code."""

    codes: list[OpenIncident]
    """Also those of quarantined files."""


@dataclass(frozen=True)
class TextPiece:
    """A part of a record as delivered."""

    text: str
    is_invalid: bool


@dataclass(frozen=True)
class RecordPage:
    """One record, what became of it, and its text."""

    file: LedgerFile
    trace: RecordTrace
    pieces: list[TextPiece]
    """Joined, they are the record as delivered."""
    has_key: bool = True
    """Whether a newer file can resolve its rejects: without a key nobody knows which record it was."""


def rejects(
    *,
    caller: Reader,
    store: Store,
    code: Annotated[str | None, Query(max_length=60, examples=["missing_field"])] = None,
    interface: Annotated[str | None, Query(max_length=100, examples=["srs_customers"])] = None,
    file_id: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RejectPage:
    """List open rejects, those of the latest file first; and how many there are of each code."""
    found = reject_queries.rejects(
        store,
        caller.merchant,
        code=code or None,
        interface=interface or None,
        file_id=file_id,
        after=decode_cursor(cursor, int, int, str, str),
        limit=limit + 1,
    )
    part = Page.of(found, limit, lambda each: (each.file_id, each.record, each.code, each.field))
    return RejectPage(items=part.items, next=part.next, codes=_causes(store, caller.merchant))


def _causes(store: psycopg.Connection, merchant: str) -> list[OpenIncident]:
    """Return what is open now, each with the id of its incident, by which it may be dismissed."""
    listed = incidents.listed(store, merchant)
    ids = {(each.interface, each.kind, each.code): each.incident_id for each in listed}
    found = [
        Incident(
            **vars(each), merchant=merchant, incident_id=ids.get((each.interface, each.kind, each.code), 0)
        )
        for each in incidents.causes(store, merchant)
    ]
    owner = good_or_none(merchant)
    return [in_words(owner, each) for each in found]


def record(
    caller: PeopleEditor, store: Store, file_id: FileId, record: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> RecordPage:
    """Return one record as it was delivered, what became of it, and what is wrong with it."""
    file = known_file(store, caller.merchant, file_id)
    owner = configured(caller.merchant)
    audit.note(store, caller.name, caller.merchant, "record seen", f"{file.name}: record {record}")
    errors = reject_queries.rejects(
        store, caller.merchant, file_id=file_id, record=record, with_raw=True, with_all=True
    )
    if errors and errors[0].raw:
        found = RecordTrace(
            file.name,
            file.state,
            record,
            line=errors[0].line,
            outcome="rejected" if any(each.resolved_at is None for each in errors) else "resolved",
            errors=tuple(RejectReason(each.code, each.field or None, each.reason) for each in errors),
            raw=errors[0].raw,
        )
    elif file.size > MAX_FILE_BYTES:
        command = f"python -m erp_feeds record {caller.merchant} {file.name} {record} --raw"
        raise FailError(f"the file is too large for this page: run `{command}`", "too_large")
    else:
        found = trace_record(store, owner, Replay(file_ids=(file_id,)), record)
    elements = _elements(owner, file.interface, {each.field for each in found.errors if each.field})
    has_key = not errors or errors[0].key is not None
    return RecordPage(file, found, list(_pieces(found.raw or "", elements)), has_key)


def _elements(owner: Merchant, interface: str, fields: set[str]) -> list[str]:
    """Return the names of the elements that fill some fields."""
    known = {each.name: each.element for each in known_interfaces(owner)[interface].all_fields()}
    return [known.get(name, name.removeprefix(EXTRA)) for name in sorted(fields)]


def _pieces(raw: str, elements: list[str]) -> Iterator[TextPiece]:
    """Split a record into its invalid elements and the text between them."""
    if not elements:
        yield TextPiece(raw, is_invalid=False)
        return
    name = rf"(?:[\w.-]+:)?(?:{'|'.join(map(re.escape, elements))})"
    form = rf"(<{name}(?:\s[^>]*)?(?:/>|>.*?</{name}\s*>))"
    for number, text in enumerate(re.split(form, raw, flags=re.DOTALL)):
        if text:
            yield TextPiece(text, is_invalid=number % 2 == 1)


REJECT = {
    "file": "TestShop_SRS_Customers_20260131060000.zip",
    "file_id": 12,
    "interface": "srs_customers",
    "record": 2,
    "line": 9,
    "code": "malformed_number",
    "field": "number",
    "reason": "CustomerNumber looks like a number that a spreadsheet has rewritten",
    "run_id": "manual__2026-01-31T06:00:01+00:00",
    "opened_at": "2026-01-31T06:00:07Z",
    "resolved_at": None,
    "resolved_by_run": None,
    "resolved_by_file": None,
    "dismissed_at": None,
    "dismissed_by": None,
    "dismissed_reason": None,
    "key": None,
    "raw": None,
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}"
    part = {"items": [REJECT], "next": None, "codes": []}
    routes.show(path + "/rejects", "rejects.html", rejects, example=part, tag="Rejects")
    of_file = path + "/files/{file_id}/records/{record}"
    text = "<Customer><CustomerNumber>1.23E+05</CustomerNumber></Customer>"
    one = {
        "file": FILE,
        "trace": {"file": FILE["name"], "state": "loaded", "record": 2, "outcome": "rejected", "raw": text},
        "pieces": [{"text": text, "is_invalid": False}],
    }
    routes.show(of_file, "record.html", record, example=one, tag="Rejects")
