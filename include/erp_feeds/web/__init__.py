"""The pages in Airflow's UI, and the JSON API below them: one FastAPI application.

Airflow's scheduler and workers read plugins too: what `app` needs is imported by the first request.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

PREFIX = "/erp-feeds"
"""Where the plugin mounts the application."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, as an ASGI application."""
    await _application()(scope, receive, send)


@cache
def _application() -> FastAPI:
    from erp_feeds.web.application import application

    return application()
