"""The states of a file, and every stable code of a file or record, with its plain words.

A code never changes its meaning: result files, alerts, dashboards and the ERP parties' own scripts match on
it. The runbook is generated from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self


class Actor(StrEnum):
    """Who must act on a code."""

    SENDER = "the sender"
    """The ERP party, who exports and uploads the files."""
    ENGINEER = "the data engineer"
    """Who runs this project and edits merchant files."""
    SERVER = "whoever runs the FTPS server"
    NOBODY = "nobody"


class Code(StrEnum):
    """A stable code that knows what it means, who must act, and what to do."""

    meaning: str
    actor: Actor
    action: str

    def __new__(cls, value: str, meaning: str, actor: Actor, action: str) -> Self:
        """Make a member from its value and its words."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning, member.actor, member.action = meaning, actor, action
        return member


_EXPORT_AGAIN = "Ask for a new export of the file under the same name."
_NOTHING = "Nothing: it is counted for information."
_CORRECT_RECORD = (
    "Ask the sender to correct the record and to send it again; a newer file resolves the reject."
)
_FORM_OR_RECORD = (
    "If the sender always writes it this way, describe the form in the merchant file and replay; else ask "
    "the sender to correct the record."
)


class FileState(StrEnum):
    """Where a file stands, from the first scan that found it; `files.state` takes these and no others."""

    UPLOADING = "uploading"
    """A scan found it, and no later one has found it unchanged for long enough yet."""
    REGISTERED = "registered"
    """It is complete, and waits for a run that fetches it."""
    ARCHIVED = "archived"
    """Its original bytes are kept, and a run is loading them; what was imported waits for a replay."""
    WAITING = "waiting"
    """It was incomplete, or the server did not hand it out: it is fetched again."""
    LOADED = "loaded"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    """The same bytes came under the same name before, so nothing was left to do."""
    MISSING = "missing"
    """It was gone from the server before it could be fetched."""
    REPLACED = "replaced"
    """Another file took its place on the server before it could be fetched. A quarantined file after which
    another one of its name has loaded is shown so too; in the table it stays quarantined."""


TRANSITIONS: Mapping[FileState, Mapping[FileState, str]] = {
    FileState.UPLOADING: {FileState.REGISTERED: "unchanged for stable_for"},
    FileState.REGISTERED: {
        FileState.ARCHIVED: "fetched",
        FileState.DUPLICATE: "fetched, bytes known",
        FileState.WAITING: "not handed out",
        FileState.QUARANTINED: "not handed out too often, or too large",
        FileState.MISSING: "gone from the server",
        FileState.REPLACED: "another file lies there",
    },
    FileState.ARCHIVED: {
        FileState.LOADED: "its records are in the tables",
        FileState.WAITING: "incomplete",
        FileState.QUARANTINED: "incomplete too often, or bad input",
    },
    FileState.WAITING: {
        FileState.ARCHIVED: "fetched again",
        FileState.DUPLICATE: "fetched again, bytes known",
        FileState.QUARANTINED: "not handed out too often, or gone while incomplete",
        FileState.MISSING: "gone, never fetched",
        FileState.REPLACED: "another file lies there",
    },
    FileState.LOADED: {FileState.QUARANTINED: "a replay found bad input"},
    FileState.QUARANTINED: {
        FileState.LOADED: "replayed after a fix, or approved",
        FileState.ARCHIVED: "fetched at last",
        FileState.DUPLICATE: "fetched at last, bytes known",
        FileState.WAITING: "not handed out, more attempts allowed",
        FileState.MISSING: "gone, never fetched",
        FileState.REPLACED: "never fetched, another file lies there",
    },
    FileState.DUPLICATE: {},
    FileState.MISSING: {},
    FileState.REPLACED: {},
}
"""State -> each state that may follow, and why it does.

A file begins as uploading; if it changes or goes before it is registered, its row goes too. An imported one,
which no server held, begins as archived. What comes back
after it was missing or replaced is a new file with a row of its own."""


