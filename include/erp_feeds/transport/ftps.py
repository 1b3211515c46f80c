"""The FTPS client: Airflow's hook, with what real servers need (session reuse, own CA, timeouts, resume)."""

from __future__ import annotations

import ftplib
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from airflow.providers.ftp.hooks.ftp import FTPSHook
from airflow.sdk.exceptions import AirflowNotFoundException
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from erp_feeds.errors import ConfigurationError, FailError, RetryError
from erp_feeds.transport.listing import (
    FALLBACK_ENCODING,
    Entry,
    decoded,
    from_list,
    from_mlsd,
    is_temporary,
    utc,
)
from erp_feeds.transport.session import (
    NO_TLS,
    UNAVAILABLE,
    Options,
    Session,
    code_of,
    options_of,
    sorted_faults,
    tls_context,
)

__all__ = ["Entry", "FileGoneError", "FtpsHook", "is_temporary", "normalised"]

TRIES = 5
UNKNOWN_COMMAND = ("500", "501", "502", "504")

Stamp = tuple[int | None, str | None]
"""SIZE and MDTM of a file, each None where the server does not answer it."""


class FileGoneError(FailError):
    """The file is no longer on the server; the next look at the inbox settles what to do."""


class ChangedError(RetryError):
    """What came so far is worth nothing: only a fetch from the start, later, can help."""


def normalised(path: str) -> str:
    r"""Return a path as servers expect it: `\testshop\srs\` becomes /testshop/srs."""
    return "/" + posixpath.normpath("/" + path.replace("\\", "/")).lstrip("/")


