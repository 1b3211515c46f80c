"""The client of the standard library, with the one thing that no server of repute does without."""

from __future__ import annotations

import ftplib
import socket


class Resuming(ftplib.FTP_TLS):
    """Its data connections resume the TLS session of the control connection."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection."""
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = self.sock.session
        return self.context.wrap_socket(plain, server_hostname=self.host, session=session), size
