"""The pages in Airflow's UI, and the JSON API below them: one FastAPI application.

Airflow's scheduler and workers read plugins too: what `app` needs is imported by the first request.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from erp_feeds.settings import PAGES as PREFIX

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

__all__ = ["PREFIX", "app"]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, as an ASGI application."""
    await _application()(scope, receive, send)


@cache
def _application() -> FastAPI:
    from erp_feeds.web.application import application

    return application()
