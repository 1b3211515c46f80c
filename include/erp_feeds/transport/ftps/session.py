"""One FTPS session: ftplib's client with TLS on every channel, mended where real servers need it."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from erp_feeds.errors import ConfigurationError, FailError, RetryError
from erp_feeds.transport.ftps.channel import Channel
from erp_feeds.transport.ftps.connection import Extras, Server
from erp_feeds.transport.ftps.faults import NO_TLS, UNAVAILABLE, RaggedEndError, code_of, sorted_faults

NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL finds where plain text comes."""
EXPLANATION = 5.0
"""Seconds to wait for a server to say why it closed a data connection."""


def tls_context(extras: Extras) -> ssl.SSLContext:
    """Return the context for these extras, made once: building one costs 20 ms and ends session reuse.

    Raises:
        ConfigurationError: A file cannot be read, or does not hold what it should; names the extra.
    """
    changes = tuple(_changed(name, getattr(extras, name)) for name in ("ca_file", "cert_file", "key_file"))
    return _context(extras.ca_file, extras.verify, _ClientKey.of(extras), extras.max_tls, changes)


class _ClientKey(tuple[Path | None, Path | None, str | None]):
    """Certificate, key and password of the client; hashable, and its password never shows."""

    __slots__ = ()

    @classmethod
    def of(cls, extras: Extras) -> _ClientKey:
        password = extras.key_password.get_secret_value() if extras.key_password else None
        return cls((extras.cert_file, extras.key_file, password))

    def __repr__(self) -> str:
        return f"client certificate {self[0]}"


def _changed(name: str, path: Path | None) -> int:
    """Return when a file was last changed, so that a renewed one makes a new context."""
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError as error:
        message = f"The file {path} cannot be read ({error.strerror}): correct the extra '{name}'"
        raise ConfigurationError(message, f"no_{name}") from None


@lru_cache(maxsize=256)
def _context(
    ca_file: Path | None,
    verify: bool,
    client: _ClientKey,
    max_tls: str | None,
    changes: tuple[int, ...],  # noqa: ARG001 - a part of the key
) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError:  # OpenSSL's own errors, and a folder or a file that may not be read
        message = f"The CA file {ca_file} holds no certificate in PEM form: correct the extra 'ca_file'"
        raise ConfigurationError(message, "no_ca_file") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if max_tls == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    certificate, key, password = client
    if certificate:
        try:
            # Without a password OpenSSL would ask the terminal for one.
            context.load_cert_chain(certificate, key, password or (lambda: b""))
        except (ssl.SSLError, OSError):
            message = (
                f"{certificate} and its key cannot be used: correct 'cert_file', 'key_file', 'key_password'"
            )
            raise ConfigurationError(message, "no_cert_file") from None
    return context


