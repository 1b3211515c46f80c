"""All errors, in one tree that is named by what Airflow must do about them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from erp_feeds.codes import QuarantineCode

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class FeedError(Exception):
    """An error with a message for people; `code` is stable, for machines."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code: str = code


class RetryError(FeedError):
    """The outside world failed for now: Airflow should try again, with back-off."""


class FailError(FeedError):
    """Trying again cannot help: a person must change something first."""


class NotAllLoadedError(FailError):
    """A run has loaded all that is good; files are quarantined or records rejected."""


class ConfigurationError(FailError):
    """A merchant file, setting or connection is wrong; the message says where and what to write."""


class QuarantineError(FeedError):
    """One file is quarantined; the others of its run go on, and `report` fails at the end."""

    def __init__(self, code: QuarantineCode, reason: str, *, is_recorded: bool = False) -> None:
        super().__init__(f"{code}: {reason}")
        self.code: QuarantineCode = code
        self.reason = reason
        self.is_recorded = is_recorded
        """Whether the ledger says so already."""


def visible(text: str) -> str:
    """Return a text in which nothing steers a terminal: control, bidi and invisible characters as escapes.

    Names of files, replies of servers and values of records are written by others.
    """
    return "".join(
        each if each in "\n\t" or each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def counted(number: int, thing: str) -> str:
    """Return how many of a thing, as people say it: 1 file, 2 files."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the part of a message that offers the nearest valid name."""
    names = sorted(set(known))
    match = difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    if match:
        near = next(name for name in names if name.lower() == match[0])
        return f"did you mean '{near}'?"
    return "valid: " + ", ".join(names)


_WORDS = {
    "string_type": "text is expected: put it in quotes",
    "string_too_short": "it may not be empty",
    "string_too_long": "at most {max_length} characters are allowed",
    "missing": "it is missing",
    "string_pattern_mismatch": "write it in this form: {pattern}",
    "tuple_type": "a list is expected: [one, another]",
    "too_short": "at least {min_length} is expected",
    "dict_type": "keys and values are expected",
    "model_type": "keys and values are expected",
    "model_attributes_type": "keys and values are expected",
    "invalid_key": "a key is text: put it in quotes",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "greater_than": "more than {gt} is expected",
    "greater_than_equal": "{ge} or more is expected",
    "less_than_equal": "{le} or less is expected",
    "literal_error": "valid: {expected}",
    "recursion_loop": "it holds itself",
}
"""Kind of error, as the model's library names it -> what to write."""
_BY_START = {
    "int": "a whole number is expected",
    "float": "a number is expected",
    "finite": "a finite number is expected",
    "date": "a day is expected: 2026-01-31",
    "": "it is not what this key holds",
}


def in_words(error: ErrorDetails) -> str:
    """Say what is wrong with a value in the words of whoever writes merchant files and connections."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error" and isinstance(error["input"], str):
        return nearest(
            error["input"], str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        )
    words = _WORDS.get(kind) or next(text for start, text in _BY_START.items() if kind.startswith(start))
    return words.format(**context)
