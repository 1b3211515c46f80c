"""Storing a file on a server whole or not at all, also where nothing there may be written over."""

from __future__ import annotations

import ftplib

from erp_feeds.errors import RetryError
from erp_feeds.transport.ftps.folder import speak_of, stamp
from erp_feeds.transport.ftps.session import Session


def store_whole(session: Session, path: str, content: bytes, place: str) -> None:
    """Write a file under another name, and give it its own when every byte is there.

    Where a server lets no rename write over a file, the older one is removed first. Killed in between,
    nothing lies under the name, and the next attempt, which begins anew, ends with the new content there.

    Args:
        session: What ftplib raises on it passes through.
        path: Absolute, with slashes; its folder is there.
        content: The whole file.
        place: Names the server in errors.

    Raises:
        RetryError: The server kept less than was sent.
        ftplib.error_perm: It refuses; what lay under the name is still there.
    """
    arriving = path + ".part"
    speak_of(session, path)
    _store_anew(session, arriving, content)
    size, _ = stamp(session, arriving)
    if size not in {None, len(content)}:
        message = f"{place}: {arriving} has {size} of {len(content)} bytes"
        raise RetryError(message, "incomplete_upload")
    _rename_over(session, arriving, path)


def _store_anew(session: Session, path: str, content: bytes) -> None:
    """Store, also where a killed upload has left a file of that name and it may not be written over."""
    try:
        session.store(path, content)
    except ftplib.error_perm:
        if not _removed(session, path):
            raise
        session.store(path, content)


def _rename_over(session: Session, path: str, target: str) -> None:
    """Rename, also where another file has the name and a rename may not write over it.

    That one is removed only when the server has agreed to rename and refuses the name alone.
    """
    session.sendcmd(f"RNFR {path}")
    try:
        session.voidcmd(f"RNTO {target}")
    except ftplib.error_perm:
        if not _removed(session, target):  # so that was not why
            raise
        session.rename(path, target)


def _removed(session: Session, path: str) -> bool:
    """Remove a file; False where there is none, or the server does not allow it."""
    try:
        session.delete(path)
    except ftplib.error_perm:
        return False
    return True
