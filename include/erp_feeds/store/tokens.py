"""Tokens of machines: each opens the accounts of one merchant, and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import psycopg

from erp_feeds.errors import FailError
from erp_feeds.store import audit
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.sql import read_rows, statement

PREFIX = "erpfeeds_"
"""Prefix of every token: it differs from Airflow's, and can be found where one was published by mistake."""


@dataclass(frozen=True)
class Token:
    """A token without its secret."""

    token_id: int
    merchant: str
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To the hour."""


def create(connection: psycopg.Connection, merchant: str, name: str, by: str, days: int | None) -> str:
    """Create a token, and return it: nobody can show it again, since only its hash is stored."""
    token = PREFIX + secrets.token_urlsafe(32)
    values = {"merchant": merchant, "name": name, "sha256": _hash(token), "created_by": by, "days": days}
    with transaction(connection, "creating a token"):
        connection.execute(statement("tokens/create"), values)
        audit.note(connection, by, merchant, "token created", name)
    return token


def is_good(connection: psycopg.Connection, token: str, merchant: str) -> bool:
    """Return whether a token opens the accounts of a merchant. 256 random bits need no slow hash."""
    with plain_errors("reading a token"):
        wanted = {"sha256": _hash(token), "merchant": merchant}
        found = connection.execute(statement("tokens/find"), wanted).fetchone()
        if found and not found[1]:
            connection.execute(statement("tokens/used"), {"token_id": found[0]})
    return found is not None


def listed(connection: psycopg.Connection, merchant: str | None = None) -> list[Token]:
    """Return the tokens, the latest first, of all merchants by default."""
    with plain_errors("listing tokens"):
        return read_rows(connection, Token, "tokens/list", merchant=merchant)


def revoke(connection: psycopg.Connection, token_id: int, by: str) -> str:
    """Revoke a token, and return its merchant.

    Raises:
        FailError: no such token is good.
    """
    with transaction(connection, "revoking a token"):
        found = connection.execute(statement("tokens/revoke"), {"token_id": token_id}).fetchone()
        if not found:
            raise FailError(f"no token {token_id} is valid: `python -m erp_feeds token list`", "not_found")
        audit.note(connection, by, found[0], "token revoked", found[1])
    return str(found[0])


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
