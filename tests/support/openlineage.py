"""Whether an event is as OpenLineage's typed classes say, which are generated from its JSON schemas."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any

import attr
from openlineage.client import facet_v2
from openlineage.client.event_v2 import RunEvent
from openlineage.client.generated.base import BaseFacet

Errors = Iterator[str]


def errors(event: Mapping[str, Any]) -> list[str]:
    """Return every way in which an event is not as the classes say.

    The facets of run and job are the provider's own, and are not looked at.
    """
    bare = {name: {**event[name], "facets": {}} for name in ("run", "job")}
    return list(_of_class(RunEvent, {**event, **bare}, "event"))


@cache
def _facets() -> dict[str, type]:
    """Address of the schema -> class of each facet that OpenLineage itself defines.

    A facet tells its address in public only as an object, for which each class wants values of its own.
    """
    modules = (each for each in vars(facet_v2).values() if isinstance(each, types.ModuleType))
    classes = (each for module in modules for each in vars(module).values() if isinstance(each, type))
    return {each._get_schema(): each for each in classes if issubclass(each, BaseFacet)}


def _of_class(wanted: type, value: Any, where: str) -> Errors:
    if issubclass(wanted, BaseFacet):
        if value.get("_schemaURL") not in _facets():
            return
        wanted = _facets()[value["_schemaURL"]]
    if not isinstance(value, Mapping):
        yield f"{where}: {value!r} is no object"
        return
    hints = typing.get_type_hints(wanted)
    fields = {field.name: field for field in attr.fields(wanted)}
    yield from (f"{where}: unknown {name}" for name in value.keys() - fields.keys())
    for name, field in fields.items():
        if name in value:
            yield from _of_type(hints[name], value[name], f"{where}.{name}")
        elif field.default is attr.NOTHING:
            yield f"{where}: no {name}"


def _of_type(wanted: Any, value: Any, where: str) -> Errors:
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        choices = [each for each in inner if (each is type(None)) is (value is None)]
        yield from min(
            (list(_of_type(each, value, where)) for each in choices), key=len, default=[f"{where}: null"]
        )
    elif origin is list:
        for position, each in enumerate(value):
            yield from _of_type(inner[0], each, f"{where}[{position}]")
    elif origin is dict:
        for name, each in value.items():
            yield from _of_type(inner[1], each, f"{where}.{name}")
    elif attr.has(wanted):
        yield from _of_class(wanted, value, where)
    elif isinstance(wanted, type) and issubclass(wanted, Enum):
        yield from (
            []
            if value in {each.value for each in wanted}
            else [f"{where}: {value!r} is no {wanted.__name__}"]
        )
    elif wanted is float:
        yield from [] if isinstance(value, float | int) else [f"{where}: {value!r} is no number"]
    elif wanted is not Any and not isinstance(value, str if issubclass(wanted, str) else wanted):
        yield f"{where}: {value!r} is no {wanted.__name__}"
