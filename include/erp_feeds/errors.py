"""Everything that can go wrong, in one tree named by what Airflow must do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from erp_feeds.codes import QuarantineCode


class FeedError(Exception):
    """A fault with a message for people; `code` is stable and may be matched by machines."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code: str = code


class RetryError(FeedError):
    """The outside world failed for now: Airflow should try again, with back-off."""


class FailError(FeedError):
    """Trying again cannot help: a person must change something first."""


class ConfigurationError(FailError):
    """A merchant file, setting or connection is wrong; the message says where and what to write."""


class QuarantineError(FeedError):
    """One file is refused; the others of its run go on, and `report` says so at the end."""

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


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the sentence that offers the nearest valid name, so that a typing error mends itself."""
    names = sorted(set(known))
    match = difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    if match:
        near = next(name for name in names if name.lower() == match[0])
        return f"did you mean '{near}'?"
    return "valid: " + ", ".join(names)
