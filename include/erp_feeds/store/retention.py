"""Which archived originals retention deletes, and the note in the ledger that they are gone."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from erp_feeds.batch import FeedFile
from erp_feeds.store.connection import lock_originals, plain_errors, transaction
from erp_feeds.store.sql import statement


@plain_errors("finding expired files")
def expired(connection: psycopg.Connection, merchant: str, days: int) -> list[str]:
    """Return the URLs of originals received more than `days` days ago, of finished files."""
    found = connection.execute(statement("retention/expired"), {"merchant": merchant, "days": days})
    return [url for (url,) in found]


def drop_original(
    connection: psycopg.Connection, merchant: str, url: str, delete: Callable[[str], None]
) -> bool:
    """Delete an original and note it; after a crash between the two it is deleted again.

    Return False where a new remote file has come to share the original, which then stays.
    """
    values = {"merchant": merchant, "archived": url}
    with transaction(connection, "deleting an original"):
        lock_originals(connection, merchant)
        noted = connection.execute(statement("retention/note_deleted"), values).rowcount > 0
        if noted:
            delete(url)
    return noted


def was_deleted(connection: psycopg.Connection, merchant: str, file: FeedFile) -> bool:
    """Return whether retention has deleted the original of a file, or is just doing so."""
    query = "SELECT archive_deleted_at IS NOT NULL FROM files WHERE file_id = %s"
    with transaction(connection, f"reading {file.name}"):
        lock_originals(connection, merchant)
        found = connection.execute(query, [file.file_id]).fetchone()
    return bool(found and found[0])
