"""The FTPS hook: an Airflow hook with libcurl beneath it."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Self

from airflow.providers.ftp.hooks.ftp import FTPSHook
from airflow.sdk.exceptions import AirflowNotFoundException

from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError
from erp_feeds.ftps.connection import Server, server_of
from erp_feeds.ftps.errors import ChangedError, CurlError, feed_error
from erp_feeds.ftps.folder import has_folder, read_folder
from erp_feeds.ftps.listing import UNSAFE, Listing
from erp_feeds.ftps.session import FileStat, Session
from erp_feeds.ftps.transfer import Transfer, missing_bytes

TRIES = 5
PART = ".part"
"""What the name of an upload ends with until every byte is there."""


def normalised(path: str) -> str:
    r"""Return a path as servers expect it: `\testshop\srs\` and `C:\testshop\srs` become /testshop/srs.

    Raises:
        FailError: It holds control characters, for example a line break, which would end a command.
    """
    plain = path.replace("\\", "/")
    if UNSAFE.search(plain.replace("/", "")):
        raise FailError(f"{path!r} cannot be a path on a server: it holds control characters", "invalid_path")
    drive, colon, rest = plain.partition(":")
    return "/" + posixpath.normpath("/" + (rest if colon and len(drive) == 1 else plain)).lstrip("/")


class FtpsHook(FTPSHook):
    """One connection to an FTPS server, for one thread; use it as a context manager.

    Works with any Airflow connection of type ftp or ftps; for its extras see `connection.Extras`.
    """

    conn_type = "ftps"
    hook_name = "FTPS"

    def __init__(
        self, ftp_conn_id: str = FTPSHook.default_conn_name, tries: int = TRIES, back_off: float = 1.0
    ) -> None:
        """Remember where to connect; the first command does so.

        Args:
            ftp_conn_id: Airflow connection id.
            tries: How often a fetch is tried without getting a byte further.
            back_off: Seconds between two tries, doubled from try to try.
        """
        super().__init__(ftp_conn_id)
        self.conn: Session | None = None  # type: ignore[assignment]  # in place of ftplib's
        self._tries = tries
        self._back_off = back_off
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self

    def server(self) -> Server:
        """Return where the Airflow connection leads.

        Raises:
            ConfigurationError: There is no such connection, or it is incomplete.
        """
        if self._server is None:
            try:
                self._server = server_of(self.get_connection(self.ftp_conn_id))
            except AirflowNotFoundException:
                message = f"Airflow connection '{self.ftp_conn_id}' does not exist: create it with type ftps"
                raise ConfigurationError(message, "no_connection") from None
        return self._server

    def get_conn(self, examine: Callable[[str], None] | None = None) -> Session:  # type: ignore[override]  # libcurl's, in place of ftplib's
        """Return the session, logged in.

        Args:
            examine: Is given what libcurl notes of TLS; see `Session.open`.

        Raises:
            RetryError: The server cannot be reached for now.
            FailError: Connection, certificate or login must be corrected first.
        """
        server = self.server()
        if self.conn is None:
            if not (server.extras.verify or examine):  # who examines reports it
                self.log.warning("%s: certificates are NOT verified (extra verify=false)", server.place)
            self.conn = Session(server)
        with self._errors_of(server.place):
            self.conn.open(examine)
        return self.conn

    def close_conn(self) -> None:
        """Say goodbye; the next command logs in anew."""
        session, self.conn = self.conn, None
        if session is not None:
            session.close()

    def test_connection(self) -> tuple[bool, str]:
        """Log in, for the button in Airflow's form."""
        try:
            with self:
                self.get_conn()
        except FeedError as error:
            return False, str(error)
        return True, "Connection successfully tested"

    def listing(self, folder: str) -> Listing:
        """List a folder; a missing one is empty: it comes with the first export.

        Args:
            folder: Path on the server; backslashes are accepted.

        Raises:
            FolderRefusedError: It is there, and this user may not list it.
        """
        with self._session(folder) as (session, path):
            return read_folder(session, path)

    def has_folder(self, folder: str) -> bool:
        """Return whether this user may enter a folder."""
        with self._session(folder) as (session, path):
            return has_folder(session, path)

    def stat(self, path: str) -> FileStat:
        """Return SIZE and MDTM of a file, each None where the server does not answer it."""
        with self._session(path) as (session, plain):
            return session.stat(plain.encode(session.encoding_of(plain)))

    def fetch(self, path: str, tries: int | None = None) -> Iterator[bytes]:
        """Yield a file's bytes in blocks, and go on where an error cut them.

        Args:
            path: Path on the server; backslashes are accepted.
            tries: In place of those of the hook.

        Raises:
            RetryError: It does not come whole for now; a `ChangedError` where it has changed meanwhile.
            FileGoneError: No longer there.
            FileRefusedError: The server refuses to hand out this file.
            FailError: The server refuses something else.
        """
        transfer = Transfer(normalised(path), self.log, self.server().extras)
        failures = 0
        while not transfer.complete:
            before = transfer.received
            try:
                with self._session(path) as (session, _):
                    yield from missing_bytes(session, transfer)
            except ChangedError:
                raise
            except RetryError as error:
                failures = 0 if transfer.received > before else failures + 1
                if failures == (tries or self._tries) or not transfer.can_go_on():
                    raise
                self.log.warning("%s; the download goes on after %d bytes", error, transfer.received)
                time.sleep(self._back_off * 2**failures)

    def store_bytes(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all, over an older one: it gets its name when every byte is there.

        Where a server lets no rename write over a file, the older one is removed first. Killed in between,
        nothing lies under the name, and the next attempt, which begins anew, ends with the new content there.

        Raises:
            RetryError: The server cannot be reached for now, or kept less than was sent.
            FailError: The server refuses.
        """
        with self._session(path) as (session, plain):
            target = plain.encode(session.encoding_of(plain))
            part = target + PART.encode()
            session.command(b"*DELE " + part)  # some servers write over nothing
            session.store(part, content)
            size, _ = session.stat(part)
            if size not in {None, len(content)}:
                message = f"{plain}{PART} has {size} of {len(content)} bytes"
                raise RetryError(message, "incomplete_upload")
            _, renamed = session.command(b"RNFR " + part, b"*RNTO " + target)
            if renamed.is_refusal:
                session.command(b"*DELE " + target)
                session.command(b"RNFR " + part, b"RNTO " + target)

    def create_directory(self, path: str) -> None:
        """Make a folder; one that is there already is left alone."""
        if self.has_folder(path):
            return
        try:
            with self._session(path) as (session, plain):
                session.command(b"MKD " + plain.encode(session.extras.encoding))
        except FailError:
            if not self.has_folder(path):  # else another run has made it in the meantime
                raise

    def delete_file(self, path: str) -> None:
        """Remove a file from the server."""
        with self._session(path) as (session, plain):
            session.command(b"DELE " + plain.encode(session.encoding_of(plain)))

    def rename(self, from_name: str, to_name: str) -> str:
        """Give a file another path on the server."""
        target = normalised(to_name)
        with self._session(from_name) as (session, source):
            encoding = session.encoding_of(source)
            commands = b"RNFR " + source.encode(encoding), b"RNTO " + target.encode(encoding)
            return str(session.command(*commands)[1])

    def _not_offered(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("this method needs ftplib, and this hook uses libcurl: see fetch, listing")

    list_directory = describe_directory = delete_directory = _not_offered
    retrieve_file = store_file = get_size = get_mod_time = _not_offered

    @contextmanager
    def _session(self, path: str) -> Iterator[tuple[Session, str]]:
        """Lend the session, logged in, and the path as servers expect it."""
        plain = normalised(path)
        session = self.get_conn()
        with self._errors_of(f"{self.server().place} {plain}"):
            yield session, plain

    @contextmanager
    def _errors_of(self, place: str) -> Iterator[None]:
        """Let errors say what Airflow must do about them, and where they happened."""
        try:
            yield
        except CurlError as error:
            raise feed_error(place, error) from None
        except UnicodeEncodeError as error:
            message = f"{place}: the name cannot be written in {error.encoding}: correct the extra 'encoding'"
            raise FailError(message, "wrong_encoding") from None
        except FeedError as error:
            raise type(error)(f"{self.server().place}: {error}", error.code) from None
