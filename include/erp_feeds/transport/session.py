"""One FTPS session: TLS on every channel, reused for data, and faults sorted by what Airflow must do."""

from __future__ import annotations

import codecs
import ftplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from erp_feeds.errors import ConfigurationError, FailError, RetryError

BLOCK = 64 * 1024
"""Bytes per read; larger blocks cost more CPU, not less."""

WRONG_LOGIN = "530"
UNAVAILABLE = "550"
NO_TLS = ("500", "502", "504", "431", "534")


class Options(BaseModel):
    """The extras of an Airflow connection that this client reads."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    ca_file: Path | None = None
    """PEM file of the authority to verify with; the machine's authorities where absent."""
    verify: bool = True
    timeout: float = Field(30, gt=0)
    """Seconds that any one network operation may take."""
    passive: bool = True
    encoding: str = "utf-8"
    """Of file names."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError("no such encoding, for example utf-8 or cp1252") from None


def options_of(connection_id: str, extras: dict[str, Any]) -> Options:
    """Read the extras of a connection.

    Raises:
        ConfigurationError: names the extra and what is wrong with it.
    """
    try:
        return Options.model_validate(extras)
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise ConfigurationError(
            f"Connection '{connection_id}', extra {faults}", "invalid_connection"
        ) from None


def tls_context(options: Options) -> ssl.SSLContext:
    """Return the context for these options, made once: building one costs 20 ms and ends session reuse."""
    changed = 0
    if options.ca_file:
        try:
            changed = options.ca_file.stat().st_mtime_ns
        except OSError as error:
            message = (
                f"The CA file {options.ca_file} cannot be read ({error.strerror}): correct extra 'ca_file'"
            )
            raise ConfigurationError(message, "no_ca_file") from None
    return _context(options.ca_file, options.verify, changed)


@lru_cache(maxsize=256)
def _context(ca_file: Path | None, verify: bool, changed: int) -> ssl.SSLContext:  # noqa: ARG001 - a part of the key
    """Build a context; `changed` makes a renewed CA file a new one."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        message = f"The CA file {ca_file} holds no certificate in PEM form: correct the extra 'ca_file'"
        raise ConfigurationError(message, "no_ca_file") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Session(ftplib.FTP_TLS):
    """ftplib's client, mended in three places; nothing is set on the class, so sessions stay apart."""

    def __init__(self, context: ssl.SSLContext, options: Options) -> None:
        # Latin-1 until TLS is up: a greeting in any encoding can be read.
        super().__init__(context=context, timeout=options.timeout, encoding="latin-1")
        self._names = options.encoding
        self.set_pasv(options.passive)

    def auth(self) -> str:
        """Start TLS; replies that are not in the agreed encoding must not end the session."""
        reply = super().auth()
        self.encoding = self._names
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")  # type: ignore[union-attr]  # auth() made the socket
        return reply

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection that resumes the control connection's TLS session.

        Servers demand it as the proof that both come from one client. TLS 1.3 hands out its tickets after the
        handshake, so the session is read at each transfer.
        """
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - TLS follows below
        control = self.sock
        if not isinstance(control, ssl.SSLSocket):
            plain.close()
            raise ssl.SSLError("the control connection has no TLS")
        return self.context.wrap_socket(plain, server_hostname=self.host, session=control.session), size

    def stream(self, command: str, offset: int = 0) -> Iterator[bytes]:
        """Yield the blocks of a transfer; only a proper end of TLS and of the command ends it quietly.

        The shutdown of TLS is kept in earnest: without it a cut connection looks like the end of the file.
        """
        with self.transfercmd(command, offset or None) as data:
            while block := data.recv(BLOCK):
                yield block
            if isinstance(data, ssl.SSLSocket):
                data.unwrap()
        self.voidresp()

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
        """Return the answer to SIZE or MDTM; None where the server knows not the command or the file."""
        try:
            return self.sendcmd(command)[3:].strip()
        except ftplib.error_perm:
            return None


@contextmanager
def sorted_faults(place: str) -> Iterator[None]:
    """Turn what ftplib, TLS and sockets raise into what Airflow must do; `place` names server and path."""
    try:
        yield
    except ftplib.error_temp as error:
        raise RetryError(f"{place}: the server says '{_said(error)}'", "server_busy") from error
    except ftplib.error_perm as error:
        raise permanent(place, error) from error
    except ssl.SSLCertVerificationError as error:
        message = (
            f"{place}: the server's certificate is refused ({error.verify_message}). Name its authority in "
            "the extra 'ca_file' of the connection, and as host a name that the certificate holds"
        )
        raise FailError(message, "certificate_refused") from error
    except UnicodeEncodeError as error:
        message = f"{place}: the name cannot be written in {error.encoding}: correct the extra 'encoding'"
        raise FailError(message, "wrong_encoding") from None
    except TimeoutError as error:
        raise RetryError(f"{place}: no answer in time", "timeout") from error
    except (OSError, EOFError, ftplib.Error) as error:
        reason = str(error).strip() or type(error).__name__
        raise RetryError(f"{place}: no connection ({reason[:200]})", "connection_lost") from error


def permanent(place: str, error: ftplib.error_perm) -> FailError:
    """Return the error for a 5xx reply."""
    said = _said(error)
    if said.startswith(WRONG_LOGIN):
        message = f"{place}: login refused ('{said}'): correct login and password of the connection"
        return FailError(message, "login_refused")
    return FailError(f"{place}: the server refuses with '{said}'", "refused")


def code_of(error: ftplib.Error) -> str:
    """Return the three digits of a server's reply."""
    return str(error)[:3]


def _said(error: ftplib.Error) -> str:
    """Return a server's reply as one short line."""
    return " ".join(str(error).split())[:200]
