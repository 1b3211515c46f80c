"""Running servers, each started when the first test asks for it and kept for the others."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pyftpdlib

from servers import proftpd, pure_ftpd, pyftpdlib_server, vsftpd
from servers.debian import DownloadError, NoPackagesError, Unpacked
from servers.endpoint import EXPLICIT, IMPLICIT, Endpoint, NotHereError, Row, Server
from servers.ground import Ground, free_ports
from servers.processes import StartError

SERVERS = (
    Server("vsftpd", (EXPLICIT, IMPLICIT), vsftpd.LOGIN, vsftpd.start),
    Server("proftpd", (EXPLICIT, IMPLICIT), proftpd.LOGIN, proftpd.start),
    Server("pure-ftpd", (EXPLICIT,), pure_ftpd.LOGIN, pure_ftpd.start),  # as Debian builds it
    Server("pyftpdlib", (EXPLICIT, IMPLICIT), pyftpdlib_server.LOGIN, pyftpdlib_server.start, False),
)
ROWS = tuple(Row(server, mode, tls) for server in SERVERS for mode in server.modes for tls in ("1.2", "1.3"))


class Pool:
    """Holds what runs; as a context manager it ends everything."""

    def __init__(self, ground: Ground, downloads: Path) -> None:
        self._ground = ground
        self._downloads = downloads
        self._packages: Unpacked | NotHereError | DownloadError | None = None
        self._stack = ExitStack()
        self._running: dict[tuple[str, str], Endpoint] = {}
        self._refused: dict[str, Exception] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def endpoint(self, server: Server, mode: str) -> Endpoint:
        """Return a running server.

        Raises:
            NotHereError: It cannot run on this machine or for this user.
            DownloadError: Its package cannot be had for now.
            StartError: It does not start.
        """
        if str(server) in self._refused:
            raise self._refused[str(server)]
        if (server.name, mode) not in self._running:
            try:
                self._running[server.name, mode] = self._start(server, mode)
            except (NotHereError, DownloadError, StartError) as error:
                self._refused[str(server)] = error  # said at once for every other test of this server
                raise
        return self._running[server.name, mode]

    def _start(self, server: Server, mode: str) -> Endpoint:
        packages = self._unpacked() if server.is_packaged else None
        ports = free_ports()
        prefix = self._stack.enter_context(server.start(self._ground, ports, mode, packages))
        version = packages.version(server.name) if packages else pyftpdlib.__ver__
        return Endpoint(server, version, mode, ports, prefix, self._ground.certificates.ca)

    def _unpacked(self) -> Unpacked:
        self._packages = self._packages or _provided(self._downloads)
        if isinstance(self._packages, Exception):
            raise self._packages
        return self._packages


def _provided(downloads: Path) -> Unpacked | NotHereError | DownloadError:
    packages = Unpacked(downloads)
    try:
        packages.provide()
    except NoPackagesError as error:
        return NotHereError(str(error))
    except DownloadError as error:
        return error
    return packages
