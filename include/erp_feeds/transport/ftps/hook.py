"""The FTPS hook: Airflow's own, with what real servers need, from session reuse to resumed transfers."""

from __future__ import annotations

import ftplib
import hashlib
import posixpath
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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

from erp_feeds.errors import ConfigurationError, RetryError
from erp_feeds.transport.ftps.connection import Server, server_of
from erp_feeds.transport.ftps.faults import ChangedError, sorted_faults
from erp_feeds.transport.ftps.folder import asked, read_folder, speak_of, stamp
from erp_feeds.transport.ftps.listing import Entry, Listing
from erp_feeds.transport.ftps.retrieval import rest
from erp_feeds.transport.ftps.session import Session, opened
from erp_feeds.transport.ftps.transfer import Stamp, Transfer
from erp_feeds.transport.ftps.upload import store_whole

TRIES = 5


def normalised(path: str) -> str:
    r"""Return a path as servers expect it: `\testshop\srs\` and `C:\testshop\srs` become /testshop/srs."""
    plain = path.replace("\\", "/")
    drive, colon, rest = plain.partition(":")
    return "/" + posixpath.normpath("/" + (rest if colon and len(drive) == 1 else plain)).lstrip("/")


class FtpsHook(FTPSHook):
    """One connection to an FTPS server; use it as a context manager.

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
            tries: How often a fetch takes up again after a fault without having got a byte further.
            back_off: Seconds, doubled from try to try and spread at random.
        """
        super().__init__(ftp_conn_id)
        self.conn: Session | None = None
        self._tries = tries
        self._back_off = back_off
        self._place = f"FTPS connection '{ftp_conn_id}'"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self.drop()
        else:
            self.close_conn()

    def server(self) -> Server:
        """Return where the Airflow connection leads.

        Raises:
            ConfigurationError: There is no such connection, or it is incomplete.
        """
        try:
            return server_of(self.get_connection(self.ftp_conn_id))
        except AirflowNotFoundException:
            message = f"Airflow connection '{self.ftp_conn_id}' does not exist: create it with type ftps"
            raise ConfigurationError(message, "no_connection") from None

    def get_conn(self) -> Session:
        """Return the session, opening it where there is none.

        Raises:
            RetryError: The server is not to be reached for now.
            FailError: Connection, certificate or login must be corrected first.
        """
        if self.conn is None:
            server = self.server()
            self._place = server.place
            if not server.extras.verify:
                self.log.warning("%s: certificates are NOT verified (extra verify=false)", self._place)
            self.conn = opened(server)
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

    def listing(self, folder: str) -> Listing:
        """List a folder as cheaply as the server can; a missing one is empty: it comes with the first export.

        Args:
            folder: Path on the server; backslashes are accepted.
        """
        with self._session(normalised(folder)) as session:
            return read_folder(session) if session.enter(normalised(folder)) else Listing()

    def entries(self, folder: str, wanted: Callable[[str], bool] | None = None) -> list[Entry]:
        """List a folder with size and time to the second, for which some servers are asked file by file.

        Args:
            folder: Path on the server; backslashes are accepted.
            wanted: Tells by name which files to list, all where absent.
        """
        path = normalised(folder)
        with self._session(path) as session:
            found = read_folder(session).entries if session.enter(path) else ()
            return [
                entry if entry.is_folder or entry.is_certain() else asked(session, entry)
                for entry in found
                if entry.is_folder or not wanted or wanted(entry.name)
            ]

    def has_folder(self, folder: str) -> bool:
        """Tell whether this user may enter a folder."""
        with self._session(normalised(folder)) as session:
            return session.enter(normalised(folder))

    def stamp(self, path: str) -> Stamp:
        """Return SIZE and MDTM of a file, each None where the server does not say."""
        with self._session(normalised(path)) as session:
            return stamp(session, normalised(path))

    def fetch(self, path: str, digest: hashlib._Hash | None = None) -> Iterator[bytes]:
        """Yield a file's bytes in blocks of at most 512 KiB, taking up again where a fault cut it.

        Args:
            path: Path on the server; backslashes are accepted.
            digest: A fresh SHA-256, for a caller who wants the hash too: every byte is hashed here anyway.

        Raises:
            RetryError: Not to be had whole for now, or changed under our hands.
            FileGoneError: No longer there.
            FailError: The server refuses it.
        """
        transfer = Transfer(normalised(path), self.log, digest=digest or hashlib.sha256())
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

    def get_size(self, path: str) -> int | None:
        """Return the bytes of a file, which may be none; None where the server does not say."""
        return self.stamp(path)[0]

    def list_directory(self, path: str) -> list[str]:
        """Return the names in a folder."""
        return [entry.name for entry in self.listing(path).entries]

    def create_directory(self, path: str) -> None:
        """Make a folder; one that is there already is left alone."""
        path = normalised(path)
        with self._session(path) as session:
            if session.enter(path):
                return
            try:
                session.mkd(path)
            except ftplib.error_perm:
                if not session.enter(path):  # else another run has made it in the meantime
                    raise

    def rename(self, from_name: str, to_name: str) -> str:
        """Give a file another path on the server."""
        with self._session(normalised(from_name)) as session:
            speak_of(session, normalised(from_name))
            return session.rename(normalised(from_name), normalised(to_name))

    def store_bytes(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all, over an older one: it gets its name when every byte is there.

        Raises:
            RetryError: The server cannot be reached for now, or kept less than was sent.
            FailError: The server refuses.
        """
        path = normalised(path)
        with self._session(path) as session:
            store_whole(session, path, content, self._place)

    def delete_file(self, path: str) -> None:
        """Remove a file from the server."""
        with self._session(normalised(path)) as session:
            speak_of(session, normalised(path))
            session.delete(normalised(path))

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

    def _stretch(self, transfer: Transfer) -> Iterator[bytes]:
        """Yield what comes until the file is whole or a fault cuts it; each byte renews patience."""
        before = transfer.received
        for attempt in self._attempts():
            with attempt:
                try:
                    with self._session(transfer.path) as session:
                        yield from rest(session, transfer, self._place)
                except ChangedError:
                    raise
                except RetryError as fault:
                    if transfer.received == before:
                        raise
                    self.log.warning("%s, after %d bytes; it goes on from there", fault, transfer.received)
                    time.sleep(self._back_off)

    def _attempts(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(RetryError) & retry_if_not_exception_type(ChangedError),
            stop=stop_after_attempt(self._tries),
            wait=wait_random_exponential(self._back_off, max=30 * self._back_off),
            reraise=True,
        )
