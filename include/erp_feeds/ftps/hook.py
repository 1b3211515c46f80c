"""The FTPS hook: the interface of Airflow's own FTP hook, with libcurl beneath it."""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airflow.providers.ftp.hooks.ftp import FTPSHook
from airflow.sdk.exceptions import AirflowNotFoundException
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError
from erp_feeds.ftps.connection import Server, server_of
from erp_feeds.ftps.errors import UNAVAILABLE, ChangedError, CurlFault, sorted_fault
from erp_feeds.ftps.folder import Names, asked, read_folder
from erp_feeds.ftps.listing import UNSAFE, Entry, Listing, utc
from erp_feeds.ftps.retrieval import missing_bytes
from erp_feeds.ftps.session import Session
from erp_feeds.ftps.transfer import Stamp, Transfer
from erp_feeds.ftps.upload import store_whole

TRIES = 5


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

    Works with any Airflow connection of type ftp or ftps; for its extras see `connection.Extras`. What is
    inherited and not overridden here needs nothing of the session but `get_size` and `get_mod_time`.
    """

    conn_type = "ftps"
    hook_name = "FTPS"

    def __init__(
        self, ftp_conn_id: str = FTPSHook.default_conn_name, tries: int = TRIES, back_off: float = 1.0
    ) -> None:
        """Remember where to connect; the first command does so.

        Args:
            ftp_conn_id: Airflow connection id.
            tries: How often a fetch takes up again after a fault without having got a byte further.
            back_off: Seconds, doubled from try to try and spread at random.
        """
        super().__init__(ftp_conn_id)
        self.conn: Session | None = None  # type: ignore[assignment]  # in place of ftplib's
        self._tries = tries
        self._back_off = back_off
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_conn()

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
            self._names = Names(self._server.extras)
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
            if not (server.extras.verify or examine):  # who examines says so itself
                self.log.warning("%s: certificates are NOT verified (extra verify=false)", server.place)
            self.conn = Session(server)
        with self._sorting(""):
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
        """List a folder as cheaply as the server can; a missing one is empty: it comes with the first export.

        Args:
            folder: Path on the server; backslashes are accepted.

        Raises:
            ClosedFolderError: It is there, and this user may not list it.
        """
        path = normalised(folder)
        with self._session(path) as session:
            return read_folder(session, path, self._names, self.server().extras)

    def entries(self, folder: str, wanted: Callable[[str], bool] | None = None) -> list[Entry]:
        """List a folder with size and time to the second, for which some servers are asked file by file.

        Args:
            folder: Path on the server; backslashes are accepted.
            wanted: Tells by name which files to list, all where absent.
        """
        found = self.listing(folder).entries
        path = normalised(folder)
        with self._session(path) as session:
            return [
                entry if entry.is_folder or entry.is_certain() else asked(session, path, entry, self._names)
                for entry in found
                if entry.is_folder or not wanted or wanted(entry.name)
            ]

    def list_directory(self, path: str) -> list[str]:
        """Return the names in a folder."""
        return [entry.name for entry in self.listing(path).entries]

    def describe_directory(self, path: str) -> dict[str, dict[str, str | None]]:
        """Return name -> size, modify, type of what lies in a folder, as MLSD's facts."""
        return {
            entry.name: {
                "size": None if entry.size is None else str(entry.size),
                "modify": f"{entry.modified:%Y%m%d%H%M%S}" if entry.modified else None,
                "type": "dir" if entry.is_folder else "file",
            }
            for entry in self.entries(path)
        }

    def has_folder(self, folder: str) -> bool:
        """Tell whether this user may enter a folder."""
        path = normalised(folder)
        with self._session(path) as session:
            try:
                session.enter(self._names.encode(path))
            except CurlFault as fault:
                if fault.last.code != UNAVAILABLE:
                    raise
                return False
        return True

    def stamp(self, path: str) -> Stamp:
        """Return SIZE and MDTM of a file, each None where the server does not say."""
        path = normalised(path)
        with self._session(path) as session:
            return self._names.stamp(session, path)

    def get_size(self, path: str) -> int | None:
        """Return the bytes of a file, which may be none; None where the server does not say."""
        return self.stamp(path)[0]

    def get_mod_time(self, path: str) -> datetime | None:  # type: ignore[override]  # the server may not tell
        """Return when a file was last changed, in UTC; None where the server does not say."""
        _, time_said = self.stamp(path)
        return utc(time_said) if time_said else None

    def fetch(self, path: str, digest: hashlib._Hash | None = None) -> Iterator[bytes]:
        """Yield a file's bytes in blocks, taking up again where a fault cut it.

        Args:
            path: Path on the server; backslashes are accepted.
            digest: A fresh SHA-256, for a caller who wants the hash too: every byte is hashed here anyway.

        Raises:
            RetryError: Not to be had whole for now, or changed under our hands.
            FileGoneError: No longer there.
            FileRefusedError: The server refuses to hand out this file.
            FailError: The server refuses something else.
        """
        extras = self.server().extras
        transfer = Transfer(normalised(path), self.log, extras, digest=digest or hashlib.sha256())
        while not transfer.complete:
            yield from self._stretch(transfer)

    def retrieve_file(
        self,
        remote_full_path: str,
        local_full_path_or_buffer: Any,
        callback: Any = None,
        block_size: int = 0,  # noqa: ARG002 - Airflow's hook takes it
    ) -> None:
        """Fetch a file whole or not at all: it gets its local name when every byte is there.

        Args:
            remote_full_path: Path on the server.
            local_full_path_or_buffer: Path of the copy, or a file opened for writing bytes.
            callback: Is given each block instead.
            block_size: Not used: a block is what the server sends.
        """
        blocks = self.fetch(remote_full_path)
        if callback or not isinstance(local_full_path_or_buffer, (str, Path)):
            take = callback or local_full_path_or_buffer.write
            for block in blocks:
                take(block)
            return
        target = Path(local_full_path_or_buffer)
        arriving = target.with_name(target.name + ".part")
        try:
            with arriving.open("wb") as file:
                file.writelines(blocks)
            arriving.replace(target)
        finally:
            arriving.unlink(missing_ok=True)

    def store_file(
        self,
        remote_full_path: str,
        local_full_path_or_buffer: Any,
        block_size: int = 0,  # noqa: ARG002 - Airflow's hook takes it
    ) -> None:
        """Write a file, given as a path or an open file, as `store_bytes` does."""
        source = local_full_path_or_buffer
        self.store_bytes(
            remote_full_path, Path(source).read_bytes() if isinstance(source, (str, Path)) else source.read()
        )

    def store_bytes(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all, over an older one: it gets its name when every byte is there.

        Raises:
            RetryError: The server cannot be reached for now, or kept less than was sent.
            FailError: The server refuses.
        """
        path = normalised(path)
        with self._session(path) as session:
            store_whole(session, path, content, self._names)

    def create_directory(self, path: str) -> None:
        """Make a folder; one that is there already is left alone."""
        if self.has_folder(path):
            return
        try:
            self._command(path, b"MKD ")
        except FailError:
            if not self.has_folder(path):  # else another run has made it in the meantime
                raise

    def delete_directory(self, path: str) -> None:
        """Remove an empty folder."""
        self._command(path, b"RMD ")

    def delete_file(self, path: str) -> None:
        """Remove a file from the server."""
        self._command(path, b"DELE ")

    def rename(self, from_name: str, to_name: str) -> str:
        """Give a file another path on the server."""
        source, target = normalised(from_name), normalised(to_name)
        with self._session(source) as session:
            old = self._names.learn(session, source)
            return str(session.command(b"RNFR " + old, b"RNTO " + self._names.encode(target, source))[-1])

    def _command(self, path: str, command: bytes) -> None:
        path = normalised(path)
        with self._session(path) as session:
            session.command(command + self._names.learn(session, path))

    @contextmanager
    def _session(self, path: str) -> Iterator[Session]:
        """Lend the session, logged in, and sort what fails."""
        session = self.get_conn()
        with self._sorting(f" {path}"):
            yield session

    @contextmanager
    def _sorting(self, path: str) -> Iterator[None]:
        server = self.server()
        place = server.place + path
        try:
            yield
        except CurlFault as fault:
            raise sorted_fault(place, fault, is_implicit=server.extras.tls == "implicit") from None
        except UnicodeEncodeError as error:
            message = f"{place}: the name cannot be written in {error.encoding}: correct the extra 'encoding'"
            raise FailError(message, "wrong_encoding") from None
        except FeedError as error:
            raise type(error)(f"{server.place}: {error}", error.code) from None

    def _stretch(self, transfer: Transfer) -> Iterator[bytes]:
        """Yield what comes until the file is whole or a fault cuts it; each byte renews patience."""
        before = transfer.received
        for attempt in self._attempts():
            with attempt:
                try:
                    with self._session(transfer.path) as session:
                        yield from missing_bytes(session, transfer, self._names)
                except ChangedError:
                    raise
                except RetryError as fault:
                    if transfer.received == before or transfer.seconds_left() <= 0:
                        raise
                    self.log.warning(
                        "%s, after %d bytes; the download continues there", fault, transfer.received
                    )
                    time.sleep(self._back_off)

    def _attempts(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(RetryError) & retry_if_not_exception_type(ChangedError),
            stop=stop_after_attempt(self._tries),
            wait=wait_random_exponential(self._back_off, max=30 * self._back_off),
            reraise=True,
        )
