"""The kinds of value that a merchant file holds, and the form in which addresses are compared."""

from __future__ import annotations

import re
import unicodedata
from datetime import time, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

_ADDRESS = re.compile(r"""[^@\s,;:<>()\[\]\\"]+@[^@\s,;:<>()\[\]\\"]+""")
_DURATION = re.compile(r"([1-9]\d{0,4})([mhd])")
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
_TO_LOWER = str.maketrans({chr(letter): chr(letter + 32) for letter in range(ord("A"), ord("Z") + 1)})


KELVIN = "\u212a"
"""The one letter that NFC itself would make another person's; an address with it stays as it is."""


def matched_email(text: str) -> str:
    """Return an address as addresses are compared: trimmed, NFC, A to Z in lower case (rule: customers 7)."""
    address = text.strip()
    return (address if KELVIN in address else unicodedata.normalize("NFC", address)).translate(_TO_LOWER)


def _folder(value: str) -> str:
    if value in {".", ".."} or re.search(r"[/\\]", value):
        raise ValueError("must be the name of one folder: no path, and neither '.' nor '..'")
    return value


def _root(value: str) -> str:
    if ".." in re.split(r"[/\\]", value):
        raise ValueError("must lead to one folder of the server, without '..'")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("is not an e-mail address: write name@example.com")
    return value


def _duration(value: Any) -> timedelta:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("a duration is a number with m, h or d: 90m, 26h or 2d")
    return timedelta(minutes=int(found[1]) * _MINUTES[found[2]])


def duration_in_words(value: timedelta) -> str:
    """Return a duration as a merchant file writes it, rounded down to minutes."""
    minutes = value // timedelta(minutes=1)
    unit = next((unit for unit in "dh" if minutes and minutes % _MINUTES[unit] == 0), "m")
    return f"{minutes // _MINUTES[unit]}{unit}"


def _time_of_day(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('a time of day is in quotes, hours and minutes: "07:00"')
    return time.fromisoformat(value)


Root = Annotated[str, AfterValidator(_root)]
"""A folder of the server; backslashes are accepted."""
Folder = Annotated[str, Field(min_length=1), AfterValidator(_folder)]
"""Name of one folder."""
Address = Annotated[str, AfterValidator(_address)]
"""An e-mail address."""
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_in_words, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9]\d{0,4}[mhd]$", "examples": ["26h"]}),
]
"""How long something may take: 90m, 26h, 2d."""
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(lambda value: value.isoformat("minutes"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "examples": ["07:00"]}),
]
"""A time of day in the merchant's zone."""
