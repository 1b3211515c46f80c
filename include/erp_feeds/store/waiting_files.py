"""The files that wait for a run: which ones the next run takes, and which run has taken which."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import psycopg

from erp_feeds.batch import FeedFile
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Limits, Merchant
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.ledger import feed_file
from erp_feeds.store.sql import statement

RETRY_SECONDS = 20
"""Seconds between two fetches of a file that was incomplete: its upload may still go on."""


@plain_errors("finding unfinished files")
def unfinished(
    connection: psycopg.Connection,
    merchant: Merchant,
    others: Collection[str] = (),
) -> list[FeedFile]:
    """Return the files that the merchant's next run takes, ordered by interface and index number.

    These are as many as `limits` allows. Those that an earlier run could not take come last, so that they
    take no other file's place. What the runs `others` have taken is left to them.

    Registered ones and those due for another fetch carry the path on the server, archived ones the URL of
    their original.
    """
    values = {
        "merchant": merchant.name,
        "interfaces": [interface.name for interface in interfaces_of(merchant)],
        "pause": RETRY_SECONDS,
        "others": list(others),
        "files": merchant.limits.files_per_run,
        "bytes": merchant.limits.bytes_per_run,
    }
    return [feed_file(row) for row in connection.execute(statement("waiting_files/unfinished"), values)]


def fills_a_run(files: Collection[FeedFile], limits: Limits) -> bool:
    """Return whether files are as many as a run takes; further ones are left to the next."""
    size = sum(max(file.size, 0) for file in files)
    return len(files) >= limits.files_per_run or size >= limits.bytes_per_run


@plain_errors("reading which files could not be taken")
def failed_last(connection: psycopg.Connection, files: Sequence[FeedFile]) -> list[FeedFile]:
    """Return files in their order, but those that could not be taken behind the others, the latest last."""
    file_ids = [file.file_id for file in files]
    found = connection.execute(statement("waiting_files/failed_last"), {"file_ids": file_ids})
    known = {file.file_id: file for file in files}
    return [known[file_id] for (file_id,) in found]


@plain_errors("reading which runs have unfinished files")
def taken_by(connection: psycopg.Connection, merchant: str, run: str = "") -> list[str]:
    """Return the ids of the runs, but for one, that have taken files which are not finished."""
    found = connection.execute(statement("waiting_files/taken_by"), {"merchant": merchant, "run": run})
    return [taker for (taker,) in found]


def take(connection: psycopg.Connection, files: Collection[FeedFile], run: str) -> None:
    """Note that a run has taken these files; until it ends, other runs do not take them."""
    with transaction(connection, "taking files"):
        values = {"file_ids": [file.file_id for file in files], "run": run}
        connection.execute(statement("waiting_files/take"), values)
