"""A local FTPS server where an ERP party may place files: TLS is required, each user sees one folder."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from erp_feeds.demo.certificates import Certificates, certificates
from erp_feeds.errors import ConfigurationError

PERMISSIONS = "elradfmwMT"
LOOPBACK = "127.0.0.1"
IDLE_SECONDS = 0.2


class FtpsServer:
    """The server; as a context manager it runs in a thread, `serve` runs it in this one."""

    def __init__(
        self, folder: Path, certificates: Certificates, users: Mapping[str, str], port: int = 0
    ) -> None:
        """Listen on the loopback address.

        Args:
            folder: Holds one folder per user, made when missing: the user's FTP root.
            certificates: Of the server; clients verify with its authority.
            users: User name -> password.
            port: Port to listen on; 0 takes a free one.
        """
        self._loop = IOLoop()
        self.handler = _handler(folder, certificates, users)
        """pyftpdlib's options, for this server only."""
        self._server = FTPServer((LOOPBACK, port), self.handler, ioloop=self._loop)
        self._server.max_cons = 512
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return int(self._server.address[1])

    def serve(self) -> None:
        """Serve until `stop` is called, then close every connection."""
        while not self._stopping.is_set():
            self._loop.loop(IDLE_SECONDS, blocking=False)  # `serve_forever` logs its banner at each call
        self._server.close_all()

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


def users_file(home: Path) -> Path:
    """Return the file that holds user names and passwords; its name no user's folder can take."""
    return home / ".users.json"


def certificates_of(home: Path) -> Certificates:
    """Return the certificates of the server that `python -m erp_feeds.demo.ftps_server --home` runs."""
    return certificates(home / ".certificates")


def write_users(home: Path, users: Mapping[str, str]) -> Path:
    """Write user names and passwords so that only this user can read them; return the file."""
    path = users_file(home)
    home.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dict(users), file)
    return fresh.replace(path)


def read_users(path: Path) -> dict[str, str]:
    """Read user names and passwords.

    Raises:
        ConfigurationError: The file is missing, readable by others, or holds something else.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"{path} is readable by others: run chmod 600 {path}", "readable_passwords"
            )
        users = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing: it holds {{user: password}}", "no_users") from None
    except ValueError:
        raise ConfigurationError(f"{path} is no JSON: it holds {{user: password}}", "no_users") from None
    if not isinstance(users, dict) or not users:
        raise ConfigurationError(f"{path} names no user: it holds {{user: password}}", "no_users")
    return {str(name): str(password) for name, password in users.items()}


def _handler(folder: Path, certificates: Certificates, users: Mapping[str, str]) -> type[Any]:
    """Return a handler class of its own for each server: pyftpdlib keeps all options on the class."""
    authorizer = DummyAuthorizer()
    for name, password in users.items():
        if name.startswith(".") or "/" in name:
            raise ConfigurationError(
                f"user '{name}' cannot be a folder: use letters, digits and _", "bad_user"
            )
        home = folder / name
        home.mkdir(parents=True, exist_ok=True)
        authorizer.add_user(name, password, str(home), perm=PERMISSIONS)
    options = {
        "authorizer": authorizer,
        "certfile": str(certificates.server),
        "ssl_context": None,
        "tls_control_required": True,
        "tls_data_required": True,
        "auth_failed_timeout": 1,
        "banner": "erp-feeds local FTPS server",
    }
    return type("LocalHandler", (TLS_FTPHandler,), options)


def main(arguments: list[str] | None = None) -> int:
    """Run the server as a process until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m erp_feeds.demo.ftps_server", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder that holds one folder per user")
    parser.add_argument("--port", type=int, default=2121, help="port on the loopback address (default 2121)")
    parser.add_argument(
        "--users", type=Path, help="JSON file {user: password}, mode 0600 (default HOME/.users.json)"
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)  # else pyftpdlib sets it up, and logs each login and command
    try:
        users = read_users(chosen.users or users_file(chosen.home))
        server = FtpsServer(chosen.home, certificates_of(chosen.home), users, chosen.port)
    except (ConfigurationError, OSError) as error:
        print(f"FTPS server cannot start: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    print(f"FTPS server on {LOOPBACK}:{server.port}, users: {', '.join(sorted(users))}", flush=True)
    server.serve()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
