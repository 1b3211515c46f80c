"""Renders Jinja templates: every value is escaped, and invisible characters are made visible."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from erp_feeds.codes import FileState, QuarantineCode, RejectCode, SkipCode, WarningCode
from erp_feeds.errors import counted, visible
from erp_feeds.interfaces import INTERFACES
from erp_feeds.web import PREFIX

WORDS = {str(code): code for kind in (WarningCode, SkipCode, QuarantineCode, RejectCode) for code in kind}
"""Every code of a file or record -> what it means, who must act, what to do."""

RULES = {
    "customers 1": "the number was known",
    "customers 2": "the number was new, the address belonged to this profile",
    "customers 3": "neither number nor address was known: the profile was made for it",
    "customers 4": "the address, without a number",
    "customers 6": "the number was new, an earlier record of the same file had its address",
    "purchases 3": "a purchase came first: the profile was made for it",
}
"""Rule that links an identifier to a profile -> its words."""


def page(request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """Return a page; templates get the user as `caller`, where the path names a merchant."""
    root = request.scope.get("root_path", "")
    known = {
        "root": root,
        "airflow": root.removesuffix(PREFIX),
        "caller": getattr(request.state, "caller", None),
        "path": request.scope["path"].removeprefix(root),
        "query": request.query_params,
    }
    return _TEMPLATES.TemplateResponse(request, template, {**known, **values}, status_code=status)


def see_other(request: Request, path: str) -> RedirectResponse:
    """Send the browser from a form to a page of ours; the path begins with a slash."""
    return RedirectResponse(request.scope.get("root_path", "") + path, status_code=303)


def _shown(value: object) -> object:
    """Return a value as a page shows it, without characters that hide others or reverse their direction."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,}"
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value


def _prose(text: str) -> Markup:
    """Return a sentence with its `commands` and `settings` set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))  # noqa: S704 - escaped


def _breakable(name: str) -> Markup:
    """Return the name of a file that may be broken into lines behind its underscores."""
    return Markup("_<wbr>").join(visible(name).split("_"))


def _nice(largest: float) -> float:
    """Return a round number for the top of an axis: 1, 2 or 4 with zeros, no less than the largest value."""
    power = 10.0 ** math.floor(math.log10(max(largest, 1)))
    return next(power * each for each in (1, 2, 4, 10) if power * each >= largest)


def _nice_duration(seconds: float) -> float:
    """Return the same for seconds, which are shown as minutes or hours where there are many."""
    unit = 1 if seconds <= 40 else 60 if seconds <= 2_400 else 3_600
    return unit * _nice(seconds / unit)


def _duration(seconds: float) -> str:
    """Return seconds as people read them: 12 s, 3.5 min, 2.0 h."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if seconds < 6_000 else f"{seconds / 3_600:,.1f} h"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = "{:,}".format
    made.filters["plain"] = lambda value: (
        json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
    )
    made.filters["prose"] = _prose
    made.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    made.filters["breakable"] = _breakable
    made.filters["day"] = lambda moment: f"{moment.astimezone(UTC):%d %b %H:%M}"
    made.globals |= {
        "WORDS": WORDS,
        "STATES": list(FileState),
        "counted": counted,
        "nice": _nice,
        "nice_duration": _nice_duration,
        "duration": _duration,
        "whole": "{:,.0f}".format,
        "INTERFACES": list(INTERFACES),
        "RULES": RULES,
    }
    return made


_TEMPLATES = Jinja2Templates(env=_environment())
