"""The settings of merchants whose file says `settings: store`: revisions, of which the latest counts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from erp_feeds.errors import ConfigurationError, FailError
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import dotted, settings_of, with_settings
from erp_feeds.store import audit
from erp_feeds.store.connection import connect, plain_errors, transaction
from erp_feeds.store.sql import read_rows

Document = Mapping[str, Any]
"""What a `SettingsDocument` describes, as JSON."""


@dataclass(frozen=True)
class Revision:
    """One version of a merchant's settings."""

    merchant: str
    revision: int
    """Counts up from 1."""
    at: datetime
    author: str
    message: str
    document: Document


@dataclass(frozen=True)
class Change:
    """One place of the settings in which two documents differ."""

    place: str
    """Such as srs_customers.mapping.firstname."""
    before: str
    """As JSON; empty: as by default."""
    after: str


def effective(connection: psycopg.Connection, merchant: Merchant, revision: int | None = None) -> Merchant:
    """Return a merchant with its settings of the store, where its file says so.

    Args:
        connection: Of the store.
        merchant: As its file describes it.
        revision: Which one; the latest by default, unless the merchant has one. Without any, the settings of
            the file count.

    Raises:
        ConfigurationError: this version of the software finds errors in that revision.
        FailError: there is no such revision.
    """
    if _is_settled(merchant, revision):
        return merchant
    found = find(connection, merchant.name, revision)
    return applied(merchant, found) if found else merchant


def _is_settled(merchant: Merchant, revision: int | None) -> bool:
    """Return whether the store need not be asked: the file counts, or the merchant has its revision."""
    return merchant.settings == "file" or bool(merchant.revision and revision is None)


def for_reports(connection: psycopg.Connection, merchants: Collection[Merchant]) -> list[Merchant]:
    """Return what `effective` returns; where that revision has errors, the merchant as its file describes it.

    The tasks of such a merchant fail and say why; what reports on all merchants must not fail with them.
    """
    asked = [merchant.name for merchant in merchants if not _is_settled(merchant, None)]
    latest = _latest(connection, asked) if asked else {}
    return [_or_file(merchant, latest.get(merchant.name)) for merchant in merchants]


def _or_file(merchant: Merchant, revision: Revision | None) -> Merchant:
    try:
        return applied(merchant, revision) if revision else merchant
    except ConfigurationError:
        return merchant


def _latest(connection: psycopg.Connection, merchants: Sequence[str]) -> dict[str, Revision]:
    """Return the latest revision of each of some merchants that has one."""
    with plain_errors("reading settings"):
        found = read_rows(connection, Revision, "merchant_settings/latest", merchants=merchants)
    return {each.merchant: each for each in found}


def current(merchant: Merchant, revision: int | None = None) -> Merchant:
    """Return what `effective` returns, by a connection of its own where it needs one."""
    if _is_settled(merchant, revision):
        return merchant
    with connect() as connection:
        return effective(connection, merchant, revision)


def applied(merchant: Merchant, revision: Revision) -> Merchant:
    """Return a merchant with the settings of a revision; errors as in `effective`."""
    name = f"revision {revision.revision} of the settings of {merchant.name}"
    return _checked(merchant, revision.document, name).at_revision(revision.revision)


def find(connection: psycopg.Connection, merchant: str, revision: int | None = None) -> Revision | None:
    """Return a revision, the latest by default; None where no revision was saved yet.

    Raises:
        FailError: there is no revision of that number.
    """
    with plain_errors("reading settings"):
        values = {"merchant": merchant, "revision": revision}
        found = read_rows(connection, Revision, "merchant_settings/find", **values)
    if not found and revision is not None:
        raise FailError(f"{merchant} has no revision {revision} of its settings", "not_found")
    return found[0] if found else None


def listed(
    connection: psycopg.Connection, merchant: str, *, before: int | None = None, limit: int = 50
) -> list[Revision]:
    """Return the revisions, the latest first."""
    with plain_errors("reading settings"):
        values = {"merchant": merchant, "before": before, "max_rows": limit}
        return read_rows(connection, Revision, "merchant_settings/list", **values)


