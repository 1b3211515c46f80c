"""One session of a client, and its data connections: pyftpdlib's, with logins, limits and a log of ours."""

from __future__ import annotations

import errno
import sys
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.handlers import TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.handlers.ftp.data import DTPHandler

from erp_feeds.errors import FeedError, visible
from erp_feeds.ftps_server.gate import Checked, Gate, log
from erp_feeds.ftps_server.space import Space
from erp_feeds.store.ftps_accounts import READER, Login

PERMISSIONS = "elradfmwT"
"""Of every login in its folder: everything but changing modes."""
TRANSFERS = frozenset({"STOR", "STOU", "APPE", "RETR", "LIST", "NLST", "MLSD"})
NO_QUOTA = "552 The space of this login is used up."
NO_SPACE = {errno.EDQUOT: NO_QUOTA, errno.ENOSPC: "452 The server has no space left."}


class Transfer(TLS_DTPHandler):  # type: ignore[misc]  # pyftpdlib has no type hints
    """A data connection: what arrives counts against the quota of the login."""

    def close_when_done(self) -> None:
        """Close once all is sent; an empty listing, too, waits for TLS: else clients find it cut."""
        if self._ssl_accepting and not self.producer_fifo:
            self.producer_fifo.append(None)
        else:
            super().close_when_done()

    def handle_ssl_established(self) -> None:
        """Send what waits, if it is only the end."""
        super().handle_ssl_established()
        if self.producer_fifo:
            self.modify_ioloop_events(self._wanted_io_events | self.ioloop.WRITE)

    def recv(self, buffer_size: int) -> bytes:
        """Return what has arrived.

        Raises:
            OSError: the quota is used up.
        """
        data: bytes = super().recv(buffer_size)
        space: Space | None = self.cmd_channel.space
        if self.receive and data and space and not space.take(len(data)):
            raise OSError(errno.EDQUOT, "quota")
        return data

    def enable_receiving(self, type: str, cmd: str) -> None:  # noqa: A002, ARG002 - pyftpdlib's name
        """Store what arrives as it is: text mode would change line ends, and break each zip."""
        super().enable_receiving("i", cmd)

    def handle_error(self) -> None:
        """End the transfer with a reply; pyftpdlib's own leaves a client of TLS waiting for one."""
        error = sys.exc_info()[1]
        number: int = getattr(error.__cause__ if error and error.__cause__ else error, "errno", None) or 0
        if number not in NO_SPACE:
            log.error("a transfer failed: %s", type(error).__name__)
        self._resp = (NO_SPACE.get(number, "426 Transfer aborted."), _nowhere)
        if number in NO_SPACE and self.file_obj and "w" in self.file_obj.mode:
            Path(self.file_obj.name).unlink(missing_ok=True)  # a part that nobody will complete
            if self.cmd_channel.space:
                self.cmd_channel.space.give_back(self.file_obj.tell())
        DTPHandler.close(self)  # without the end of TLS, which may not be possible any more


