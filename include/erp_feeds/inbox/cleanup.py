"""Moves or deletes loaded files on the server, and never a newer file of the same name.

Nothing is ever overwritten: a file is first renamed to a claimed name and checked again there, since between
a scan and a delete the ERP party may upload a newer one. A file left under a claimed name, by a killed task
or because it was the newer one, is found by the next scan: a loaded one is removed, a new one loads.
"""

from __future__ import annotations

import logging
import posixpath
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import psycopg

from erp_feeds.batch import FeedFile, RemoteFile
from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps.listing import utc
from erp_feeds.ftps.session import NOTHING_KNOWN, FileStat
from erp_feeds.inbox.paths import claimed_path, is_claimed
from erp_feeds.inbox.scan import columns
from erp_feeds.merchant import Ftps
from erp_feeds.store.connection import plain_errors
from erp_feeds.store.sql import statement

MOST_OF_A_NAME = 100
"""Names that are tried in the folder of processed files: some servers say of every name that it exists."""
CLEARING_SECONDS = 300.0
"""Seconds for the files of one run: moving them may hold up no new file."""

log = logging.getLogger(__name__)


class Mover(Protocol):
    """What cleaning up needs of an FTPS client."""

    def stat(self, path: str) -> FileStat:
        """Return SIZE and MDTM of a file."""
        ...

    def rename(self, from_name: str, to_name: str) -> str:
        """Give a file another path."""
        ...

    def delete_file(self, path: str) -> None:
        """Remove a file."""
        ...

    def create_directory(self, path: str) -> None:
        """Make a folder where there is none."""
        ...


@plain_errors("finding loaded files on the server")
def loaded(
    connection: psycopg.Connection, merchant: str, remote_files: Sequence[RemoteFile]
) -> list[RemoteFile]:
    """Return the remote files whose bytes are loaded, with the exact time that the ledger knows."""
    found = connection.execute(statement("cleanup/loaded"), {"merchant": merchant, **columns(remote_files)})
    return [
        remote_files[position - 1].model_copy(update={"modified": modified}) for position, modified in found
    ]


@plain_errors("reading loaded files")
def remote_files_of(connection: psycopg.Connection, files: Sequence[FeedFile]) -> list[RemoteFile]:
    """Return loaded files as they were found on the server."""
    values = {"file_ids": [file.file_id for file in files]}
    found = connection.execute(statement("cleanup/remote_files"), values)
    return [
        RemoteFile(interface=interface, name=name, size=size, modified=modified, path=path)
        for interface, name, size, modified, path in found
    ]


def clear_all(hook: Mover, remote_files: Iterable[RemoteFile], settings: Ftps) -> None:
    """Move or delete loaded files; an error is logged, and the next run goes on."""
    until = time.monotonic() + CLEARING_SECONDS
    for remote_file in remote_files:
        if time.monotonic() > until:
            log.warning("The server is slow: the next run moves or deletes the files that are left")
            return
        try:
            if not clear(hook, remote_file, settings):
                log.info("%s has changed on the server since it was loaded; it stays there", remote_file.name)
        except (FailError, RetryError) as error:
            log.warning(
                "%s could not be moved or deleted; the next run tries again: %s", remote_file.name, error
            )
            if isinstance(error, RetryError) and error.code != "server_busy":  # else the file has the error
                return


def clear(hook: Mover, remote_file: RemoteFile, settings: Ftps) -> bool:
    """Move or delete a loaded file; return False where another file has its name by now, or none.

    Raises:
        RetryError: The server cannot be reached for now.
        FailError: The server refuses, or does not say whether the file is the loaded one or a newer one.
    """
    path = remote_file.path
    if not _is_same(hook, remote_file, path):
        return False
    target = (
        _target_path(hook, remote_file, settings.processed_folder) if settings.after_load == "move" else ""
    )
    if not is_claimed(path):
        path = claimed_path(path)
        hook.rename(remote_file.path, path)
        if not _is_same(hook, remote_file, path):
            return False
    if target:
        hook.rename(path, target)
    else:
        hook.delete_file(path)
    return True


def _is_same(hook: Mover, remote_file: RemoteFile, path: str) -> bool:
    """Return whether the file at a path is the one that was loaded."""
    stat = hook.stat(path)
    if None in stat:
        stat = hook.stat(path)  # the file may have gone between SIZE and MDTM
    if stat == NOTHING_KNOWN:
        return False
    size, modified = stat
    if size is None or modified is None:
        command = "SIZE" if size is None else "MDTM"
        message = (
            f"{path}: the server does not answer {command}, so a newer file could be taken for it: "
            "set ftps.after_load to 'leave'"
        )
        raise FailError(message, "cannot_clear")
    return (size, utc(modified)) == (remote_file.size, remote_file.modified)


def _target_path(hook: Mover, remote_file: RemoteFile, folder: str) -> str:
    """Return a free path in the folder of processed files; a name that is taken gets the file's time."""
    target = posixpath.join(posixpath.dirname(remote_file.path), folder)
    hook.create_directory(target)
    stem, extension = posixpath.splitext(remote_file.name)
    name = remote_file.name
    number = 1
    while hook.stat(posixpath.join(target, name))[0] is not None:
        if number > MOST_OF_A_NAME:
            message = f"{target} holds every name that {remote_file.name} could get there: clear that folder"
            raise FailError(message, "cannot_clear")
        mark = f".{remote_file.modified:%Y%m%d%H%M%S}" + (f"-{number}" if number > 1 else "")
        name = f"{stem}{mark}{extension}"
        number += 1
    return posixpath.join(target, name)
