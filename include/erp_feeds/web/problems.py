"""Errors as RFC 9457 problems for machines, and as a page for people."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from erp_feeds.errors import FeedError, QuarantineError, RetryError, in_words
from erp_feeds.web.rendering import page

STATUS = {
    "not_found": 404,
    "unknown_merchant": 404,
    "not_archived": 404,
    "deleted": 410,
    "usage": 422,
    "placeholder": 422,
    "no_reason": 422,
    "invalid_settings": 422,
}
"""Code of an error -> status; others are conflicts."""
TITLES = {
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    410: "Deleted",
    422: "Not possible with these values",
    503: "Not possible now",
}
"""Status -> title of the page."""


def _problem(status: int, detail: str, code: str = "") -> dict[str, object]:
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {**problem, "code": code} if code else problem


PROBLEM: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"example": _problem(status, why)}},
    }
    for status, why in (
        (401, "Not authenticated"),
        (403, "your role in Airflow does not allow this: it requires PUT on DAG of testshop"),
        (404, "testshop has no file 12"),
        (409, "a check of testshop runs already: wait for its result"),
        (422, "limit: 200 or less is expected"),
        (503, "a load of this merchant is running: try again in a minute"),
    )
}


def add_handlers(app: FastAPI) -> None:
    """Answer every error as JSON below /api, and as a page elsewhere."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return _answer(request, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(FeedError)
    async def feed(request: Request, error: FeedError) -> Response:
        if isinstance(error, RetryError):
            return _answer(request, 503, str(error), {"Retry-After": "30"}, error.code)
        if isinstance(error, QuarantineError):  # a request for such a file is invalid too
            return _answer(request, 422, error.reason, code=str(error.code))
        return _answer(request, STATUS.get(error.code, 409), str(error), code=error.code)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # Without what was sent: it may be personal data.
        detail = "; ".join(f"{each['loc'][-1]}: {in_words(each)}" for each in error.errors())
        return _answer(request, 422, detail, code="invalid_request")


def _answer(request: Request, status: int, detail: str, headers: Any = None, code: str = "") -> Response:
    root = request.scope.get("root_path", "")
    path = request.scope["path"].removeprefix(root)
    if path.startswith("/api/"):
        body = json.dumps(_problem(status, detail, code))
        return Response(body, status, headers, "application/problem+json")
    if status == 401 and request.method == "GET":
        airflow = root.removesuffix("/erp-feeds")
        target = quote(f"{root}{path}", safe="")
        return Response(status_code=303, headers={"Location": f"{airflow}/api/v2/auth/login?next={target}"})
    values = {"title": TITLES.get(status, HTTPStatus(status).phrase), "detail": detail}
    if code == "unknown_merchant":  # there are no pages of it to which the navigation could lead
        values["caller"] = ""
    return page(request, "error.html", values, status=status)
