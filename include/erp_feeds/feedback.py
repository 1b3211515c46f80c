"""Tells the ERP party what became of its files: the results that it is owed are placed on its server.

Level-triggered: what the ledger says is compared with what was placed, so a result that could not be placed
is owed until a later run succeeds. No fault of the server or the store fails a run here or repeats a load.
"""

from __future__ import annotations

import logging

import psycopg

from erp_feeds.errors import FeedError, RetryError
from erp_feeds.merchant import Feedback, Merchant
from erp_feeds.steps.feedback import result_file
from erp_feeds.store import feedback as debts
from erp_feeds.transport import feedback as placing
from erp_feeds.transport.ftps import FtpsHook

log = logging.getLogger(__name__)


def give(merchant: Merchant, run: str, connection: psycopg.Connection) -> None:
    """Place the results that are owed to this merchant's ERP party, where it asked for them."""
    feedback = merchant.feedback
    if feedback is None:
        return
    try:
        owed = debts.owed(connection, merchant.name, run, merchant.limits.files_per_run)
        if owed:
            with FtpsHook(merchant.ftps.connection) as hook:
                _give_all(hook, connection, merchant, feedback, owed)
    except FeedError as fault:
        log.warning("No results for the ERP party for now: %s", fault)


def _give_all(
    hook: FtpsHook,
    connection: psycopg.Connection,
    merchant: Merchant,
    feedback: Feedback,
    owed: list[debts.Owed],
) -> None:
    folder = placing.folder_of(merchant.ftps, feedback)
    for debt in owed:
        name, content = result_file(debt.result, feedback.format)
        digest = placing.digest_of(folder, name, content)
        try:
            if digest != debt.placed:
                placing.place(hook, folder, name, content)
                log.info("%s: %d bytes placed for the ERP party", name, len(content))
            debts.note_placed(connection, debt, digest)
        except FeedError as fault:
            log.warning("%s could not be placed, the next run tries again: %s", name, fault)
            if isinstance(fault, RetryError) and fault.code != "server_busy":  # else it is this file's fault
                return
