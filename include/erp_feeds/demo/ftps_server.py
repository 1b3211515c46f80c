"""The FTPS server on this machine with logins that are written down, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from erp_feeds.demo.certificates import Certificates
from erp_feeds.ftps_server import FtpsServer
from erp_feeds.store.ftps_accounts import Login


class FixedAccounts:
    """Logins that never change: each has the folder of its name."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    def login(self, name: str, password: str) -> Login | None:
        """Return what a password opens."""
        return Login(name, name) if self._users.get(name) == password else None

    def good(self, names: Collection[str]) -> set[tuple[str, int]]:
        """Return the logins that are open."""
        return {(name, 0) for name in names if name in self._users}


def local_server(
    folder: Path, made: Certificates, users: Mapping[str, str], port: int = 0, **options: object
) -> FtpsServer:
    """Return a server on the loopback address, with the folder of each user."""
    for name in users:
        (folder / name).mkdir(parents=True, exist_ok=True)
    return FtpsServer(folder, made.server, FixedAccounts(users), port=port, **options)  # type: ignore[arg-type]
