"""What scans found, compared with the ledger: which files are new, complete, or loaded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import psycopg

from erp_feeds.batch import FeedFile, RemoteFile
from erp_feeds.store.connection import plain_errors, transaction
from erp_feeds.store.sql import statement

RECENT_SECONDS = 15 * 60
"""Seconds for which the minute of a LIST line proves nothing; many, as the server's clock may be wrong."""


@plain_errors("looking for new files")
def unlisted(
    connection: psycopg.Connection, merchant: str, remote_files: Sequence[RemoteFile]
) -> list[RemoteFile]:
    """Return the remote files that may be new, as far as a listing that gives times roughly can tell."""
    if not any(remote_file.listed for remote_file in remote_files):
        return list(remote_files)
    found = connection.execute(statement("ledger/unlisted"), {"merchant": merchant, **columns(remote_files)})
    return [remote_files[position - 1] for (position,) in found]


@plain_errors("looking for new files")
def unknown(
    connection: psycopg.Connection, merchant: str, remote_files: Sequence[RemoteFile]
) -> list[RemoteFile]:
    """Return the remote files whose name, size and time no row has (an event carries no files)."""
    values = {"merchant": merchant, **columns(remote_files), "age": RECENT_SECONDS}
    if any(remote_file.listed for remote_file in remote_files):
        connection.execute(statement("ledger/recognise"), values)
    found = connection.execute(statement("ledger/unknown"), values)
    return [remote_files[position - 1] for (position,) in found]


def stable(
    connection: psycopg.Connection,
    merchant: str,
    interfaces: Collection[str],
    new: Sequence[RemoteFile],
    stable_for: float,
) -> list[RemoteFile]:
    """Return the new files that an earlier look saw unchanged, and remember the others for the next one.

    Whether complete or not, a new file has taken the place of one that was never fetched under its name.

    Args:
        connection: Of the store.
        merchant: Whose inbox was looked at.
        interfaces: Names of the interfaces that were looked for.
        new: What the ledger does not know.
        stable_for: Seconds that a file must stay the same to be complete.
    """
    values = {"merchant": merchant, "interfaces": list(interfaces), **columns(new), "stable_for": stable_for}
    with transaction(connection, "looking which new files are complete"):
        found = []
        if new:  # most looks find nothing new
            found = connection.execute(statement("ledger/settled"), values).fetchall()
            connection.execute(statement("ledger/supersede"), values)
            connection.execute(statement("ledger/sight"), values)
        connection.execute(statement("ledger/forget_sightings"), values)
    return [new[position - 1] for (position,) in found]


@plain_errors("looking which files need not stay on the server")
def done(
    connection: psycopg.Connection, merchant: str, remote_files: Sequence[RemoteFile]
) -> list[RemoteFile]:
    """Return the remote files whose bytes are loaded, with the exact time that the ledger knows."""
    found = connection.execute(statement("ledger/done"), {"merchant": merchant, **columns(remote_files)})
    return [
        remote_files[position - 1].model_copy(update={"modified": modified}) for position, modified in found
    ]


@plain_errors("looking up loaded files")
def remote_files_of(connection: psycopg.Connection, files: Sequence[FeedFile]) -> list[RemoteFile]:
    """Return loaded files as they were seen on the server."""
    found = connection.execute(
        statement("ledger/sightings_of"), {"file_ids": [file.file_id for file in files]}
    )
    return [
        RemoteFile(interface=interface, name=name, size=size, modified=modified, path=path)
        for interface, name, size, modified, path in found
    ]


def columns(remote_files: Sequence[RemoteFile]) -> dict[str, list[Any]]:
    """Return remote files as parallel arrays, for unnest."""
    return {
        field: [getattr(remote_file, field) for remote_file in remote_files]
        for field in ("interface", "name", "size", "modified", "listed")
    }