class Session(TLS_FTPHandler):  # type: ignore[misc]  # as above
    """A control connection. pyftpdlib keeps options on the class: each server has a subclass of its own."""

    gate: Gate
    dtp_handler = Transfer
    banner = "erp-feeds FTPS server"
    tls_control_required = True
    tls_data_required = True
    auth_failed_timeout = 1
    _own_context: SSL.Context | None = None
    _own_since = 0

    login: Login
    space: Space | None = None
    outdated_since: float | None = None
    """When it was seen that the account was disabled, or its password replaced."""

    @classmethod
    def get_ssl_context(cls) -> Any:
        """Return the TLS context, made anew where the certificate was renewed."""
        if cls.ssl_context is not None and cls.ssl_context is not cls._own_context:
            return cls.ssl_context  # the caller's
        try:
            changed = Path(cls.certfile).stat().st_mtime_ns
            if changed != cls._own_since:
                cls._own_context = cls.ssl_context = _tls(cls.certfile)
                cls._own_since = changed
        except (OSError, SSL.Error):
            if cls.ssl_context is None:
                raise
            log.error("the renewed certificate cannot be read: the one before is used")
        return cls.ssl_context

    @property
    def is_busy(self) -> bool:
        """Return whether a transfer runs or is about to."""
        return bool(self.data_channel or self._in_dtp_queue or self._out_dtp_queue)

    def end(self, reply: str) -> None:
        """End the session with a reply."""
        self.respond(reply)
        self.close_when_done()

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Start no transfer on a password that is no longer good; what runs may end, and be renamed."""
        if self.outdated_since is not None and cmd in TRANSFERS:
            self.end("421 The account has changed: log in again.")
        else:
            super().pre_process_command(line, cmd, arg)

    def ftp_PASS(self, line: str) -> None:  # noqa: N802 - pyftpdlib's name
        """Have a password checked, and be deaf until that is done."""
        if self.authenticated or not self.username:
            super().ftp_PASS(line)  # says so
        elif self.gate.is_locked(self.username, self.remote_ip):
            self.end("421 Too many failed logins: try again later.")
        else:
            self.del_channel()
            self.gate.ask(self, line)

    def checked(self, result: Future[Checked]) -> None:
        """Answer the login."""
        if self._closed:
            return
        self.add_channel()
        try:
            found = result.result()
        except Exception as error:  # the store or the disk: no reason to refuse a good password for good
            log.error(
                "logins cannot be checked: %s",
                error if isinstance(error, FeedError) else type(error).__name__,
            )
            self.end("421 Logins cannot be checked now: try again later.")
            return
        if found.login is None:
            self.gate.failed(self.username, self.remote_ip, is_known=found.is_known)
            self.handle_auth_failed("", "")
        elif self.gate.is_full(found.login.name):
            log.warning("%s from %s: too many sessions", found.login.name, self.remote_ip)
            self.end("421 Too many sessions of this login.")
        else:
            self.login, self.space = found.login, found.space
            self.gate.sessions.add(self)
            self.handle_auth_success(str(found.home), "", "Login successful.")
            self._note("logged in")

    def ftp_STOR(self, file: str, mode: str = "w") -> str | None:  # noqa: N802 - as above
        """Store a file where there is room; APPE comes here too."""
        if self.space and not self.space.has_room():
            self.respond(NO_QUOTA)
            return None
        return super().ftp_STOR(file, mode)  # type: ignore[no-any-return]

    def ftp_STOU(self, line: str) -> str | None:  # noqa: N802 - as above
        """Store a file under a new name where there is room."""
        if self.space and not self.space.has_room():
            self.respond(NO_QUOTA)
            return None
        return super().ftp_STOU(line)  # type: ignore[no-any-return]

    def on_file_received(self, file: str) -> None:
        """Log an upload."""
        size = 0
        with suppress(OSError):
            size = Path(file).stat().st_size
        self._note(f"stored {self.fs.fs2ftp(file)}, {size:,} bytes")

    def on_incomplete_file_received(self, file: str) -> None:
        """Log an upload that broke off."""
        self._note(f"upload of {self.fs.fs2ftp(file)} broke off")

    def on_logout(self, username: str) -> None:  # noqa: ARG002 - as pyftpdlib calls it
        """Forget who it was, at USER or REIN."""
        self.gate.sessions.discard(self)

    def close(self) -> None:
        """Close, and no longer count."""
        self.gate.sessions.discard(self)
        super().close()

    def get_repr_info(self, as_str: bool = False, extra_info: Any = None) -> Any:  # noqa: ARG002 - as above
        """Return what a trace shows: not the name, which may be a password in the wrong field."""
        return self.remote_ip if as_str else {"address": self.remote_ip}

    def _note(self, what: str) -> None:
        if self.login.name != READER:  # it scans without end
            log.info("%s from %s: %s", self.login.name, self.remote_ip, visible(what))


class ImplicitTls:
    """For a session whose TLS begins with the first byte."""

    def handle(self: Any) -> None:
        """Begin with TLS."""
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self: Any) -> None:
        """Greet."""
        super().handle()  # type: ignore[misc]


def _tls(certificate: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION)
    context.set_session_id(b"erp-feeds")
    context.use_certificate_chain_file(certificate)
    context.use_privatekey_file(certificate)
    context.check_privatekey()
    return context


def _nowhere(_: str) -> None:
    """Replies are no part of the log."""
