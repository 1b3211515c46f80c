"""Accounts of ERP parties on the FTPS server of erp-feeds: one a merchant, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg

from erp_feeds.errors import ConfigurationError, FailError
from erp_feeds.merchant import Merchant
from erp_feeds.store import audit
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.sql import read_rows, statement

ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without the letters and digits that look alike: people type passwords into an ERP."""
LENGTH = 24
"""Characters of a password: 139 random bits."""
READER = "erp-feeds"
"""Login by which erp-feeds itself reads every folder of its server: no merchant can have this name."""
COST = {"n": 2**14, "r": 8, "p": 1}
"""Of scrypt: 16 MB and some 50 ms of CPU for each try."""


@dataclass(frozen=True)
class FtpsAccount:
    """An account without its password; its login is the merchant's name."""

    merchant: str
    folder: str
    """Below the server's home: the root of this login."""
    version: int
    """Of the password."""
    created_at: datetime
    changed_at: datetime
    changed_by: str
    disabled_at: datetime | None
    last_login_at: datetime | None
    """To the hour."""
    previous_until: datetime | None
    """Until when the password before is good too."""


@dataclass(frozen=True)
class Login:
    """What a good password opens."""

    name: str
    folder: str
    """Below the server's home; empty: all of it."""
    version: int = 0


def folder_of(merchant: Merchant) -> str:
    """Return the folder below the server's home that is a merchant's own.

    Raises:
        ConfigurationError: `ftps.root` is no folder of its own.
    """
    parts = [part for part in merchant.ftps.root_path.split("/") if part]
    if not parts:
        message = (
            f"ftps.root of {merchant.name} is '{merchant.ftps.root}': an account is locked into a folder of "
            f"its own, so set ftps.root in the merchant file, for example to /{merchant.name}"
        )
        raise ConfigurationError(message, "no_own_folder")
    return "/".join(parts)


def create(connection: psycopg.Connection, merchant: Merchant, by: str, *, password: str = "") -> str:
    """Create an account, or open a disabled one again; return its password, which nobody can show again.

    Raises:
        FailError: the account is open already, or shares its folder with another merchant's.
    """
    password = password or new_password()
    folder = folder_of(merchant)
    values = {"folder": folder, "password_hash": hashed(password), "by": by}
    with transaction(connection, "creating an FTPS account"):
        _check_folder(connection, merchant.name, folder)
        found = _run(connection, "create", merchant, values)
        if not found:
            raise FailError(f"{merchant.name} has an FTPS account: rotate its password", "account_exists")
        audit.note(connection, by, merchant.name, "FTPS account created")
    return password


def rotate(
    connection: psycopg.Connection,
    merchant: Merchant,
    by: str,
    *,
    keep_hours: int = 0,
    version: int | None = None,
) -> str:
    """Replace the password and return the new one; sessions that upload end their upload.

    Args:
        connection: Of the store.
        merchant: Whose account it is.
        by: Who does it.
        keep_hours: How long the password before is good too.
        version: Of the password to replace, so that one click does not count twice.

    Raises:
        FailError: no account is open, or the password is no longer that version.
    """
    password = new_password()
    folder = folder_of(merchant)
    values = {"folder": folder, "password_hash": hashed(password), "by": by}
    with transaction(connection, "rotating an FTPS password"):
        _check_folder(connection, merchant.name, folder)
        if not _run(connection, "rotate", merchant, {**values, "keep_hours": keep_hours, "version": version}):
            raise _not_open(connection, merchant.name, version)
        kept = f"the one before is good for {keep_hours} h" if keep_hours else ""
        audit.note(connection, by, merchant.name, "FTPS password rotated", kept)
    return password


def disable(connection: psycopg.Connection, merchant: Merchant, by: str) -> None:
    """Disable an account: no password opens it until it is created again. Its files stay.

    Raises:
        FailError: no account is open.
    """
    with transaction(connection, "disabling an FTPS account"):
        if not _run(connection, "disable", merchant, {"by": by}):
            raise _not_open(connection, merchant.name)
        audit.note(connection, by, merchant.name, "FTPS account disabled")


def listed(connection: psycopg.Connection, merchant: str | None = None) -> list[FtpsAccount]:
    """Return the accounts, of all merchants by default."""
    with plain_errors("listing FTPS accounts"):
        return read_rows(connection, FtpsAccount, "ftps_accounts/list", merchant=merchant)


def login(connection: psycopg.Connection, name: str, password: str) -> Login | None:
    """Return what a password opens; None: nothing. An unknown name takes as long as a wrong password."""
    with plain_errors("reading an FTPS account"):
        row = connection.execute(statement("ftps_accounts/find"), {"merchant": name}).fetchone()
        folder, version, current, before, is_noted = row or ("", 0, _UNKNOWN, None, True)
        is_current = _matches(password, current)
        is_before = not is_current and before is not None and _matches(password, before)
        if row is None or not (is_current or is_before):
            return None
        if not is_noted:
            connection.execute(statement("ftps_accounts/seen"), {"merchant": name})
    return Login(name, folder, version - is_before)


def good(connection: psycopg.Connection, merchants: Collection[str]) -> set[tuple[str, int]]:
    """Return the accounts that are open now, each with the versions of its password that are good."""
    with plain_errors("reading FTPS accounts"):
        found = connection.execute(statement("ftps_accounts/good"), {"merchants": list(merchants)})
        return {(merchant, version) for merchant, version in found}


def new_password() -> str:
    """Return a random password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def hashed(password: str) -> str:
    """Return the hash of a password, with its salt."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def _matches(password: str, known: str) -> bool:
    _, salt, key = known.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(key))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogateescape"), salt=salt, dklen=32, **COST)


_UNKNOWN = f"scrypt${bytes(16).hex()}${bytes(32).hex()}"
"""Compared with where there is no account; no password has this hash."""


def _run(
    connection: psycopg.Connection, name: str, merchant: Merchant, values: Mapping[str, object]
) -> tuple[object, ...] | None:
    return connection.execute(
        statement(f"ftps_accounts/{name}"), {**values, "merchant": merchant.name}
    ).fetchone()


def _check_folder(connection: psycopg.Connection, merchant: str, folder: str) -> None:
    """Check that no folder is within another account's: the one would read the other's files."""
    for each in listed(connection):
        ours, theirs = f"{folder}/", f"{each.folder}/"
        if each.merchant != merchant and (ours.startswith(theirs) or theirs.startswith(ours)):
            message = f"/{folder} is not {merchant}'s own: the account of {each.merchant} has /{each.folder}"
            raise FailError(message, "shared_folder")


def _not_open(connection: psycopg.Connection, merchant: str, version: int | None = None) -> FailError:
    is_open = any(each.disabled_at is None for each in listed(connection, merchant))
    if is_open and version is not None:
        return FailError(f"the password of {merchant} was changed meanwhile: load the page again", "changed")
    return FailError(f"{merchant} has no open FTPS account: create one", "no_account")
