"""Uploads result files for the ERP party: what became of each of its files.

Level-triggered: the ledger is compared with what was uploaded, so a result that could not be uploaded stays
pending until a later run succeeds. No error of the server or the store fails a run here or repeats a load.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import time

import psycopg

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.feedback import pending
from erp_feeds.feedback.result_file import Format, result_file
from erp_feeds.ftps import FtpsHook, normalised
from erp_feeds.merchant import Feedback, Ftps, Merchant
from erp_feeds.store.connection import one_at_a_time

DELIVERY_SECONDS = 300.0
"""Seconds for the result files of one run: they may hold up no new file."""

log = logging.getLogger(__name__)


def folder_of(ftps: Ftps, feedback: Feedback) -> str:
    """Return the folder of the results on the server."""
    return posixpath.join(normalised(ftps.root), feedback.folder)


def deliver_results(hook: FtpsHook, connection: psycopg.Connection, merchant: Merchant, run: str) -> None:
    """Upload the pending results of a merchant that has `feedback` configured."""
    feedback = merchant.feedback
    if feedback is None:
        return
    try:
        with one_at_a_time(connection, "feedback", merchant.name):  # two uploads of one name would mix
            pending_files = pending.pending_files(
                connection, merchant.name, run, merchant.limits.files_per_run
            )
            if pending_files:
                folder = folder_of(merchant.ftps, feedback)
                _deliver_all(hook, connection, folder, feedback.format, pending_files)
    except FeedError as error:
        log.warning("Result files could not be uploaded; the next run tries again: %s", error)


def _deliver_all(
    hook: FtpsHook,
    connection: psycopg.Connection,
    folder: str,
    form: Format,
    pending_files: list[pending.PendingResult],
) -> None:
    """Upload the results that differ from those on the server.

    Raises:
        RetryError: The server or the store cannot be reached for now.
        FailError: The folder cannot be made.
    """
    has_folder = False
    until = time.monotonic() + DELIVERY_SECONDS
    for file in pending_files:
        if time.monotonic() > until:
            log.warning("The server is slow: the next run uploads the result files that are left")
            return
        name, content = result_file(file.result, form)
        digest = _digest_of(folder, name, content)
        if digest != file.uploaded:
            if not has_folder:
                hook.create_directory(folder)
                has_folder = True
            if not _uploaded(hook, folder, name, content):
                continue
        pending.mark_uploaded(connection, file, digest)


def _digest_of(folder: str, name: str, content: bytes) -> str:
    """Return what identifies an uploaded result; the folder counts, so a new folder gets its own."""
    return hashlib.sha256(f"{folder}/{name}\n".encode() + content).hexdigest()


def _uploaded(hook: FtpsHook, folder: str, name: str, content: bytes) -> bool:
    try:
        hook.store_bytes(posixpath.join(folder, name), content)
    except (FailError, RetryError) as error:
        if isinstance(error, RetryError) and error.code != "server_busy":  # else the file has the error
            raise
        log.warning("%s could not be uploaded; the next run tries again: %s", name, error)
        return False
    log.info("%s: uploaded for the ERP party (%d bytes)", name, len(content))
    return True
