"""Builds the application: routes, access control, headers, errors, static files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from erp_feeds.web import (
    accounts,
    apps,
    changes,
    charts,
    files,
    ftps_connection,
    mapping,
    mapping_pages,
    merchants,
    profiles,
    rejects,
    revisions,
    runbook,
)
from erp_feeds.web.guards import Headers, only_same_origin
from erp_feeds.web.problems import add_handlers
from erp_feeds.web.routes import API, Routes

DESCRIPTION = """\
What the pages of erp-feeds show and do. Send a token of Airflow's (`POST /auth/token`) as bearer: its
rights on the merchant's DAG are yours here. A token of `python -m erp_feeds token create` opens
`GET /accounts` of its merchant, and nothing else. Errors are `application/problem+json`; a list returns
`next`, to be sent as `cursor`.
"""


class _Application(FastAPI):
    """The application, whose description keeps the nulls of the examples: FastAPI leaves them out."""

    def __init__(self, routes: Routes, **settings: Any) -> None:
        super().__init__(**settings)
        self._examples = routes.examples

    def openapi(self) -> dict[str, Any]:
        """Return the description of the API."""
        described = super().openapi()
        for operations in described["paths"].values():
            for operation in operations.values():
                content = operation["responses"]["200"]["content"]
                if operation["operationId"] in self._examples:
                    content["application/json"]["example"] = self._examples[operation["operationId"]]
        return described


def application() -> FastAPI:
    """Return the application, to be mounted by the plugin."""
    routes = Routes()
    app = _Application(
        routes,
        title="erp-feeds",
        description=DESCRIPTION,
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its scripts come from a CDN
        redoc_url=None,
        dependencies=[Depends(only_same_origin)],
    )
    shown = (merchants, files, rejects, charts, profiles, accounts, mapping, mapping_pages, changes)
    for module in (*shown, revisions, ftps_connection, apps, runbook):
        module.add(routes)
    app.include_router(routes.api)
    app.include_router(routes.pages)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_middleware(Headers)
    add_handlers(app)
    return app
