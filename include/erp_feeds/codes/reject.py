"""Why a record is rejected, or skipped."""

from __future__ import annotations

from erp_feeds.codes.code import CORRECT_RECORD, FORM_OR_RECORD, NOTHING, Actor, Code


class RejectCode(Code):
    """Why one record is rejected."""

    MISSING_FIELD = (
        "missing_field",
        "A required field is missing or empty.",
        Actor.SENDER,
        CORRECT_RECORD,
    )
    REPEATED_FIELD = (
        "repeated_field",
        "A field occurs more than once in the record.",
        Actor.SENDER,
        CORRECT_RECORD,
    )
    TOO_MANY_FIELDS = (
        "too_many_fields",
        "The record holds more elements than the limit.",
        Actor.ENGINEER,
        "If the number is correct, raise `limits.fields` in the merchant file and replay.",
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
        CORRECT_RECORD,
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
        CORRECT_RECORD,
    )
    INVALID_DATE = (
        "invalid_date",
        "A date is not written as yyyy-MM-dd, or does not exist.",
        Actor.SENDER,
        FORM_OR_RECORD,
    )
    INVALID_DATETIME = (
        "invalid_datetime",
        "A date and time is not written as yyyy-MM-ddTHH:mm:ss, or does not exist.",
        Actor.SENDER,
        CORRECT_RECORD,
    )
    INVALID_VALUE = (
        "invalid_value",
        "A field holds what it cannot hold, for example elements instead of text.",
        Actor.SENDER,
        CORRECT_RECORD,
    )
    OUT_OF_RANGE = (
        "out_of_range",
        "A number or date is beyond what the field allows.",
        Actor.SENDER,
        CORRECT_RECORD,
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
        "Ask the sender to give one of the two purchases another number and send it again.",
    )


class SkipCode(Code):
    """Why a good record is skipped on purpose, and counted."""

    NO_IDENTIFIER = (
        "no_identifier",
        "The record has neither customer number nor e-mail address, so it belongs to nobody.",
        Actor.NOBODY,
        NOTHING,
    )
    NO_LINES = ("no_lines", "The purchase has no lines.", Actor.NOBODY, NOTHING)
    SUPPRESSED = (
        "suppressed",
        "The person asked to be forgotten and is suppressed.",
        Actor.NOBODY,
        NOTHING,
    )