def with_previous(found: Sequence[Revision], merchant: Merchant) -> list[tuple[Revision, Document]]:
    """Return revisions, the latest first, each with the settings before it: at the end those of the file."""
    older = [*(each.document for each in found[1:]), settings_of(merchant)]
    return list(zip(found, older, strict=False))


def save(
    connection: psycopg.Connection,
    merchant: Merchant,
    document: Document,
    *,
    author: str,
    message: str = "",
    after: int | None = None,
) -> Revision:
    """Save a new revision, which counts from the next run on.

    Args:
        connection: Of the store.
        merchant: As its file describes it.
        document: The whole settings.
        author: Who changes them.
        message: Why.
        after: The revision that the author has seen, 0 for none; the latest by default.

    Raises:
        ConfigurationError: the document has errors, by the same checks as a merchant file.
        FailError: the merchant file keeps the settings; nothing differs; or somebody else has saved since.
    """
    if merchant.settings == "file":
        message = (
            f"the settings of {merchant.name} are in its file: edit it, or write `settings: store` there"
        )
        raise FailError(message, "settings_in_file")
    wanted = settings_of(_checked(merchant, document, f"the new settings of {merchant.name}"))
    latest = find(connection, merchant.name)
    last = latest.revision if latest else 0
    if after not in {None, last}:
        raise _saved_since(merchant, last)
    if latest and not [*changes(latest.document, wanted)]:
        raise FailError(f"nothing to save: the settings of {merchant.name} are the same already", "unchanged")
    values = {"merchant": merchant.name, "revision": last + 1, "author": author, "message": message}
    with transaction(connection, "saving settings"):
        saved = read_rows(
            connection, Revision, "merchant_settings/save", document=json.dumps(wanted), **values
        )
        if not saved:
            raise _saved_since(merchant, last + 1)
        audit.note(connection, author, merchant.name, "settings saved", f"revision {saved[0].revision}")
    return saved[0]


def revert(
    connection: psycopg.Connection, merchant: Merchant, revision: int, *, author: str, message: str = ""
) -> Revision:
    """Save an earlier revision once more; errors as `save`."""
    found = find(connection, merchant.name, revision)
    document = found.document if found else {}
    message = message or f"back to revision {revision}"
    return save(connection, merchant, document, author=author, message=message)


def enable(
    connection: psycopg.Connection, merchant: Merchant, names: list[str], author: str
) -> Revision | None:
    """Switch interfaces on, and return the new revision; None where they are on already; errors as `save`."""
    document = settings_of(effective(connection, merchant))
    missing = [name for name in names if name not in document["interfaces"]]
    if not missing:
        return None
    document["interfaces"] |= {name: {} for name in missing}
    message = f"switched on: {', '.join(missing)}"
    return save(connection, merchant, document, author=author, message=message)


def changes(before: Document, after: Document) -> Iterator[Change]:
    """Yield each place in which two documents differ."""
    old, new = _places(before), _places(after)
    for place in sorted({*old, *new}):
        if old.get(place) != new.get(place):
            yield Change(place, old.get(place, ""), new.get(place, ""))


def in_words(before: Document, after: Document) -> str:
    """Return the changes between two documents, a line each."""
    return "\n".join(
        f"{each.place}: {each.before or '-'} → {each.after or '-'}" for each in changes(before, after)
    )


def _places(document: Document) -> dict[str, str]:
    """Return place -> value of a document; an interface without settings is a place too."""
    found: dict[str, str] = {}
    for name, fields in document["interfaces"].items():
        found[name] = "on"
        for key, value in fields.items():
            parts = value.items() if isinstance(value, dict) else [("", value)]
            found |= {".".join(filter(None, (name, key, part))): _shown(each) for part, each in parts}
    return found


def _shown(value: object) -> str:
    return "not filled" if value is None else json.dumps(value, ensure_ascii=False)


def _checked(merchant: Merchant, document: Document, name: str) -> Merchant:
    found, errors = with_settings(merchant, document)
    if found is None:
        lines = [f"{name}: {dotted(place)} {text}" for place, text in errors]
        raise ConfigurationError("\n".join(lines), "invalid_settings")
    return found


def _saved_since(merchant: Merchant, last: int) -> FailError:
    message = (
        f"somebody else has saved revision {last} of the settings of {merchant.name}: open it, and repeat"
    )
    return FailError(message, "conflict")