class FtpsHook(FTPSHook):
    """One connection to an FTPS server; use it as a context manager.

    Airflow connection of type ftp; extras: ca_file, verify, timeout (seconds), passive, encoding.
    """

    def __init__(self, ftp_conn_id: str, tries: int = TRIES, back_off: float = 1.0) -> None:
        """Remember where to connect; the first command does so.

        Args:
            ftp_conn_id: Airflow connection id.
            tries: How often a fetch takes up again after a fault.
            back_off: Seconds, doubled from try to try and spread at random.
        """
        super().__init__(ftp_conn_id)
        self.conn: Session | None = None
        self._tries = tries
        self._back_off = back_off
        self._options = Options()
        self._place = f"FTPS connection '{ftp_conn_id}'"
        self._mlsd = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self.drop()
        else:
            self.close_conn()

    def get_conn(self) -> Session:
        """Return the session, opening it where there is none.

        Raises:
            RetryError: The server is not to be reached for now.
            FailError: Connection, certificate or login must be corrected first.
        """
        if self.conn is None:
            self.conn = self._connect()
        return self.conn

    def close_conn(self) -> None:
        """Say goodbye; a server that does not answer is left alone."""
        if self.conn is not None:
            with suppress(*ftplib.all_errors):
                self.conn.quit()
        self.drop()

    def drop(self) -> None:
        """Forget the session: after a fault the control connection cannot be trusted."""
        session, self.conn = self.conn, None
        if session is not None:
            with suppress(OSError):
                session.close()

    def entries(self, folder: str, wanted: Callable[[str], bool] | None = None) -> list[Entry]:
        """List a folder; a missing one is empty, because it appears with the first export.

        Args:
            folder: Path on the server; backslashes are accepted.
            wanted: Tells by name which files to list, all where absent; only for these is more asked.
        """
        path = normalised(folder)
        with self._session(path) as session:
            if not session.enter(path):
                return []
            found = [
                entry for entry in self._list(session) if entry.is_folder or not wanted or wanted(entry.name)
            ]
            return _completed(session, found)

    def require_folder(self, folder: str) -> None:
        """Refuse a root folder that does not exist.

        Raises:
            FailError: says which folder to correct.
        """
        path = normalised(folder)
        with self._session(path) as session:
            if not session.enter(path):
                message = (
                    f"{self._place}: folder {path} does not exist or is closed to this user: correct "
                    "ftps.root in the merchant file, or the user's rights on the server"
                )
                raise FailError(message, "no_root_folder")

    def fetch(self, path: str) -> Iterator[bytes]:
        """Yield a file's bytes in blocks of at most 64 KiB, taking up again where a fault cut it.

        Raises:
            RetryError: Not to be had whole for now, or changed under our hands.
            FileGoneError: No longer there.
            FailError: The server refuses it.
        """
        path = normalised(path)
        received = 0
        first: Stamp | None = None
        for attempt in self._attempts():
            with attempt, self._session(path) as session:
                stamp = self._stamp(session, path)
                first = first or stamp
                self._check_unchanged(path, first, stamp)
                for block in self._blocks(session, path, received, stamp[0]):
                    received += len(block)
                    yield block
                self._check_unchanged(path, first, self._stamp(session, path))
                if first[0] is not None and received != first[0]:
                    raise RetryError(
                        f"{self._place} {path}: {received} of {first[0]} bytes came", "short_transfer"
                    )

    def _connect(self) -> Session:
        try:
            connection = self.get_connection(self.ftp_conn_id)
        except AirflowNotFoundException:
            message = f"Airflow connection '{self.ftp_conn_id}' does not exist: create it with type ftp"
            raise ConfigurationError(message, "no_connection") from None
        if not connection.host:
            raise ConfigurationError(
                f"Airflow connection '{self.ftp_conn_id}' names no host", "invalid_connection"
            )
        self._options = options_of(self.ftp_conn_id, connection.extra_dejson)
        self._place = f"FTPS connection '{self.ftp_conn_id}' ({connection.host})"
        if not self._options.verify:
            self.log.warning("%s: certificates are NOT verified (extra verify=false)", self._place)
        session = Session(tls_context(self._options), self._options)
        try:
            with sorted_faults(self._place):
                session.connect(connection.host, connection.port or ftplib.FTP_PORT)
                self._start_tls(session)
                session.login(connection.login or "", connection.password or "")
                session.prot_p()
        except BaseException:
            session.close()
            raise
        return session

    def _start_tls(self, session: Session) -> None:
        try:
            session.auth()
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if code_of(error) not in NO_TLS:
                raise
            message = f"{self._place}: the server offers no TLS, and plain FTP is never used: ask for FTPS"
            raise FailError(message, "no_tls") from None

    @contextmanager
    def _session(self, path: str) -> Iterator[Session]:
        """Lend the session, and forget it after any fault, also one of the caller's."""
        session = self.get_conn()
        try:
            with sorted_faults(f"{self._place} {path}"):
                yield session
        except BaseException:
            self.drop()
            raise

    def _attempts(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(RetryError) & retry_if_not_exception_type(ChangedError),
            stop=stop_after_attempt(self._tries),
            wait=wait_random_exponential(self._back_off, max=30 * self._back_off),
            reraise=True,
        )

    def _list(self, session: Session) -> list[Entry]:
        """Read the current folder by MLSD, or by LIST where the server does not know MLSD."""
        session.voidcmd("TYPE A")
        if self._mlsd:
            try:
                return list(from_mlsd(self._lines(session, "MLSD")))
            except ftplib.error_perm as error:
                if code_of(error) not in UNKNOWN_COMMAND:
                    raise
                self._mlsd = False
        return list(from_list(self._lines(session, "LIST"), datetime.now(UTC)))

    def _lines(self, session: Session, command: str) -> list[str]:
        content = b"".join(session.stream(command))
        return [decoded(line.rstrip(b"\r"), self._options.encoding) for line in content.split(b"\n")]

    def _stamp(self, session: Session, path: str) -> Stamp:
        """Ask for size and time; a name that was listed in the fallback encoding is asked for in it."""
        session.voidcmd("TYPE I")
        session.encoding = self._options.encoding
        size = session.ask(f"SIZE {path}")
        if size is None and not path.isascii():
            session.encoding = FALLBACK_ENCODING
            size = session.ask(f"SIZE {path}")
        return (int(size) if size and size.isdigit() else None, session.ask(f"MDTM {path}"))

    def _blocks(self, session: Session, path: str, offset: int, size: int | None) -> Iterator[bytes]:
        if offset and offset == size:  # everything came before the fault; some servers refuse REST at the end
            return
        try:
            yield from session.stream(f"RETR {path}", offset)
        except ftplib.error_perm as error:
            if code_of(error) == UNAVAILABLE and self._is_gone(path):
                raise FileGoneError(f"{self._place}: {path} is no longer there", "vanished") from None
            if offset and code_of(error) in UNKNOWN_COMMAND:
                raise ChangedError(f"{self._place} {path}: the server cannot resume", "no_resume") from None
            raise

    def _is_gone(self, path: str) -> bool:
        """Tell a vanished file from one that may not be read: both get the same reply."""
        folder, name = posixpath.split(path)
        return not any(entry.name == name for entry in self.entries(folder, lambda each: each == name))

    def _check_unchanged(self, path: str, before: Stamp, after: Stamp) -> None:
        if before != after:
            raise ChangedError(f"{self._place}: {path} changed while it was fetched", "changed")


def _completed(session: Session, entries: list[Entry]) -> list[Entry]:
    """Ask for what the listing does not say, or says only roughly."""
    rough = {entry.name for entry in entries if not entry.is_folder and not entry.is_certain()}
    if rough:
        session.voidcmd("TYPE I")  # in ASCII mode servers refuse SIZE
    return [_asked(session, entry) if entry.name in rough else entry for entry in entries]


def _asked(session: Session, entry: Entry) -> Entry:
    size = entry.size
    if size is None:
        answer = session.ask(f"SIZE {entry.name}")
        size = int(answer) if answer and answer.isdigit() else None
    answer = session.ask(f"MDTM {entry.name}")
    return replace(entry, size=size, modified=(utc(answer) if answer else None) or entry.modified)
