"""The runbook as a page: what each code means, with an anchor that alerts link to."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Request, Response

from erp_feeds.publish.runbook import SECTIONS, letter
from erp_feeds.web.rendering import page
from erp_feeds.web.routes import Routes


def runbook(request: Request, user: GetUserDep) -> Response:  # noqa: ARG001 - whoever has logged in may read it
    """Show every code."""
    return page(request, "runbook.html", {"sections": SECTIONS, "letters": letter})


def add(routes: Routes) -> None:
    """Add the page."""
    routes.pages.get("/runbook")(runbook)
