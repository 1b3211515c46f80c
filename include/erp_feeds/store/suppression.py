"""Suppression: no load brings an erased person back, and what is stored for it shows no number or address.

Kept are HMAC-SHA-256 digests. A plain hash of a customer number is undone by counting, one of an address by a
list of addresses; hence the key: a salt of the store, and ERP_FEEDS_FORGET_SECRET, which the store does not
know, so that who steals the store cannot test a guess. Without that setting a file holds the secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.codes import SkipCode
from erp_feeds.columns.arrow import Column, array_of, is_one_of, is_true, table_of
from erp_feeds.errors import FailError
from erp_feeds.interfaces import interface_of
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.steps.result import ByFile
from erp_feeds.store.forget_secret import secrets_in_use
from erp_feeds.store.sql import statement
from erp_feeds.xml.person_search import mentions

Frames = Mapping[str, pd.DataFrame]

SRS, EMAIL = "srs", "email"


def email_in(file_id: int) -> str:
    """Return the kind of an address that only this file's records without a number are suppressed by.

    It led to the suppressed person then and belongs to another one now, who must not get those records.
    """
    return f"{EMAIL} in file {file_id}"


@dataclass(frozen=True)
class Suppression:
    """The suppressed people of one merchant."""

    merchant: str
    keys: Mapping[str, bytes]
    """Key id -> key; the last one is the current."""
    digests: frozenset[bytes]
    unsuppressed: frozenset[bytes] = frozenset()
    """Digests of those who may come back."""

    def among(self, kind: str, values: Iterable[str]) -> list[str]:
        """Return the values that are suppressed."""
        return [value for value in values if not self.digests.isdisjoint(self.all_digests(kind, value))]

    def unsuppressed_among(self, kind: str, values: Iterable[str]) -> list[str]:
        """Return the values that were suppressed and may come back."""
        return [value for value in values if not self.unsuppressed.isdisjoint(self.all_digests(kind, value))]

    def current(self, kind: str, value: str) -> tuple[bytes, str]:
        """Return the digest of a value under the current key, and the key's id."""
        key_id, key = list(self.keys.items())[-1]
        return _digest(key, self.merchant, kind, value), key_id

    def all_digests(self, kind: str, value: str) -> Iterable[bytes]:
        """Yield the digests of a value under each key in use."""
        return (_digest(key, self.merchant, kind, value) for key in self.keys.values())


def suppression_of(connection: psycopg.Connection, merchant: str, file_id: int | None = None) -> Suppression:
    """Return what a merchant has suppressed.

    Args:
        connection: Of the store.
        merchant: Whose people.
        file_id: The file that loads: one that came before its people were suppressed never brings them back.

    Raises:
        FailError: some digests were made under a secret that is not the one of now.
    """
    _row_security_as_error(connection)
    values = {"merchant": merchant, "file_id": file_id}
    found = connection.execute(statement("erasure/suppressed"), values).fetchall()
    salt = connection.execute("SELECT salt FROM suppression_salt").fetchone()
    keys = _keys(bytes(salt[0]) if salt else b"")
    if {key_id for _, key_id, _ in found} - keys.keys():
        message = (
            f"{merchant} has suppressed people under another secret, and they would be loaded again: "
            "set ERP_FEEDS_FORGET_SECRET to the secret that was used then, or restore the file forget_secret"
        )
        raise FailError(message, "wrong_forget_secret")
    in_force, unsuppressed = (
        frozenset(bytes(digest) for digest, _, is_unsuppressed in found if is_unsuppressed is wanted)
        for wanted in (False, True)
    )
    return Suppression(merchant, keys, in_force, unsuppressed)


def is_suppressed(
    connection: psycopg.Connection, merchant: str, file_id: int, keys: Mapping[str, str]
) -> bool:
    """Return whether loads skip a record with this `number` or, where it has none, this `email`."""
    if not any_suppressed(connection, merchant):
        return False
    suppression = suppression_of(connection, merchant, file_id)
    if "number" in keys:
        return bool(suppression.among(SRS, [keys["number"]]))
    email = [keys["email"]] if "email" in keys else []
    return bool(suppression.among(EMAIL, email) or suppression.among(email_in(file_id), email))


def remember(
    connection: psycopg.Connection,
    suppression: Suppression,
    identifiers: Iterable[tuple[str, str]],
    file_id: int | None = None,
) -> int:
    """Add (kind, value) pairs to what loads leave out; return how many are new.

    Args:
        connection: Of the store, in a transaction.
        suppression: What is left out already.
        identifiers: What joins it.
        file_id: The file with which they came beside a suppressed person, where that is the reason.
    """
    rows = [suppression.current(kind, value) for kind, value in identifiers]
    values = {
        "merchant": suppression.merchant,
        "digests": [digest for digest, _ in rows],
        "key_ids": [key_id for _, key_id in rows],
        "file_id": file_id,
    }
    return connection.execute(statement("erasure/remember"), values).rowcount


def unsuppress(
    connection: psycopg.Connection, suppression: Suppression, identifiers: Iterable[tuple[str, str]]
) -> int:
    """Let files that come from now on, or came since, bring (kind, value) pairs; return how many it lifts."""
    digests = [digest for kind, value in identifiers for digest in suppression.all_digests(kind, value)]
    values = {"merchant": suppression.merchant, "digests": digests}
    return connection.execute(statement("erasure/unsuppress"), values).rowcount


