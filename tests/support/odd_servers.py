"""Ways in which real FTPS servers differ from the local one; each changes one running server."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from errno import EEXIST
from typing import Any

from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import TLS_DTPHandler
from pyftpdlib.handlers.ftp.data import DTPHandler

from erp_feeds.ftps_server import FtpsServer


def without(server: FtpsServer, *commands: str) -> None:
    """Let the server not know some commands; one without MLSD announces no MLST either."""
    if "MLSD" in commands:
        commands += ("MLST",)
    handler = server.handler
    handler.proto_cmds = {name: how for name, how in handler.proto_cmds.items() if name not in commands}


def ends_no_tls(server: FtpsServer) -> None:
    """Close data connections without ending TLS, as many servers do."""

    class AbruptDtp(TLS_DTPHandler):  # type: ignore[misc]  # pyftpdlib has no type hints
        def _do_ssl_shutdown(self) -> None:
            self._ssl_established = False
            DTPHandler.close(self)

    server.handler.dtp_handler = AbruptDtp


def lists(server: FtpsServer, change: Callable[[bytes], bytes]) -> None:
    """Let what a listing says pass through `change`; the server itself calls the transfer complete."""
    push = server.handler.push_dtp_data

    def push_changed(self: Any, data: Any, isproducer: bool = False, file: Any = None, cmd: str = "") -> None:
        if cmd in {"MLSD", "LIST"} and isproducer:
            data, isproducer = change(b"".join(iter(data.more, b""))), False
        push(self, data, isproducer=isproducer, file=file, cmd=cmd)

    server.handler.push_dtp_data = push_changed


def lists_in_dos_form(server: FtpsServer) -> None:
    """List as IIS does: no MLSD, and LIST lines like `01-05-17  11:53AM  12 name`."""
    without(server, "MLSD")

    def listing(self: Any, path: str) -> str:
        lines = []
        for name in self.fs.listdir(path):
            found = self.fs.stat(f"{path}/{name}")
            size = "<DIR>         " if self.fs.isdir(f"{path}/{name}") else f"{found.st_size:>14}"
            lines.append(f"{datetime.fromtimestamp(found.st_mtime, UTC):%m-%d-%y  %I:%M%p} {size} {name}\r\n")
        self.push_dtp_data("".join(lines).encode(), cmd="LIST")
        return path

    server.handler.ftp_LIST = listing


def writes_over_nothing(server: FtpsServer) -> None:
    """Let neither an upload nor a rename write over a file, as IIS does for renames and ProFTPD for both."""

    class CarefulFs(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no type hints
        def open(self, filename: str, mode: str) -> Any:
            if "w" in mode and self.lexists(filename):
                raise FileExistsError(EEXIST, "File exists")
            return super().open(filename, mode)

        def rename(self, src: str, dst: str) -> None:
            if self.lexists(dst):
                raise FileExistsError(EEXIST, "File exists")
            super().rename(src, dst)

    server.handler.abstracted_fs = CarefulFs


def serves_short(server: FtpsServer, length: int, times: int) -> list[int]:
    """Hand out files that end after some bytes from where the client asks, and call that complete.

    Returns:
        A list that grows by one at each short transfer.
    """
    happened: list[int] = []

    class ShortFs(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no type hints
        def open(self, filename: str, mode: str) -> Any:
            file = super().open(filename, mode)
            if "r" not in mode or len(happened) >= times:
                return file
            happened.append(length)
            short = _ShortFile(file, length)
            short.name = filename
            return short

    server.handler.abstracted_fs = ShortFs
    return happened


class _ShortFile(io.BytesIO):
    """The file's bytes, of which only some can be read from any place on."""

    name = ""

    def __init__(self, file: Any, length: int) -> None:
        super().__init__(file.read())
        file.close()
        self._left = length

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(min(self._left, size if size and size > 0 else self._left))
        self._left -= len(block)
        return block
