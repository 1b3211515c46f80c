"""The history of a merchant's settings: who changed what, and a way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import RedirectResponse

from erp_feeds.store import merchant_settings
from erp_feeds.store.merchant_settings import Change
from erp_feeds.web.configuration import of_file
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor
from erp_feeds.web.rendering import see_other
from erp_feeds.web.routes import Cursor, Limit, Page, Routes, decode_id


@dataclass(frozen=True)
class RevisionRow:
    """A revision of a merchant's settings, and what it changed."""

    revision: int
    at: datetime
    author: str
    message: str
    changes: list[Change]


@dataclass(frozen=True)
class Saved:
    """A new revision."""

    merchant: str
    revision: int


def history(
    caller: PeopleEditor, store: Store, cursor: Cursor = None, limit: Limit = 20
) -> Page[RevisionRow]:
    """List the revisions of the settings, the latest first, each with what it changed."""
    found = merchant_settings.listed(store, caller.merchant, before=decode_id(cursor), limit=limit + 1)
    rows = [
        RevisionRow(
            each.revision,
            each.at,
            each.author,
            each.message,
            [*merchant_settings.changes(old, each.document)],
        )
        for each, old in merchant_settings.with_previous(found, of_file(caller.merchant))
    ]
    return Page.of(rows, limit, lambda row: [row.revision])


def revert(caller: PeopleEditor, store: Store, revision: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Saved:
    """Save an earlier revision once more."""
    owner = of_file(caller.merchant)
    found = merchant_settings.revert(store, owner, revision, author=caller.name)
    return Saved(found.merchant, found.revision)


def _revert_page(request: Request, found: Annotated[Saved, Depends(revert)]) -> RedirectResponse:
    return see_other(request, f"/merchants/{found.merchant}/settings")


SAVED = {"merchant": "testshop", "revision": 4}
REVISION = {
    "revision": 3,
    "at": "2026-01-31T06:00:00Z",
    "author": "admin",
    "message": "the loyalty card",
    "changes": [{"place": "srs_customers.mapping.phone", "before": "", "after": "not filled"}],
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}/settings"
    routes.show(path, "settings.html", history, example={"items": [REVISION], "next": None}, tag="Mapping")
    routes.post(path + "/{revision}/revert", revert, example=SAVED, tag="Mapping")
    routes.pages.post(path + "/{revision}/revert")(_revert_page)
