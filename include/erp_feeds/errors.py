"""Everything that can go wrong, in one tree named by what Airflow must do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum


class QuarantineCode(StrEnum):
    """Why a whole file is refused (rule: files, zips, XML)."""

    TRUNCATED = "truncated"
    NOT_A_ZIP = "not_a_zip"
    NO_MEMBER = "no_member"
    FOREIGN_MEMBER = "foreign_member"
    ENCRYPTED = "encrypted"
    NESTED_ZIP = "nested_zip"
    DUPLICATE_MEMBER = "duplicate_member"
    UNSAFE_PATH = "unsafe_path"
    TOO_LARGE = "too_large"
    TOO_COMPRESSED = "too_compressed"
    TOO_MANY_MEMBERS = "too_many_members"
    DOCTYPE = "doctype"
    NOT_WELL_FORMED = "not_well_formed"
    WRONG_ENCODING = "wrong_encoding"
    """The bytes are not of the encoding that the XML declares: one of both must be corrected there."""
    UNKNOWN_ENCODING = "unknown_encoding"
    TOO_DEEP = "too_deep"
    RECORD_TOO_LARGE = "record_too_large"
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    TOO_MANY_NAMESPACES = "too_many_namespaces"
    NAME_TOO_LONG = "name_too_long"
    """An element or attribute has a name of 50,000 signs or more: data was written as a name."""
    WRONG_STRUCTURE = "wrong_structure"
    MISSING_IMPORTER = "missing_importer"
    WRONG_IMPORTER = "wrong_importer"
    UNSUPPORTED_VERSION = "unsupported_version"
    INTERNAL_ERROR = "internal_error"
    """The software failed on this file alone; replay it after the fix."""
    NOT_LOADABLE = "not_loadable"
    """A value does not fit the store."""
    NOT_READABLE = "not_readable"
    """The server lists the file and refuses to hand it out; asked again every hour."""
    NOT_ARCHIVED = "not_archived"
    """The original is gone from the archive."""
    TOO_MANY_REJECTS = "too_many_rejects"
    """More of its records are refused than the merchant's max_reject_percent allows, so none loads."""


class RejectCode(StrEnum):
    """Why one record is refused."""

    MISSING_FIELD = "missing_field"
    REPEATED_FIELD = "repeated_field"
    TOO_MANY_FIELDS = "too_many_fields"
    DAMAGED_TEXT = "damaged_text"
    """An identifier holds signs that only a wrong conversion leaves: it would name another thing."""
    INVALID_EMAIL = "invalid_email"
    MALFORMED_NUMBER = "malformed_number"
    INVALID_DECIMAL = "invalid_decimal"
    INVALID_DATE = "invalid_date"
    INVALID_DATETIME = "invalid_datetime"
    INVALID_VALUE = "invalid_value"
    OUT_OF_RANGE = "out_of_range"
    MISSING_TIME = "missing_time"
    CLASS_CHANGED = "class_changed"


REPLAYABLE = tuple(sorted({*map(str, RejectCode), *map(str, QuarantineCode)}))
"""Codes by which refused records and files can be chosen for a replay."""


class SkipCode(StrEnum):
    """Why a good record is left out on purpose, and counted."""

    NO_IDENTIFIER = "no_identifier"
    NO_LINES = "no_lines"
    FORGOTTEN = "forgotten"
    """Its person asked to be forgotten."""


class WarningCode(StrEnum):
    """What was odd about a record or file that was loaded all the same."""

    NO_EMAIL = "no_email"
    INVALID_EMAIL_DROPPED = "invalid_email_dropped"
    EMAIL_OWNED_BY_OTHER = "email_owned_by_other"
    UNKNOWN_VALUE = "unknown_value"
    UNKNOWN_ELEMENT = "unknown_element"
    UNKNOWN_NAMESPACE = "unknown_namespace"
    ENCODING_MISMATCH = "encoding_mismatch"
    """The byte order mark proves another encoding than the declared one; the mark was believed."""
    MOJIBAKE = "mojibake"
    """Values such as 'ZoÃ«': UTF-8 that was read as Windows-1252, here or before it came here."""
    DAMAGED_TEXT = "damaged_text"
    """Values with control characters or U+FFFD, whose own signs a conversion has lost before they came."""
    REPEATED_KEY = "repeated_key"
    RECEIPT_COLLISION = "receipt_collision"
    NO_VERSION = "no_version"
    NEWER_ELEMENT = "newer_element"
    NEW_REVISION = "new_revision"
    LATE_FILE = "late_file"
    INDEX_GAP = "index_gap"
    UNKNOWN_DEBTOR = "unknown_debtor"
    WRONG_EXTENSION = "wrong_extension"
    IGNORED_MEMBER = "ignored_member"
    """XML in a zip that is not of the zip's interface, and was not read."""
    AMBIGUOUS_TIME = "ambiguous_time"
    NONEXISTENT_TIME = "nonexistent_time"


class FeedError(Exception):
    """A fault with a message for people; `code` is stable and may be matched by machines."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class RetryError(FeedError):
    """The outside world failed for now: Airflow should try again, with back-off."""


class FailError(FeedError):
    """Trying again cannot help: a person must change something first."""


class ConfigurationError(FailError):
    """A merchant file, setting or connection is wrong; the message says where and what to write."""


class QuarantineError(FeedError):
    """One file is refused; the others of its run go on, and `report` says so at the end."""

    def __init__(self, code: QuarantineCode, reason: str, *, is_recorded: bool = False) -> None:
        super().__init__(f"{code}: {reason}", code)
        self.reason = reason
        self.is_recorded = is_recorded
        """Whether the ledger says so already."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the sentence that offers the nearest valid name, so that a typing error mends itself."""
    names = sorted(set(known))
    match = difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    if match:
        near = next(name for name in names if name.lower() == match[0])
        return f"did you mean '{near}'?"
    return "valid: " + ", ".join(names)
