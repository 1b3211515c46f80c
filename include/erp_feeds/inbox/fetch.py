"""Fetches new files from the server into the archive; one that does not come keeps no other from loading."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import psycopg

from erp_feeds.batch import Batch, FeedFile
from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import FailError, FeedError, QuarantineError, RetryError
from erp_feeds.ftps import ChangedError, FileGoneError, FileRefusedError, FtpsHook
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.redaction import full_disk
from erp_feeds.storage import archive
from erp_feeds.store import ledger

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5
"""Fetches that fail one after the other before the server counts as the cause."""


class _FetchError(Exception):
    """One file did not come; whether the server or the file is the cause, the other files tell."""

    def __init__(self, cause: FeedError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def fetch_files(
    connection: psycopg.Connection, merchant: Merchant, batch: Batch
) -> Iterator[tuple[FeedFile, QuarantineError | None]]:
    """Archive the original bytes of every new file; yield each file that is archived, or why it is not.

    A fetch that fails is the file's own error where another file comes: the server is well. Until then it may
    be the server's, and marks no file.

    Raises:
        RetryError: The server cannot be reached for now, or delivers nothing.
        FailError: Login or server must be corrected first.
    """
    failed: list[tuple[FeedFile, FeedError]] = []
    goes_on = is_well = False
    in_a_row = 0
    with FtpsHook(merchant.ftps.connection) as hook:
        for file in batch.files:
            if file.archived:
                goes_on = True
                yield file, None
                continue
            if in_a_row == FAILURES_IN_A_ROW:
                continue
            try:
                archived = _archive(connection, merchant, batch.run, file, hook)
            except QuarantineError as error:
                yield file, error
                continue
            except _FetchError as error:
                hook.get_conn()  # raises where it is the connection that fails
                failed.append((file, error.cause))
                in_a_row += 1
                continue
            is_well, in_a_row = True, 0
            if archived:
                yield archived, None
    if failed and not (is_well or goes_on):
        raise failed[0][1]
    for file, cause in failed:
        log.warning("%s could not be fetched: %s", file.name, cause)
        if is_well:
            yield file, QuarantineError(QuarantineCode.NOT_READABLE, str(cause))


def _archive(
    connection: psycopg.Connection, merchant: Merchant, run: str, file: FeedFile, hook: FtpsHook
) -> FeedFile | None:
    """Fetch and archive one file; None where it is gone or its bytes are known.

    Raises:
        QuarantineError: This file alone cannot be fetched, or the disk has no room for it.
        _FetchError: It did not come.
    """
    if not ledger.is_to_fetch(connection, file):  # a retry: the path may hold other bytes by now
        return ledger.archived_file(connection, file)
    try:
        original = archive.save(hook.fetch(file.path), merchant.name, file.interface, file.name)
    except ChangedError as error:  # left in its state: the next scan of the inbox decides
        log.warning("%s waits for the next run: %s", file.name, error)
        return None
    except FileGoneError:
        log.warning("%s is no longer in the inbox", file.name)
        ledger.mark_missing(connection, file, run)
        return None
    except FileRefusedError as error:
        raise QuarantineError(QuarantineCode.NOT_READABLE, str(error)) from None
    except (RetryError, FailError) as error:
        if error.code == "too_large":
            raise QuarantineError(QuarantineCode.TOO_LARGE, str(error)) from None
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
