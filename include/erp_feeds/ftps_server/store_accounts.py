"""The accounts of the store, and the reader of erp-feeds itself."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from hashlib import sha256

from erp_feeds.ftps_server.gate import CHECKERS
from erp_feeds.store import ftps_accounts
from erp_feeds.store.connection import lent, pool_of
from erp_feeds.store.ftps_accounts import READER, Login

STATEMENT_SECONDS = 10


class StoreAccounts:
    """Accounts as the store has them now; the reader's password comes from the environment."""

    def __init__(self, conninfo: str, reader_password: str) -> None:
        """Open a pool.

        Args:
            conninfo: Address of the store, for libpq; it need not be up yet.
            reader_password: By which erp-feeds reads all folders; empty: nobody does.
        """
        self._pool = pool_of(
            conninfo, "erp-feeds FTPS server", max_size=CHECKERS, statement_seconds=STATEMENT_SECONDS
        )
        self._reader_password = reader_password

    def login(self, name: str, password: str) -> Login | None:
        """Return what a password opens; None: nothing."""
        if name == READER:
            is_reader = bool(self._reader_password) and _same(password, self._reader_password)
            return Login(READER, "") if is_reader else None
        with lent(self._pool, "checking a login") as connection:
            return ftps_accounts.login(connection, name, password)

    def good(self, names: Collection[str]) -> set[tuple[str, int]]:
        """Return which logins are open now, with the versions of their passwords that are good."""
        readers = {(READER, 0)} if READER in names and self._reader_password else set()
        merchants = [name for name in names if name != READER]
        if not merchants:
            return readers
        with lent(self._pool, "reading FTPS accounts") as connection:
            return readers | ftps_accounts.good(connection, merchants)

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


def _same(one: str, other: str) -> bool:
    """Compare in a time that says nothing of either."""
    return hmac.compare_digest(
        *(sha256(each.encode("utf-8", "surrogateescape")).digest() for each in (one, other))
    )
