"""The two mapping screens: a form that is checked while it is filled in, tried, and saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from erp_feeds.errors import FeedError
from erp_feeds.operations.dry_run import DryRun
from erp_feeds.store import merchant_settings
from erp_feeds.web import mapping_form
from erp_feeds.web.configuration import configured, of_file
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor
from erp_feeds.web.mapping import (
    MAPPED,
    Mapped,
    MappingPage,
    document_of,
    mapping,
    page_of,
    tried,
)
from erp_feeds.web.rendering import page, see_other
from erp_feeds.web.routes import Routes

TITLES = {"srs_customers": "Customers", "srs_purchases": "Purchases"}
"""Of the screens; an interface that is not named here has its own title."""


async def _form(request: Request) -> FormData:
    return await request.form(max_fields=2_000)


Form = Annotated[FormData, Depends(_form)]


def _submitted(
    request: Request, caller: PeopleEditor, store: Store, interface: Mapped, form: Form
) -> Response:
    """Answer a form: check, try or save what is filled in; errors come back with it."""
    merchant = configured(caller.merchant)
    fields = mapping_form.filled_in(interface, form)
    found = page_of(store, caller.name, merchant, interface, fields)
    result, problem = None, ""
    try:
        if form.get("do") == "try":
            result = tried(store, caller.name, merchant, interface, fields)
        elif form.get("do") == "save":
            saved = merchant_settings.save(
                store,
                of_file(merchant.name),
                document_of(merchant, interface, fields),
                author=caller.name,
                message=_message(form),
                after=_number(form.get("after")),
            )
            path = f"/merchants/{merchant.name}/mapping/{interface.name}?saved={saved.revision}#saved"
            return see_other(request, path)
    except FeedError as error:
        problem = "" if found.checked.errors else str(error)
        found = replace(found, revision=_number(form.get("after")) or 0)
    return _shown(request, found, _message(form), tried=result, problem=problem)


def _mapping_page(request: Request, caller: PeopleEditor, store: Store, interface: Mapped) -> Response:
    return _shown(request, mapping(caller, store, interface))


def _message(form: FormData) -> str:
    """Return why, for the history: it stays in its field until it is saved."""
    return str(form.get("message", ""))[:500]


def _shown(
    request: Request, found: MappingPage, message: str = "", *, tried: DryRun | None = None, problem: str = ""
) -> Response:
    values = {"found": found, "message": message, "tried": tried, "problem": problem, "MAPPED": MAPPED}
    status = 422 if problem else 200
    return page(
        request, "mapping.html", {**values, "CHOICES": mapping_form.CHOICES, "TITLES": TITLES}, status
    )


def _first(request: Request, caller: PeopleEditor) -> RedirectResponse:
    return see_other(request, f"/merchants/{caller.merchant}/mapping/{MAPPED[0]}")


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}"
    routes.pages.get(path + "/mapping")(_first)
    routes.pages.get(path + "/mapping/{interface}")(_mapping_page)
    routes.pages.post(path + "/mapping/{interface}")(_submitted)
