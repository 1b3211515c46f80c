"""The server: its listeners, its loop, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from erp_feeds.ftps_server.gate import Accounts, Gate, Limits
from erp_feeds.ftps_server.handler import PERMISSIONS, ImplicitTls, Session

LOOPBACK = "127.0.0.1"
IDLE_SECONDS = 0.2
PENDING_SECONDS = 0.01
"""Wait of a turn while a password is checked elsewhere."""
REVIEW_SECONDS = 5.0
"""After which a disabled account or a replaced password is noticed."""
SOCKETS_PER_SESSION = 3
"""Control, data, and the listener of a passive data connection."""


class FtpsServer:
    """The server; as a context manager it runs in a thread, `serve` runs it in this one."""

    def __init__(
        self,
        home: Path,
        certificate: Path,
        accounts: Accounts,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        implicit_port: int | None = None,
        limits: Limits | None = None,
        drain_seconds: float = 0,
        passive_ports: Sequence[int] | None = None,
        public_address: str | None = None,
    ) -> None:
        """Listen.

        Args:
            home: Holds the folders of the logins, each made when it is first needed.
            certificate: PEM file of the private key and the certificate chain.
            accounts: Who may log in.
            host: Address to listen on.
            port: For TLS by AUTH; 0 takes a free one.
            implicit_port: For TLS from the first byte; None: not at all.
            limits: Of each login and address.
            drain_seconds: How long running transfers may go on after `stop`.
            passive_ports: Of data connections; any by default.
            public_address: IP address that clients are told, behind NAT.
        """
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = IOLoop()
        self._limits = limits or Limits()
        self._drain_seconds = drain_seconds
        self._gate = Gate(home, accounts, self._limits)
        options = {
            "gate": self._gate,
            "authorizer": _Permissions(),
            "certfile": str(certificate),
            "passive_ports": passive_ports,
            "masquerade_address": public_address,
        }
        self.handler: type[Any] = type("OurSession", (Session,), options)
        """pyftpdlib's options, for this server only."""
        self._listeners = [self._listen(host, port, self.handler)]
        if implicit_port is not None:
            implicit = type("OurImplicitSession", (ImplicitTls, self.handler), {})
            self._listeners.append(self._listen(host, implicit_port, implicit))
        self._loop.call_every(REVIEW_SECONDS, self._gate.review)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def _listen(self, host: str, port: int, handler: type[Any]) -> FTPServer:
        server = FTPServer((host, port), handler, ioloop=self._loop)
        server.max_cons = self._limits.sessions * SOCKETS_PER_SESSION
        server.max_cons_per_ip = self._limits.sessions_per_address
        return server

    @property
    def port(self) -> int:
        """The port for TLS by AUTH."""
        return int(self._listeners[0].address[1])

    @property
    def implicit_port(self) -> int | None:
        """The port for TLS from the first byte."""
        return int(self._listeners[1].address[1]) if len(self._listeners) > 1 else None

    def serve(self) -> None:
        """Serve until `stop` is called; then transfers may end, and every connection is closed."""
        while not self._stopping.is_set():
            self._turn()
        for listener in self._listeners:
            listener.close()
        until = time.monotonic() + self._drain_seconds
        while time.monotonic() < until and any(session.is_busy for session in self._gate.sessions):
            self._turn()
        self._gate.close()
        self._loop.close()

    def _turn(self) -> None:
        self._loop.loop(PENDING_SECONDS if self._gate.pending else IDLE_SECONDS, blocking=False)
        self._gate.settle()

    def stop(self) -> None:
        """End `serve` at its next turn; safe in a signal handler."""
        self._stopping.set()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve, name="ftps-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._thread:
            self._thread.join(timeout=10)


class _Permissions(DummyAuthorizer):  # type: ignore[misc]  # pyftpdlib has no type hints
    """What every login may do in its folder; passwords are the gate's."""

    permissions = PERMISSIONS

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:  # noqa: ARG002 - as pyftpdlib calls it
        """Return whether a login has a permission."""
        return perm in self.permissions

    def get_perms(self, username: str) -> str:  # noqa: ARG002 - as above
        """Return the permissions of a login."""
        return self.permissions