class Session(ftplib.FTP_TLS):
    """ftplib's client; nothing is set on the class, so sessions stay apart."""

    def __init__(self, context: ssl.SSLContext, extras: Extras) -> None:
        # Latin-1 until TLS is up: a greeting in any encoding can be read.
        super().__init__(context=context, timeout=extras.timeout, encoding="latin-1")
        self._extras = extras
        self.names = extras.encoding
        """Encoding of file names, as agreed."""
        self.knows_mlsd: bool | None = None
        """None until the server was asked."""
        self.closing_reply = ""
        """What the server said at the end of the latest transfer."""
        self.set_pasv(extras.passive)

    def open(self, host: str, port: int) -> str:
        """Connect and return the greeting; in implicit mode TLS comes before it."""
        self.host, self.port = host, port
        self.sock = socket.create_connection((host, port), self._extras.connect_timeout)
        self.sock.settimeout(self._extras.timeout)
        self.af = self.sock.family
        if self._extras.tls == "implicit":
            self.sock = self.context.wrap_socket(self.sock, server_hostname=host)
            self._read_names()
        else:
            self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def auth(self) -> str:
        """Start TLS on a connection that began without."""
        reply = super().auth()
        self._read_names()
        return reply

    def putline(self, line: str) -> None:
        """Send a command; where the server has hung up, raise what it said last.

        That is why it did: 421, or in TLS 1.3 that the client's certificate is missing or refused.
        """
        try:
            super().putline(line)
        except TimeoutError:
            raise
        except OSError:
            if self.file is not None:  # else the greeting never came
                with suppress(EOFError):
                    self.getresp()
            raise

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection for what ftplib itself reads and writes, for example to store a file."""
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - TLS follows below
        with self._starting_tls(plain) as session:
            return self.context.wrap_socket(
                plain, server_hostname=self.host, session=session, suppress_ragged_eofs=False
            ), size

    def stream(self, command: str, offset: int = 0) -> Iterator[bytes]:
        """Yield the blocks of a transfer; only a proper end of TLS and of the command ends it quietly.

        Raises:
            RaggedEndError: The server calls the transfer complete, but did not end TLS: it may be cut.
        """
        ragged = False
        plain, _ = ftplib.FTP.ntransfercmd(self, command, offset or None)  # noqa: S321 - TLS follows below
        with plain:
            with self._starting_tls(plain) as session:
                channel = Channel(plain, self.context, self.host, session)
            try:
                yield from channel.blocks()
            except ssl.SSLEOFError:
                ragged = True
            else:
                channel.end()
        self.closing_reply = self.voidresp()
        if ragged:
            raise RaggedEndError("the data ended without the end of TLS: it may be cut", "ragged_end")

    def store(self, path: str, content: bytes) -> None:
        """Write a file; the end of TLS tells the server that nothing was cut.

        Its reply on the control channel decides: many servers do not answer the end of TLS with their own.
        """
        self.voidcmd("TYPE I")
        with self.transfercmd(f"STOR {path}") as channel:
            channel.sendall(content)
            if isinstance(channel, ssl.SSLSocket):
                with suppress(OSError):
                    channel.unwrap()
        self.closing_reply = self.voidresp()

    @contextmanager
    def _starting_tls(self, plain: socket.socket) -> Iterator[ssl.SSLSession | None]:
        """Lend the control connection's TLS session, for a data connection to resume.

        Servers demand it as the proof that both come from one client. TLS 1.3 hands out its tickets after the
        handshake, so the session is read at each transfer.
        """
        control = self.sock
        if not isinstance(control, ssl.SSLSocket):
            plain.close()
            raise ssl.SSLError("the control connection has no TLS")
        try:
            yield control.session
        except (OSError, EOFError):
            plain.close()
            # The server says on the control channel why it closed the data channel.
            control.settimeout(min(EXPLANATION, self._extras.timeout))
            with suppress(OSError, EOFError):
                self.voidresp()
            raise

    def enter(self, path: str) -> bool:
        """Go into a folder, because servers list paths with odd names wrongly; False where it is missing."""
        try:
            self.cwd(path)
        except ftplib.error_perm as error:
            if code_of(error) == UNAVAILABLE:
                return False
            raise
        return True

    def ask(self, command: str) -> str | None:
        """Return the answer to SIZE, MDTM and the like; None where the server refuses."""
        try:
            return self.sendcmd(command)[3:].strip()
        except ftplib.error_perm:
            return None

    def _read_names(self) -> None:
        """From here on read replies in the agreed encoding; one in another must not end the session."""
        self.encoding = self.names
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")  # type: ignore[union-attr]  # connected by now


def opened(server: Server) -> Session:
    """Log in, with every channel protected.

    Raises:
        RetryError: The server is not to be reached for now.
        FailError: Connection, certificate or login must be corrected first.
    """
    session = Session(tls_context(server.extras), server.extras)
    try:
        with sorted_faults(server.place):
            greet(session, server)
            session.login(server.login, server.password)
            session.prot_p()
            if server.extras.encoding == "utf-8":
                session.ask("OPTS UTF8 ON")  # IIS and old servers send names in UTF-8 only when asked to
    except BaseException:
        session.close()
        raise
    return session


def greet(session: Session, server: Server) -> None:
    """Connect and start TLS; a mix-up of the two modes gets an error that names the extra."""
    implicit = server.extras.tls == "implicit"
    try:
        session.open(server.host, server.port)
    except TimeoutError:
        if session.sock is None or implicit:
            raise
        message = (
            f"{server.place}: no greeting in time; where TLS is implicit, set the extra tls to 'implicit'"
        )
        raise RetryError(message, "timeout") from None
    except ssl.SSLError as error:
        if not implicit or error.reason not in NOT_TLS:
            raise
        message = (
            f"{server.place}: no TLS there from the start: set the extra tls to 'explicit', or mend the port"
        )
        raise FailError(message, "wrong_tls_mode") from None
    if not implicit:
        _start_tls(session, server)


def _start_tls(session: Session, server: Server) -> None:
    try:
        session.auth()
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if code_of(error) not in NO_TLS:
            raise
        message = f"{server.place}: the server offers no TLS, and plain FTP is never used: ask for FTPS"
        raise FailError(message, "no_tls") from None