def without_suppressed(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, frames: Frames
) -> tuple[Frames, ByFile]:
    """Remove suppressed people from the frames of a file of which `may_name_suppressed` is true.

    A record is found by its number; one without a number by its e-mail. A new number with a suppressed e-mail
    would join that person (rule: customers 2), so it is suppressed too. A known number of somebody else wins
    over the e-mail (rule: customers 5), which that profile never gets: `known` of sql/identity.sql reads the
    temporary table suppressed_emails.

    Args:
        connection: In the transaction of the load, under the merchant's lock.
        files: Whose frames they are; one file, where these name people.
        merchant: Whose files they are.
        frames: Of one piece.

    Returns:
        The frames, and the number of records left out, by file and code; the table suppressed_emails, mostly
        empty.

    Raises:
        FailError: the present secret is not the one under which people were suppressed.
    """
    kind = KINDS[files[0].interface]
    (file,) = files
    suppression = suppression_of(connection, merchant.name, file.file_id)
    people = pd.concat([frames[name][["number", "email"]] for name in kind.people], ignore_index=True)
    gone = _suppressed_rows(connection, file, suppression, table_of(people)).to_numpy(zero_copy_only=False)
    kept, number, start = dict(frames), 0, 0
    for name in kind.people:
        frame = frames[name]
        mask = gone[start : start + len(frame)]
        kept[name] = frame[~mask].reset_index(drop=True)
        number += kind.count(frame[mask])
        start += len(frame)
    return kept, {file.file_id: Counts(skipped={SkipCode.SUPPRESSED.value: number})} if number else {}


def suppress_beside(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant, pieces: Iterable[Frames]
) -> None:
    """Suppress the new numbers of a file in pieces that are beside a suppressed address in any of them.

    The purchases of one number are in several pieces: `without_suppressed` leaves out all of them then.
    """
    if files[0].pieces > 1:
        for frames in pieces:
            without_suppressed(connection, files, merchant, frames)


def empty_payloads(connection: psycopg.Connection, merchant: Merchant, files: Sequence[FeedFile]) -> None:
    """Empty text and key of rejected records that mention a suppressed person, before they are kept.

    Reads and writes the temporary tables incoming_originals and incoming_rejects of a load.
    """
    if any_suppressed(connection, merchant.name):
        for file in files:
            _empty_payloads(connection, merchant, file)


def _empty_payloads(connection: psycopg.Connection, merchant: Merchant, file: FeedFile) -> None:
    interface = interface_of(merchant, file.interface)
    suppression = suppression_of(connection, merchant.name, file.file_id)
    query = "SELECT record, text FROM incoming_originals WHERE file = %s AND text IS NOT NULL"
    found = connection.execute(query, [file.file_id])
    named = [file.file_id, [record for record, text in found if _names(text, suppression, interface)]]
    of_named = "WHERE file = %s AND record = ANY(%s)"
    connection.execute(f"UPDATE incoming_originals SET text = NULL {of_named}", named)
    connection.execute(f"UPDATE incoming_rejects SET key = NULL {of_named}", named)


def _row_security_as_error(connection: psycopg.Connection) -> None:
    """Make row security raise an error: a user who cannot see suppressed people would load all of them."""
    connection.execute("SELECT set_config('row_security', 'off', false)")


def may_name_suppressed(
    connection: psycopg.Connection, files: Sequence[FeedFile], merchant: Merchant
) -> bool:
    """Return whether files of an interface name people, and their merchant has suppressed anybody."""
    return bool(KINDS[files[0].interface].people) and any_suppressed(connection, merchant.name)


def any_suppressed(connection: psycopg.Connection, merchant: str) -> bool:
    """Return whether a merchant has suppressed anybody."""
    _row_security_as_error(connection)
    query = "SELECT EXISTS (SELECT FROM suppressed WHERE merchant = %s)"
    found = connection.execute(query, [merchant]).fetchone()
    return bool(found and found[0])


def _suppressed_rows(
    connection: psycopg.Connection, file: FeedFile, suppression: Suppression, people: pa.Table
) -> Column:
    """Return which rows of number and email are left out; the table suppressed_emails is filled."""
    number, email = array_of(people["number"]), array_of(people["email"])
    numbers = suppression.among(SRS, _distinct(number))
    emails = suppression.among(EMAIL, _distinct(email))
    alone = pc.filter(email, number.is_null())
    here = suppression.among(email_in(file.file_id), _distinct(alone))
    beside = _distinct(pc.filter(number, is_one_of(email, emails)))
    others = set(beside) - {*numbers, *suppression.unsuppressed_among(SRS, beside)}
    unknown = _unknown_numbers(connection, suppression.merchant, others)
    remember(connection, suppression, [(SRS, each) for each in unknown], file.file_id)
    connection.execute("INSERT INTO suppressed_emails SELECT unnest(%s::text[])", [emails])
    by_number = is_one_of(number, [*numbers, *unknown])
    by_email = pc.and_(number.is_null(), is_one_of(email, [*emails, *here]))
    return is_true(pc.or_(by_number, by_email))


def _unknown_numbers(connection: psycopg.Connection, merchant: str, numbers: set[str]) -> list[str]:
    if not numbers:
        return []
    values = {"merchant": merchant, "numbers": sorted(numbers)}
    return [number for (number,) in connection.execute(statement("erasure/unknown_numbers"), values)]


def _names(raw: str, suppression: Suppression, interface: Interface) -> bool:
    found = mentions(raw, interface)
    return bool(suppression.among(SRS, found.numbers) or suppression.among(EMAIL, found.emails))


def _distinct(column: Any) -> list[str]:
    return [value for value in pc.unique(column).to_pylist() if value is not None]


def _keys(salt: bytes) -> dict[str, bytes]:
    """Return the keys in use, the current one last."""
    keys = [salt + secret.encode() for secret in secrets_in_use()]
    return {hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:8]: key for key in keys}


def _digest(key: bytes, merchant: str, kind: str, value: str) -> bytes:
    return hmac.digest(key, f"{merchant}\n{kind}\n{value}".encode(), "sha256")
