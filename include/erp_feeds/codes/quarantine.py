"""Why a whole file is quarantined."""

from __future__ import annotations

from erp_feeds.codes.code import EXPORT_AGAIN, Actor, Code


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
        EXPORT_AGAIN,
    )
    TWO_ZIPS = (
        "two_zips",
        "Two zips were written into one file, so it is not clear which one counts.",
        Actor.SENDER,
        EXPORT_AGAIN,
    )
    BYTES_BEFORE_ZIP = (
        "bytes_before_zip",
        "Other bytes come before the zip: something was written into the file that is no export.",
        Actor.SENDER,
        EXPORT_AGAIN,
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
        EXPORT_AGAIN,
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
        "If the size is correct, raise `limits.unzipped_bytes` in the merchant file and replay.",
    )
    TOO_COMPRESSED = (
        "too_compressed",
        "The zip unpacks to far more than its own size, as a zip bomb does.",
        Actor.ENGINEER,
        "If the file is correct, raise `limits.ratio` in the merchant file and replay.",
    )
    TOO_MANY_MEMBERS = (
        "too_many_members",
        "The zip holds more files than the limit.",
        Actor.ENGINEER,
        "If the number is correct, raise `limits.members` in the merchant file and replay.",
    )
    DOCTYPE = (
        "doctype",
        "The XML declares a DOCTYPE, which can hide attacks and is never needed here.",
        Actor.SENDER,
        "Ask the sender to export without a DOCTYPE.",
    )
    NOT_WELL_FORMED = (
        "not_well_formed",
        "The XML is not well-formed at the line and column in the reason.",
        Actor.SENDER,
        EXPORT_AGAIN,
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
        "If the structure is correct, raise `limits.depth` in the merchant file and replay.",
    )
    RECORD_TOO_LARGE = (
        "record_too_large",
        "One record, or text between records, is larger than the limit.",
        Actor.ENGINEER,
        "If the size is correct, raise `limits.record_bytes` in the merchant file and replay.",
    )
    TOO_MANY_ATTRIBUTES = (
        "too_many_attributes",
        "One element carries more attributes than the limit.",
        Actor.ENGINEER,
        "If the number is correct, raise `limits.attributes` in the merchant file and replay.",
    )
    TOO_MANY_NAMESPACES = (
        "too_many_namespaces",
        "The XML declares more namespaces than the limit.",
        Actor.ENGINEER,
        "If the number is correct, raise `limits.namespaces` in the merchant file and replay.",
    )
    NAME_TOO_LONG = (
        "name_too_long",
        "An element or attribute has a name of 50,000 characters or more: data was written as a name.",
        Actor.SENDER,
        EXPORT_AGAIN,
    )
    WRONG_STRUCTURE = (
        "wrong_structure",
        "The XML is not structured as the interface asks, so no record can be found in it.",
        Actor.SENDER,
        "Send the sender the sample and the XSD of the interface.",
    )
    UNKNOWN_IDENTIFIERS = (
        "unknown_identifiers",
        "No customer has a number or e-mail address under a known name, but there are unknown elements.",
        Actor.ENGINEER,
        "Say on the page Mapping, or by `elements` in the merchant file, what this ERP calls them; replay.",
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
        "Report the error and location from the task's log; replay the file after the fix.",
    )
    NOT_LOADABLE = (
        "not_loadable",
        "The store cannot hold a value of the file.",
        Actor.ENGINEER,
        "Report the constraint that the reason names; replay the file after the fix.",
    )
    NOT_READABLE = (
        "not_readable",
        "The server lists the file but does not let it be read; it is tried again every hour.",
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
        "Free disk space, or move `ERP_FEEDS_STAGING`; then the file loads by itself.",
    )
    TOO_MANY_REJECTS = (
        "too_many_rejects",
        "More of its records are rejected than `max_reject_percent` allows, so none of them was loaded.",
        Actor.SENDER,
        "Ask for a new export, or load the rest: `python -m erp_feeds approve MERCHANT FILE --by NAME`.",
    )
