"""Merchants: how each stands, what is open of it and what to do, its runs, and who looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import psycopg
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Path, Query

from erp_feeds.codes import IncidentKind
from erp_feeds.errors import FailError
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import files_by_merchant
from erp_feeds.operations.incidents import Feed, feeds
from erp_feeds.settings import settings
from erp_feeds.store import audit, incidents, merchant_settings, queries, reject_queries
from erp_feeds.store.file_rows import DriftingInterface, Holdings, MerchantFiles, RunFile, drift_in_words
from erp_feeds.store.incidents import Incident
from erp_feeds.store.reject_rows import OpenRejects
from erp_feeds.web.configuration import configured, of_file
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor, Reader
from erp_feeds.web.not_taken import UntakenFile, untaken_files
from erp_feeds.web.open_incidents import OpenIncident, in_words, most_urgent_first
from erp_feeds.web.routes import Cursor, Limit, Page, Routes, decode_cursor
from erp_feeds.web.scans import Scan, scans_of

DAYS = 30
"""Of the strip of files."""


@dataclass(frozen=True)
class MerchantRow(MerchantFiles):
    """How one merchant stands."""

    title: str
    error: str | None
    """What is wrong with its file; None: it is good."""
    feeds: list[Feed]
    open: list[OpenIncident]
    """Without what was dismissed; the most urgent first, of equal ones the oldest."""
    rejects: int
    """Rejected records that are open; one with two codes counts once."""
    quarantined: int
    scan: Scan | None
    """None: its file is wrong."""


@dataclass(frozen=True)
class MerchantPage(MerchantRow):
    """How one merchant stands, what the store holds, and how its latest files differ from those before."""

    currency: str
    holdings: Holdings
    drift: list[DriftingInterface]
    not_taken: list[UntakenFile]
    """What lies in the inbox and no run takes."""


@dataclass(frozen=True)
class RunPage:
    """What one run made of its files."""

    merchant: str
    run_id: str
    files: list[RunFile]


def merchants(
    store: Store,
    user: GetUserDep,
    search: Annotated[str, Query(max_length=100, description="Part of a name.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MerchantRow]:
    """List the merchants that you may read; those with something open first."""
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    known = {*files_by_merchant(settings().merchants), *queries.merchants(store)} & readable
    open_now = _by_merchant(incidents.listed(store, with_dismissed=True))
    failing = {name for name, rows in open_now.items() if any(row.dismissed_at is None for row in rows)}
    ordered = sorted((name not in failing, name) for name in known if search.lower() in name)
    after = decode_cursor(cursor, bool, str)
    wanted = [each for each in ordered if after is None or list(each) > after][: limit + 1]
    recent = {each.merchant: each for each in queries.overview(store, [name for _, name in wanted], DAYS)}
    names = [name for _, name in wanted]
    fresh = _feeds(store, names)
    rejected = reject_queries.open_rejects(store, names)
    rows = [_row(recent[name], fresh[name], open_now.get(name, []), rejected.get(name)) for name in names]
    return Page.of(rows, limit, lambda row: (not row.open, row.merchant))


def merchant(caller: Reader, store: Store) -> MerchantPage:
    """Return how one merchant stands, and what to do."""
    _check_known(store, caller.merchant)
    (recent,) = queries.overview(store, [caller.merchant], DAYS)
    fresh = _feeds(store, [caller.merchant])[caller.merchant]
    known = incidents.listed(store, caller.merchant, with_dismissed=True)
    rejected = reject_queries.open_rejects(store, [caller.merchant]).get(caller.merchant)
    row = _row(recent, fresh, known, rejected)
    drift = queries.drift(store, caller.merchant).items()
    owner = None if row.error else configured(caller.merchant)
    return MerchantPage(
        **vars(row),
        currency=owner.currency if owner else "",
        holdings=queries.holdings(store, caller.merchant),
        drift=[DriftingInterface(caller.merchant, name, drift_in_words(each)) for name, each in drift],
        not_taken=untaken_files(store, owner) if owner else [],
    )


def run(
    caller: Reader, store: Store, run_id: Annotated[str, Path(max_length=250, description="Of Airflow.")]
) -> RunPage:
    """Return what one run made of its files."""
    _check_known(store, caller.merchant)
    return RunPage(caller.merchant, run_id, queries.run_files(store, caller.merchant, [run_id]))


def _check_known(store: psycopg.Connection, name: str) -> None:
    """Reject a DAG that is no merchant's: Airflow shows the tab of these pages on every DAG.

    Raises:
        FailError: there is no such merchant file, and no file came from such a merchant.
    """
    if name not in files_by_merchant(settings().merchants) and name not in queries.merchants(store):
        text = f"{name} is not the DAG of a merchant. What is open of each merchant: see All merchants"
        raise FailError(text, "unknown_merchant")


def log(caller: PeopleEditor, store: Store, cursor: Cursor = None, limit: Limit = 50) -> Page[audit.Entry]:
    """List who looked at personal data, and who changed something, the latest first."""
    place = decode_cursor(cursor, int)
    found = audit.listed(store, caller.merchant, before=place[0] if place else None, limit=limit + 1)
    return Page.of(found, limit, lambda entry: [entry.audit_id])


@dataclass(frozen=True)
class _Configured:
    """What the file of one merchant says, and how fresh its interfaces are."""

    owner: Merchant | None
    error: str | None
    feeds: list[Feed]
    scan: Scan | None


def _feeds(store: psycopg.Connection, names: list[str]) -> dict[str, _Configured]:
    owners: dict[str, Merchant] = {}
    errors: dict[str, str] = {}
    for name in names:
        try:
            owners[name] = merchant_settings.effective(store, of_file(name))
        except FailError as error:
            errors[name] = str(error)
    found: dict[str, list[Feed]] = {}
    for feed in feeds(store, list(owners.values()), datetime.now(UTC)):
        found.setdefault(feed.merchant, []).append(feed)
    scans = scans_of(store, owners)
    return {
        name: _Configured(owners.get(name), errors.get(name), found.get(name, []), scans.get(name))
        for name in names
    }


def _row(
    recent: MerchantFiles, of_file: _Configured, known: list[Incident], rejected: OpenRejects | None
) -> MerchantRow:
    return MerchantRow(
        title=of_file.owner.title if of_file.owner else "",
        error=of_file.error,
        feeds=of_file.feeds,
        scan=of_file.scan,
        open=[in_words(of_file.owner, each) for each in most_urgent_first(known)],
        rejects=rejected.records if rejected else 0,
        quarantined=sum(each.number for each in known if each.kind == IncidentKind.QUARANTINED),
        **vars(recent),
    )


def _by_merchant(found: Iterable[Incident]) -> dict[str, list[Incident]]:
    rows: dict[str, list[Incident]] = {}
    for each in found:
        rows.setdefault(each.merchant, []).append(each)
    return rows


ROW = {
    "merchant": "testshop",
    "title": "TestShop",
    "error": None,
    "feeds": [
        {
            "merchant": "testshop",
            "interface": "srs_customers",
            "state": "on time",
            "last_file": "2026-01-31T06:00:00Z",
            "age": "12m",
            "next_expected": "2026-02-01T08:00:00+01:00",
        }
    ],
    "open": [],
    "rejects": 0,
    "quarantined": 0,
    "scan": {"state": "ok", "text": "the inbox was scanned at 2026-01-31 06:00 UTC"},
    "last_file": "TestShop_SRS_Customers_20260131060000.zip",
    "last_file_at": "2026-01-31T06:00:00Z",
    "last_file_state": "loaded",
    "last_run": "asset_triggered__2026-01-31T06:00:01+00:00_x",
    "days": [{"day": "2026-01-31", "files": 3, "quarantined": 0, "rejected": 0}],
}
STANDING = {
    "currency": "EUR",
    "holdings": {
        "profiles": 2,
        "orders": 1,
        "returns": 0,
        "lines": 1,
        "revenue": "0.50",
        "accounts": 3,
    },
    "drift": [],
    "not_taken": [],
}
RUN = {
    "merchant": "testshop",
    "run_id": "manual__2026-01-31T06:00:01+00:00",
    "files": [
        {
            "run_id": "manual__2026-01-31T06:00:01+00:00",
            "file": "TestShop_SRS_Customers_20260131060000.zip",
            "file_id": 12,
            "state": "loaded",
            "code": None,
            "reason": None,
            "counts": {"read": 2, "loaded": 2},
            "resolved": 0,
            "dismissed": 0,
        }
    ],
}
ENTRY = {
    "audit_id": 1,
    "at": "2026-01-31T06:00:00Z",
    "who": "admin",
    "merchant": "testshop",
    "action": "profile seen",
    "subject": "profile 12",
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    of_one = "/merchants/{merchant}"
    page_of = {"items": [ROW], "next": None}
    routes.get("/merchants", merchants, example=page_of, tag="Merchants")
    routes.pages.get("/")(routes.page(merchants, "merchants.html"))
    routes.show(of_one, "merchant.html", merchant, example={**ROW, **STANDING}, tag="Merchants")
    routes.show(of_one + "/runs/{run_id:path}", "run.html", run, example=RUN, tag="Merchants")
    log_page = {"items": [ENTRY], "next": None}
    routes.show(of_one + "/audit", "audit.html", log, example=log_page, tag="Merchants")