class QuarantineCode(Code):
    """Why a whole file is quarantined (rules: files 1 to 12)."""

    TRUNCATED = (
        "truncated",
        "The zip ends too early: the upload was cut, or is still going on.",
        Actor.SENDER,
        "Ask the sender to upload the file again; a complete upload under the same name loads by itself.",
    )
    NOT_A_ZIP = (
        "not_a_zip",
        "The file is neither a readable zip nor XML.",
        Actor.SENDER,
        _EXPORT_AGAIN,
    )
    TWO_ZIPS = (
        "two_zips",
        "Two zips were written into one file, so it is not clear which one counts.",
        Actor.SENDER,
        _EXPORT_AGAIN,
    )
    BYTES_BEFORE_ZIP = (
        "bytes_before_zip",
        "Other bytes come before the zip: something was written into the file that is no export.",
        Actor.SENDER,
        _EXPORT_AGAIN,
    )
    FUTURE_INDEX = (
        "future_index",
        "The index in the name is a time more than a day ahead; it would outdate every file after it.",
        Actor.SENDER,
        "Ask the sender to set the clock right and to send the file under a right name, or use `reindex`.",
    )
    NO_MEMBER = (
        "no_member",
        "The zip holds no XML file whose name fits the interface.",
        Actor.SENDER,
        "Ask the sender to name the XML inside the zip like the zip itself.",
    )
    FOREIGN_MEMBER = (
        "foreign_member",
        "The zip holds the XML of another shop.",
        Actor.SENDER,
        "Ask the sender which shop the file is for, or correct `shop_name` in the merchant file.",
    )
    ENCRYPTED = (
        "encrypted",
        "The zip is protected by a password.",
        Actor.SENDER,
        "Ask the sender to export without a password; the connection is encrypted already.",
    )
    NESTED_ZIP = (
        "nested_zip",
        "The zip holds another archive instead of XML.",
        Actor.SENDER,
        "Ask the sender to zip the XML once.",
    )
    DUPLICATE_MEMBER = (
        "duplicate_member",
        "Two files in the zip have the same name, so it is not clear which one counts.",
        Actor.SENDER,
        _EXPORT_AGAIN,
    )
    UNSAFE_PATH = (
        "unsafe_path",
        "A file in the zip has a name that leads out of the zip's own folder.",
        Actor.SENDER,
        "Ask the sender to zip the XML without folders; find out who made this zip.",
    )
    TOO_LARGE = (
        "too_large",
        "The unzipped file is larger than the limit.",
        Actor.ENGINEER,
        "If the size is honest, raise `limits.unzipped_bytes` in the merchant file and replay.",
    )
    TOO_COMPRESSED = (
        "too_compressed",
        "The zip unpacks to far more than its own size, as a zip bomb does.",
        Actor.ENGINEER,
        "If the file is honest, raise `limits.ratio` in the merchant file and replay.",
    )
    TOO_MANY_MEMBERS = (
        "too_many_members",
        "The zip holds more files than the limit.",
        Actor.ENGINEER,
        "If the number is honest, raise `limits.members` in the merchant file and replay.",
    )
    DOCTYPE = (
        "doctype",
        "The XML declares a DOCTYPE, which can hide attacks and is never needed here.",
        Actor.SENDER,
        "Ask the sender to export without a DOCTYPE.",
    )
    NOT_WELL_FORMED = (
        "not_well_formed",
        "The XML is broken at the line and column that the reason names.",
        Actor.SENDER,
        _EXPORT_AGAIN,
    )
    WRONG_ENCODING = (
        "wrong_encoding",
        "The bytes do not fit the encoding that the XML declares.",
        Actor.SENDER,
        "Ask the sender to declare the encoding that the export really uses.",
    )
    UNKNOWN_ENCODING = (
        "unknown_encoding",
        "The XML declares an encoding that does not exist or is not supported.",
        Actor.SENDER,
        "Ask the sender to export in UTF-8.",
    )
    TOO_DEEP = (
        "too_deep",
        "Elements are nested more deeply than the limit.",
        Actor.ENGINEER,
        "If the structure is honest, raise `limits.depth` in the merchant file and replay.",
    )
    RECORD_TOO_LARGE = (
        "record_too_large",
        "One record, or text between records, is larger than the limit.",
        Actor.ENGINEER,
        "If the size is honest, raise `limits.record_bytes` in the merchant file and replay.",
    )
    TOO_MANY_ATTRIBUTES = (
        "too_many_attributes",
        "One element carries more attributes than the limit.",
        Actor.ENGINEER,
        "If the number is honest, raise `limits.attributes` in the merchant file and replay.",
    )
    TOO_MANY_NAMESPACES = (
        "too_many_namespaces",
        "The XML declares more namespaces than the limit.",
        Actor.ENGINEER,
        "If the number is honest, raise `limits.namespaces` in the merchant file and replay.",
    )
    NAME_TOO_LONG = (
        "name_too_long",
        "An element or attribute has a name of 50,000 characters or more: data was written as a name.",
        Actor.SENDER,
        _EXPORT_AGAIN,
    )
    WRONG_STRUCTURE = (
        "wrong_structure",
        "The XML is not structured as the interface asks, so no record can be found in it.",
        Actor.SENDER,
        "Send the sender the sample and the XSD of the interface.",
    )
    MISSING_IMPORTER = (
        "missing_importer",
        "The ERP cache file declares version 1.1 without the required Importer.",
        Actor.SENDER,
        "Ask the sender to write <Importer>ErpCache_Customers</Importer>.",
    )
    WRONG_IMPORTER = (
        "wrong_importer",
        "The ERP cache file names another Importer than ErpCache_Customers.",
        Actor.SENDER,
        "Ask the sender to correct it, or name it in `accepted_importers` of the merchant file and replay.",
    )
    UNSUPPORTED_VERSION = (
        "unsupported_version",
        "The ERP cache file declares a version that this interface does not know.",
        Actor.SENDER,
        "Ask the sender to export version 1.1.",
    )
    INTERNAL_ERROR = (
        "internal_error",
        "The software failed on this file alone; it says nothing about the file's quality.",
        Actor.ENGINEER,
        "Report the place that the task's log names; replay the file after the fix.",
    )
    NOT_LOADABLE = (
        "not_loadable",
        "The store cannot hold a value of the file.",
        Actor.ENGINEER,
        "Report the constraint that the reason names; replay the file after the fix.",
    )
    NOT_READABLE = (
        "not_readable",
        "The server lists the file but does not hand it out; it is tried again every hour.",
        Actor.SERVER,
        "Give the login the right to read the file, or release its lock; `replay --file` fetches it at once.",
    )
    NOT_ARCHIVED = (
        "not_archived",
        "The original is no longer in the archive.",
        Actor.ENGINEER,
        "Restore the archive from its backup, or ask the sender to send the file again.",
    )
    NO_SPACE = (
        "no_space",
        "The disk of archive or staging is full; the file is untouched, and every later run takes it again.",
        Actor.ENGINEER,
        "Make room on the disk, or move `ERP_FEEDS_STAGING`; then the file loads by itself.",
    )
    TOO_MANY_REJECTS = (
        "too_many_rejects",
        "More of its records are rejected than `max_reject_percent` allows, so none of them was loaded.",
        Actor.SENDER,
        "Look at the rejects by code; ask for a new export, or load the good records with `approve`.",
    )


