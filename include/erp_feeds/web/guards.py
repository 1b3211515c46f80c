"""Access control: permissions from Airflow's auth manager, a same-origin check, and security headers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, HTTPException, Path, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    # Nothing from another origin and nothing inline; Airflow itself may show the pages in a frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

MerchantName = Annotated[
    str, Path(pattern="^[a-z][a-z0-9_]*$", max_length=200, examples=["testshop"], description="A merchant.")
]


class Right(Enum):
    """What a user may do with a merchant: each value is the right on the merchant's DAG that it requires."""

    READ = ("GET", None)
    """See files, counts, and what records were rejected for."""
    REPLAY = ("POST", DagAccessEntity.RUN)
    """Replay files, dismiss incidents."""
    PEOPLE = ("PUT", None)
    """See personal data, originals and accounts, and forget people."""


@dataclass(frozen=True)
class Caller:
    """The user who sent a request about one merchant."""

    name: str
    merchant: str
    request: Request
    user: Any

    def may(self, right: Right) -> bool:
        """Return whether Airflow grants the right on the merchant's DAG."""
        method, entity = right.value
        try:
            requires_access_dag(method, entity, self.merchant)(self.request, self.user)
        except HTTPException:
            return False
        return True

    def refusal(self, right: Right) -> HTTPException:
        """Return the error for a caller who lacks a right."""
        method, entity = right.value
        what = f"{method} on {entity.value if entity else 'the DAG'} of {self.merchant}"
        return HTTPException(403, f"your role in Airflow does not allow this: it requires {what}")

    @property
    def may_replay(self) -> bool:
        """For templates."""
        return self.may(Right.REPLAY)

    @property
    def may_see_people(self) -> bool:
        """For templates."""
        return self.may(Right.PEOPLE)


def _require(right: Right) -> Any:
    def caller(request: Request, merchant: MerchantName, user: GetUserDep) -> Caller:
        found = Caller(user.get_name(), merchant, request, user)
        if not found.may(right):
            raise found.refusal(right)
        request.state.caller = found
        return found

    return Depends(caller)


Reader = Annotated[Caller, _require(Right.READ)]
Replayer = Annotated[Caller, _require(Right.REPLAY)]
PeopleEditor = Annotated[Caller, _require(Right.PEOPLE)]


async def only_same_origin(request: Request) -> None:
    """Reject a change that another site makes a user's browser send: the browser adds the cookie by itself.

    A browser never adds a bearer token by itself, and a token takes precedence over the cookie.
    """
    if request.method in SAFE or request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if site != "same-origin" and (site is not None or not origin or origin != request.headers.get("host")):
        raise HTTPException(403, "a change must come from a page of this server, or carry a bearer token")


class Headers:
    """Adds the security headers to every response; only static files may be cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        is_static = path.startswith("/static/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "max-age=3600" if is_static else "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)
