"""Files: which came, and what became of one, run by run; its original to download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

import psycopg
from fastapi import Path, Query
from fastapi.responses import StreamingResponse

from erp_feeds.batch import PIPELINE
from erp_feeds.codes import FileState
from erp_feeds.errors import FailError
from erp_feeds.storage.archive import open_original
from erp_feeds.store import audit, queries
from erp_feeds.store.file_rows import FileRun, LedgerFile
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor, Reader
from erp_feeds.web.routes import Cursor, Limit, Page, Routes, decode_id

BLOCK = 1 << 18
FileId = Annotated[int, Path(ge=1, le=2**62, description="As `files` lists it.", examples=[12])]
TASKS = ("sense", *PIPELINE)
"""Of every run: each has its log."""


@dataclass(frozen=True)
class FilePage:
    """One file, and what each run made of it."""

    file: LedgerFile
    runs: list[FileRun]
    tasks: tuple[str, ...]


def files(
    *,
    caller: Reader,
    store: Store,
    day: Annotated[date | Literal[""] | None, Query(examples=["2026-01-31"])] = None,
    interface: Annotated[str | None, Query(max_length=100)] = None,
    state: FileState | Literal[""] | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[LedgerFile]:
    """List a merchant's files, the latest first; without their drift."""
    found = queries.files(
        store,
        caller.merchant,
        states=[state] if state else (),
        interface=interface or None,
        day=day or None,
        before=decode_id(cursor),
        with_drift=False,
        limit=limit + 1,
    )
    return Page.of(found, limit, lambda file: [file.file_id])


def file(caller: Reader, store: Store, file_id: FileId) -> FilePage:
    """Return one file, with its drift, and what each run made of it."""
    runs = queries.file_runs(store, caller.merchant, file_id)
    found = known_file(store, caller.merchant, file_id)
    drift = queries.drift(store, caller.merchant, file_id).get(found.interface, {})
    return FilePage(replace(found, drift=drift), runs, TASKS)


def original(caller: PeopleEditor, store: Store, file_id: FileId) -> StreamingResponse:
    """Download the original, byte for byte as it was delivered."""
    found = known_file(store, caller.merchant, file_id)
    if not found.archived or found.archive_deleted_at:
        raise FailError(f"the original of file {file_id} is not in the archive", "not_archived")
    audit.note(store, caller.name, caller.merchant, "original downloaded", found.name)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
    return StreamingResponse(_blocks(found.archived), headers=headers, media_type="application/octet-stream")


def known_file(store: psycopg.Connection, merchant: str, file_id: int) -> LedgerFile:
    """Return a merchant's file, without its drift.

    Raises:
        FailError: it has no such file.
    """
    found = queries.files(store, merchant, file_ids=[file_id], with_drift=False)
    if not found:
        raise FailError(f"{merchant} has no file {file_id}", "not_found")
    return found[0]


def _blocks(url: str) -> Iterator[bytes]:
    with closing(open_original(url)) as source:
        while block := source.read(BLOCK):
            yield block


FILE = {
    "file_id": 12,
    "interface": "srs_customers",
    "name": "TestShop_SRS_Customers_20260131060000.zip",
    "state": "loaded",
    "code": None,
    "reason": None,
    "revision": 1,
    "day": "2026-01-31",
    "size": 1834,
    "attempts": 0,
    "run_id": "manual__2026-01-31T06:00:01+00:00",
    "counts": {"read": 2, "loaded": 1, "rejected": {"missing_field": 1}},
    "archived": "s3://archive/testshop/srs_customers/TestShop_SRS_Customers_20260131060000.zip",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "first_seen_at": "2026-01-31T06:00:00Z",
    "finished_at": "2026-01-31T06:00:07Z",
    "archive_deleted_at": None,
    "replaced_by": None,
    "drift": {},
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}/files"
    routes.show(path, "files.html", files, example={"items": [FILE], "next": None}, tag="Files")
    one = {"file": FILE, "runs": [], "tasks": list(TASKS)}
    routes.show(path + "/{file_id}", "file.html", file, example=one, tag="Files")
    responses: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}
    routes.api.get(
        path + "/{file_id}/original",
        tags=["Files"],
        response_class=StreamingResponse,
        responses=responses,
        operation_id="files_original",
    )(original)
    routes.pages.get(path + "/{file_id}/original")(original)
