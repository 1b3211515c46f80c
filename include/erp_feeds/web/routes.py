"""Each endpoint is one function: its result is JSON below /api/v1, and a page where it has a template."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, TypeAdapter

from erp_feeds.web.problems import PROBLEM
from erp_feeds.web.rendering import page

API = "/api/v1"
Item = TypeVar("Item")

Cursor = Annotated[str | None, Query(max_length=2000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.", examples=[50])]


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = None
    """Cursor of the next part; none: this is the last one."""

    @classmethod
    def of(cls, found: Sequence[Any], limit: int, key: Callable[[Any], Sequence[object]]) -> Page[Any]:
        """Return the first `limit` rows, and a cursor where `found` has one row more than that."""
        more = len(found) > limit
        items = list(found[:limit])
        text = json.dumps(list(key(items[-1]))) if more else ""
        return cls(items=items, next=base64.urlsafe_b64encode(text.encode()).decode() if more else None)


def decode_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """Return the key that a cursor holds.

    Raises:
        HTTPException: the cursor is not one that this list returned.
    """
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
        if [type(each) for each in key] == list(kinds):
            return list(key)
    except (ValueError, TypeError):
        pass
    raise HTTPException(422, "cursor: not one that this list returned")


def decode_id(cursor: str | None) -> int | None:
    """Return the id that the cursor of a list by id holds; errors as in `decode_cursor`."""
    key = decode_cursor(cursor, int)
    return key[0] if key else None


class Routes:
    """The routes of the API, and those of the pages."""

    def __init__(self) -> None:
        self.examples: dict[str, object] = {}
        """Operation -> an answer of it."""
        self.api = APIRouter(prefix=API, responses=PROBLEM)
        self.pages = APIRouter(include_in_schema=False)

    def show(
        self, path: str, template: str, endpoint: Callable[..., Any], *, example: object, tag: str
    ) -> None:
        """Add a GET endpoint: as JSON, and as a page."""
        self.get(path, endpoint, example=example, tag=tag)
        self.pages.get(path)(self.page(endpoint, template))

    @staticmethod
    def page(endpoint: Callable[..., Any], template: str) -> Callable[..., Response]:
        """Return a handler that renders the result of an endpoint as a page."""
        result: Any = Depends(endpoint)

        def render(request: Request, found: Any = result) -> Response:
            return page(request, template, {"found": found})

        return render

    def get(self, path: str, endpoint: Callable[..., Any], *, example: object, tag: str) -> None:
        """Add a GET endpoint of the API: JSON with an ETag."""
        self._add("GET", path, endpoint, example, tag)

    def post(self, path: str, endpoint: Callable[..., Any], *, example: object, tag: str) -> None:
        """Add a POST endpoint of the API."""
        self._add("POST", path, endpoint, example, tag)

    def _add(self, method: str, path: str, endpoint: Callable[..., Any], example: object, tag: str) -> None:
        shape = get_type_hints(endpoint)["return"]
        operation = f"{endpoint.__module__.rpartition('.')[2]}_{endpoint.__name__}"
        self.examples[operation] = example
        self.api.add_api_route(
            path,
            _as_json(endpoint, TypeAdapter(shape)),
            methods=[method],
            response_model=shape,
            tags=[tag],
            summary=(inspect.getdoc(endpoint) or "").splitlines()[0],
            operation_id=operation,
        )


def _as_json(endpoint: Callable[..., Any], shape: TypeAdapter[Any]) -> Callable[..., Any]:
    result: Any = Depends(endpoint)

    async def respond(request: Request, found: Any = result) -> Response:
        body = shape.dump_json(found)
        if request.method != "GET":  # it may hold a password
            return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    return respond
