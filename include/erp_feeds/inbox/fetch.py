"""Fetches new files from the server into the archive; one that does not come keeps no other from loading."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import psycopg

from erp_feeds.batch import Batch, FeedFile
from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import FailError, FeedError, QuarantineError, RetryError
from erp_feeds.ftps import FileGoneError, FileRefusedError, FtpsHook
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.redaction import full_disk
from erp_feeds.storage import archive
from erp_feeds.store import ledger, waiting_files

log = logging.getLogger(__name__)

LOST_SECONDS = 200.0
"""Seconds that failed fetches may cost a run in each of its two passes; the next run takes what is left."""
TRIES = 3
"""How often a failed file is tried again without getting a byte further, once another file has come."""


class _FetchError(Exception):
    """One file was not fetched; whether the server or the file is the cause, the other files show."""

    def __init__(self, cause: FeedError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def fetch_files(
    connection: psycopg.Connection, merchant: Merchant, batch: Batch
) -> Iterator[tuple[FeedFile, QuarantineError | None]]:
    """Archive the original bytes of every new file; yield each file that is archived, or why it is not.

    Every file is tried once before a failed one is tried again, and in later runs failed files come after all
    others: no file keeps others from coming. A failed fetch counts as the file's own error only if another
    file comes, since the server then works. Until then it may be the server's, and no file is marked.

    Raises:
        RetryError: The server cannot be reached for now, or delivers nothing.
        FailError: Login or server must be corrected first.
    """
    new = [file for file in batch.files if not file.archived]
    yield from ((file, None) for file in batch.files if file.archived)
    with FtpsHook(merchant.ftps.connection) as hook:
        fetching = _Fetching(connection, merchant, batch.run, hook)
        yield from fetching.each_once(waiting_files.failed_last(connection, new))
        yield from fetching.failed_again()
    failed = fetching.failed
    if failed and not fetching.is_well and len(new) == len(batch.files):
        raise failed[0][1]


class _Fetching:
    """The fetches of one run."""

    def __init__(self, connection: psycopg.Connection, merchant: Merchant, run: str, hook: FtpsHook) -> None:
        self._connection = connection
        self._merchant = merchant
        self._run = run
        self._hook = hook
        self._seconds_left = 0.0
        self.is_well = False
        """Whether the server has delivered a file."""
        self.failed: list[tuple[FeedFile, FeedError]] = []
        """Files that did not come when it was their turn, and why."""

    def each_once(self, files: Sequence[FeedFile]) -> Iterator[tuple[FeedFile, QuarantineError | None]]:
        """Give every file its turn."""
        self._seconds_left = LOST_SECONDS
        for file in files:
            if self._seconds_left <= 0:
                log.warning("Fetches that fail take too long: the next run takes the files that are left")
                return
            try:
                yield from self._fetched(file, tries=1)
            except _FetchError as error:
                self.failed.append((file, error.cause))

    def failed_again(self) -> Iterator[tuple[FeedFile, QuarantineError | None]]:
        """Try failed files again; where no file has come, only one, since the server may be the cause."""
        self._seconds_left = LOST_SECONDS
        for file, _ in self.failed:
            if self._seconds_left <= 0:
                return
            try:
                yield from self._fetched(file, TRIES)
            except _FetchError as error:
                if not self.is_well:
                    return
                yield file, QuarantineError(QuarantineCode.NOT_READABLE, str(error.cause))

    def _fetched(self, file: FeedFile, tries: int) -> Iterator[tuple[FeedFile, QuarantineError | None]]:
        """Yield the file where it is archived now, or why it alone is not.

        Raises:
            _FetchError: It did not come, and the server takes the login still.
        """
        archived = None
        began = time.monotonic()
        try:
            archived = self._archive(file, tries)
            self.is_well = True
        except QuarantineError as error:
            yield file, error
        except _FetchError as error:
            log.warning("%s could not be fetched: %s", file.name, error)
            ledger.note_attempt(self._connection, file)
            self._hook.get_conn()  # raises where it is the connection that fails
            raise
        finally:
            self._seconds_left -= 0 if archived else time.monotonic() - began
        if archived:
            yield archived, None

    def _archive(self, file: FeedFile, tries: int) -> FeedFile | None:
        """Fetch and archive one file; None where it is gone or its bytes are known.

        Raises:
            QuarantineError: This file alone cannot be fetched, or the disk has no room for it.
            _FetchError: It did not come.
        """
        connection, merchant = self._connection, self._merchant
        if not ledger.is_to_fetch(connection, file):  # a retry: the path may hold other bytes by now
            return ledger.archived_file(connection, file)
        try:
            original = archive.save(
                self._hook.fetch(file.path, tries), merchant.name, file.interface, file.name
            )
        except FileGoneError:
            log.warning("%s is no longer in the inbox", file.name)
            ledger.mark_missing(connection, file, self._run)
            return None
        except FileRefusedError as error:
            raise QuarantineError(QuarantineCode.NOT_READABLE, str(error)) from None
        except (RetryError, FailError) as error:
            if error.code == "too_large":
                raise QuarantineError(QuarantineCode.TOO_LARGE, str(error)) from None
            if error.code == "changed":  # where it is another file by now, the next scan replaces it
                raise QuarantineError(QuarantineCode.NOT_READABLE, str(error)) from None
            raise _FetchError(error) from None
        except OSError as error:
            raise full_disk(error) from None
        archived = ledger.archive(connection, file, original.sha256, original.url, _day(merchant, file))
        log.info("%s: %d bytes archived%s", file.name, original.size, "" if archived else ", known already")
        return archived


def _day(merchant: Merchant, file: FeedFile) -> date:
    """Return the day under which a backfill finds the file: its index timestamp's, else its arrival's."""
    name = INTERFACES[file.interface].match(file.name)
    return (name and name.day()) or datetime.now(ZoneInfo(merchant.timezone)).date()
