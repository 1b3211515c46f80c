"""Warnings about a record or file that was loaded all the same."""

from __future__ import annotations

from erp_feeds.codes.code import NOTHING, Actor, Code


class WarningCode(Code):
    """Warnings about a record or file that was loaded all the same."""

    def of_field(self, field: str) -> str:
        """Return the key under which the code is counted for one field; `code:field`."""
        return f"{self}:{field}"

    NO_EMAIL = (
        "no_email",
        "A new customer number came without an e-mail address: such profiles cannot be mailed.",
        Actor.NOBODY,
        NOTHING,
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
        "Compare both profiles; ask the sender which of the two customers has the address.",
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
        NOTHING,
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
        NOTHING,
    )
    RECEIPT_COLLISION = (
        "receipt_collision",
        "Two different baskets have the same receipt number, branch and time; both were loaded.",
        Actor.SENDER,
        "Ask the sender why a receipt number was used twice.",
    )
    NO_VERSION = (
        "no_version",
        "The ERP cache file declares no version and was read as 1.0.",
        Actor.NOBODY,
        NOTHING,
    )
    NEWER_ELEMENT = (
        "newer_element",
        "The ERP cache file declares 1.0 and holds elements of 1.1, which were applied.",
        Actor.NOBODY,
        NOTHING,
    )
    NEW_REVISION = (
        "new_revision",
        "Other bytes came under a name that was loaded before.",
        Actor.NOBODY,
        NOTHING,
    )
    LATE_FILE = (
        "late_file",
        "The file came after a newer one; it filled only what no newer file had brought.",
        Actor.NOBODY,
        NOTHING,
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
        NOTHING,
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
        NOTHING,
    )
    NONEXISTENT_TIME = (
        "nonexistent_time",
        "A time lies in the hour that does not exist in spring; it was moved forward.",
        Actor.NOBODY,
        NOTHING,
    )