class RejectCode(Code):
    """Why one record is rejected."""

    MISSING_FIELD = (
        "missing_field",
        "A required field is missing or empty.",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    REPEATED_FIELD = (
        "repeated_field",
        "A field occurs more than once in the record.",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    TOO_MANY_FIELDS = (
        "too_many_fields",
        "The record holds more elements than the limit.",
        Actor.ENGINEER,
        "If the number is honest, raise `limits.fields` in the merchant file and replay.",
    )
    DAMAGED_TEXT = (
        "damaged_text",
        "An identifier holds characters that only a wrong conversion leaves; it would name something else.",
        Actor.SENDER,
        "Ask the sender to export with the right encoding.",
    )
    INVALID_EMAIL = (
        "invalid_email",
        "The only identifier of the record is an e-mail address, and it is not valid.",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    MALFORMED_NUMBER = (
        "malformed_number",
        "A number was written by a spreadsheet (1.23E+05, 123.0) or holds digits that are not ASCII.",
        Actor.SENDER,
        "Ask the sender to export numbers as text.",
    )
    INVALID_DECIMAL = (
        "invalid_decimal",
        "An amount is not written as #,###.## (1,234.50 or 1234.50).",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    INVALID_DATE = (
        "invalid_date",
        "A date is not written as yyyy-MM-dd, or does not exist.",
        Actor.SENDER,
        _FORM_OR_RECORD,
    )
    INVALID_DATETIME = (
        "invalid_datetime",
        "A date and time is not written as yyyy-MM-ddTHH:mm:ss, or does not exist.",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    INVALID_VALUE = (
        "invalid_value",
        "A field holds what it cannot hold, for example elements instead of text.",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    OUT_OF_RANGE = (
        "out_of_range",
        "A number or date is beyond what the field allows.",
        Actor.SENDER,
        _CORRECT_RECORD,
    )
    MISSING_TIME = (
        "missing_time",
        "A till receipt has a date without a time, and the time is part of its id.",
        Actor.SENDER,
        "Ask the sender to export the time of receipts.",
    )
    CLASS_CHANGED = (
        "class_changed",
        "A receipt that is stored as an order came as a return, or the other way round.",
        Actor.SENDER,
        "Ask the sender which of the two is right; if a receipt number was used again, it needs another one.",
    )
    ID_TAKEN = (
        "id_taken",
        "Another purchase has the id under which this one would be exported.",
        Actor.SENDER,
        "Ask the sender to give one of the two purchases another number and to send it again.",
    )


REPLAYABLE = tuple(sorted({*map(str, RejectCode), *map(str, QuarantineCode)}))
"""Codes by which rejected records and quarantined files can be chosen for a replay."""


class SkipCode(Code):
    """Why a good record is skipped on purpose, and counted."""

    NO_IDENTIFIER = (
        "no_identifier",
        "The record has neither customer number nor e-mail address, so it belongs to nobody.",
        Actor.NOBODY,
        _NOTHING,
    )
    NO_LINES = ("no_lines", "The purchase has no lines.", Actor.NOBODY, _NOTHING)
    SUPPRESSED = (
        "suppressed",
        "The person asked to be forgotten and is suppressed.",
        Actor.NOBODY,
        _NOTHING,
    )


class WarningCode(Code):
    """What was odd about a record or file that was loaded all the same."""

    def of_field(self, field: str) -> str:
        """Return the key under which the code is counted for one field; `code:field`."""
        return f"{self}:{field}"

    NO_EMAIL = (
        "no_email",
        "A new customer number came without an e-mail address: such profiles cannot be mailed.",
        Actor.NOBODY,
        _NOTHING,
    )
    INVALID_EMAIL_DROPPED = (
        "invalid_email_dropped",
        "An invalid e-mail address was left out; the record went by its number.",
        Actor.SENDER,
        "Ask the sender to correct the address.",
    )
    EMAIL_OWNED_BY_OTHER = (
        "email_owned_by_other",
        "A profile kept its e-mail address, because the new one belongs to another profile.",
        Actor.SENDER,
        "Look both profiles up; ask the sender which of the two customers has the address.",
    )
    UNKNOWN_VALUE = (
        "unknown_value",
        "A value without a known meaning was left out, for example an unknown country.",
        Actor.ENGINEER,
        "Ask the sender what the value means; a custom field can keep it as text.",
    )
    UNKNOWN_ELEMENT = (
        "unknown_element",
        "The file holds elements that the interface does not know.",
        Actor.ENGINEER,
        "Name them under `extra_elements` if they should fill custom fields.",
    )
    UNKNOWN_NAMESPACE = (
        "unknown_namespace",
        "The elements are in a namespace, which was ignored.",
        Actor.NOBODY,
        _NOTHING,
    )
    ENCODING_MISMATCH = (
        "encoding_mismatch",
        "The byte order mark proves another encoding than the declared one; the mark was believed.",
        Actor.SENDER,
        "Ask the sender to declare the encoding that the export really uses.",
    )
    MOJIBAKE = (
        "mojibake",
        "Values such as 'ZoÃ«': UTF-8 that was read as Windows-1252 before it came here.",
        Actor.SENDER,
        "Ask the sender to export with the right encoding.",
    )
    DAMAGED_TEXT = (
        "damaged_text",
        "Values hold control characters or U+FFFD: a conversion lost characters before they came here.",
        Actor.SENDER,
        "Ask the sender to export with the right encoding.",
    )
    REPEATED_KEY = (
        "repeated_key",
        "A customer, account or order occurs several times in the file; the last one counts.",
        Actor.NOBODY,
        _NOTHING,
    )
    RECEIPT_COLLISION = (
        "receipt_collision",
        "Two different baskets have the same receipt number, branch and time; both were kept.",
        Actor.SENDER,
        "Ask the sender why a receipt number was used twice.",
    )
    NO_VERSION = (
        "no_version",
        "The ERP cache file declares no version and was read as 1.0.",
        Actor.NOBODY,
        _NOTHING,
    )
    NEWER_ELEMENT = (
        "newer_element",
        "The ERP cache file declares 1.0 and holds elements of 1.1, which were applied.",
        Actor.NOBODY,
        _NOTHING,
    )
    NEW_REVISION = (
        "new_revision",
        "Other bytes came under a name that was loaded before.",
        Actor.NOBODY,
        _NOTHING,
    )
    LATE_FILE = (
        "late_file",
        "The file came after a newer one; it filled only what no newer file had brought.",
        Actor.NOBODY,
        _NOTHING,
    )
    INDEX_GAP = (
        "index_gap",
        "Index numbers are missing before this file.",
        Actor.SENDER,
        "Ask the sender for the missing files.",
    )
    UNKNOWN_DEBTOR = (
        "unknown_debtor",
        "Accounts are invoiced to an unknown account; they keep their own price list until it arrives.",
        Actor.SENDER,
        "If the account does not arrive with the next files, ask the sender for it.",
    )
    WRONG_EXTENSION = (
        "wrong_extension",
        "The extension of the name does not fit the content; the content was believed.",
        Actor.NOBODY,
        _NOTHING,
    )
    TRAILING_BYTES = (
        "trailing_bytes",
        "Bytes that are no comment of the zip come after it; they were not read.",
        Actor.SENDER,
        "Ask the sender what writes them; a transfer in blocks of a fixed size does.",
    )
    IGNORED_MEMBER = (
        "ignored_member",
        "The zip holds XML of another interface, which was not read.",
        Actor.SENDER,
        "Ask the sender to put each interface into a zip of its own.",
    )
    AMBIGUOUS_TIME = (
        "ambiguous_time",
        "A time lies in the hour that occurs twice in autumn; the first of the two was taken.",
        Actor.NOBODY,
        _NOTHING,
    )
    NONEXISTENT_TIME = (
        "nonexistent_time",
        "A time lies in the hour that does not exist in spring; it was moved forward.",
        Actor.NOBODY,
        _NOTHING,
    )


class IncidentKind(StrEnum):
    """What stays open until it is resolved or dismissed, and is alerted once."""

    QUARANTINED = "quarantined"
    PUT_OFF = "put_off"
    """Files that wait for room on the disk."""
    REJECTED = "rejected"
    LATE = "late"
    MISSING = "missing"
    UNREACHABLE = "unreachable"
    FAILED_TASK = "failed_task"


class IncidentCode(Code):
    """What may be wrong beside files and records, and has no code of theirs."""

    LATE = (
        IncidentKind.LATE,
        "No file of the interface has come for longer than the merchant file's `freshness` allows.",
        Actor.SENDER,
        "Ask the sender whether the export ran and what its upload said; the next file resolves it.",
    )
    MISSING = (
        IncidentKind.MISSING,
        "No file of the interface has come for so long that at least one was left out.",
        Actor.SENDER,
        "Ask the sender to export and upload what is missing; the next file resolves it.",
    )
    UNREACHABLE = (
        IncidentKind.UNREACHABLE,
        "The inbox was not scanned for longer than `unreachable_after`: files may wait there unseen.",
        Actor.ENGINEER,
        "Run `python -m erp_feeds doctor MERCHANT`: it finds the place. The next good scan resolves it.",
    )
    FAILED_TASK = (
        IncidentKind.FAILED_TASK,
        "A task of the merchant's DAG failed after all retries; no file or record was lost.",
        Actor.ENGINEER,
        "The log of the task says why. Clear the task after the fix; a run that gets through resolves it.",
    )


def words_of(kind: str, code: str) -> Code:
    """Return what an incident means, who must act and what to do."""
    if kind == IncidentKind.REJECTED:
        return RejectCode(code)  # type: ignore[call-arg] # a look-up, as of any enum
    if kind in {IncidentKind.QUARANTINED, IncidentKind.PUT_OFF}:
        return QuarantineCode(code)  # type: ignore[call-arg]
    return IncidentCode(kind)  # type: ignore[call-arg]
