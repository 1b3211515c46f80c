"""A kind of server, a running one, and the rows of the table: server, mode, TLS version."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.debian import Unpacked
from servers.ground import Ground, Ports

EXPLICIT, IMPLICIT = "explicit", "implicit"
USER = "testshop"
PASSWORD = "only-for-tests"
PASSWORD_HASH = (
    "$6$erpfeeds$B6su8jabhi6ynU4gs8kISruZ3g2jeSdokRT.qnZ/qgnl4i6.DeOOx8THtqMnsWU90ZTH0uzvCM/emusUr8Y/2/"
)
"""Of the password, as crypt(3) makes it with SHA-512."""


class NotHereError(Exception):
    """A server cannot run on this machine or for this user; the message says why."""


Start = Callable[[Ground, Ports, str, Unpacked | None], AbstractContextManager[str]]
"""(ground, ports, mode, packages) -> while the server runs, the path on it that leads to the shared root."""


@dataclass(frozen=True)
class Server:
    """A server program and how to start it."""

    name: str
    modes: tuple[str, ...]
    login: str
    start: Start
    is_packaged: bool = True
    """Whether it comes from Debian packages."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    server: Server
    mode: str
    tls: str

    def __str__(self) -> str:
        return f"{self.server}-{self.mode}-tls{self.tls}"


@dataclass(frozen=True)
class Endpoint:
    """A running server."""

    server: Server
    version: str
    mode: str
    ports: Ports
    prefix: str
    """What leads to the shared root: empty where the server shuts its users in there."""
    ca: Path

    def connection(self, tls: str, **changes: Any) -> str:
        """Return an Airflow connection to the server as JSON; `extra` is laid over the usual one."""
        extra = {"ca_file": str(self.ca), "tls": self.mode, "max_tls": tls, "timeout": 10}
        values = {
            "conn_type": "ftp",
            "host": "localhost",
            "port": self.ports.control,
            "login": self.server.login,
            "password": PASSWORD,
        }
        return json.dumps({**values, **changes, "extra": {**extra, **changes.get("extra", {})}})
