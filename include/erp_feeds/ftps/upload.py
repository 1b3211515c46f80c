"""Storing a file on a server whole or not at all, also where nothing there may be written over."""

from __future__ import annotations

import pycurl

from erp_feeds.errors import RetryError
from erp_feeds.ftps.errors import CurlFault
from erp_feeds.ftps.folder import Names
from erp_feeds.ftps.session import Session

PART = ".part"
"""What the name of an upload ends with until every byte is there."""


def store_whole(session: Session, path: str, content: bytes, names: Names) -> None:
    """Write a file under another name, and give it its own when every byte is there.

    Where a server lets no rename write over a file, the older one is removed first. Killed in between,
    nothing lies under the name, and the next attempt, which begins anew, ends with the new content there.

    Raises:
        RetryError: The server kept less than was sent.
        CurlFault: It refuses; what lay under the name is still there.
    """
    target = names.learn(session, path)
    arriving = target + PART.encode()
    _store_anew(session, arriving, content)
    session.open()
    _, answer = session.command(b"TYPE I", b"*SIZE " + arriving)
    size = answer.text[3:].strip()
    if answer.code < 300 and size != str(len(content)):
        message = f"{path}{PART} has {size} of {len(content)} bytes"
        raise RetryError(message, "incomplete_upload")
    _rename_over(session, arriving, target)


def _store_anew(session: Session, path: bytes, content: bytes) -> None:
    """Store, also where a killed upload has left a file of that name and it may not be written over."""
    try:
        session.store(path, content)
    except CurlFault as fault:
        if not (_is_refused(fault) and _removed(session, path)):
            raise
        session.open()
        session.store(path, content)


def _rename_over(session: Session, path: bytes, target: bytes) -> None:
    """Rename, also where another file has the name and a rename may not write over it.

    That one is removed only when the server has agreed to rename and refuses the name alone.
    """
    try:
        session.command(b"RNFR " + path, b"RNTO " + target)
    except CurlFault as fault:
        agreed = session.replies[-2].code < 400
        if not (agreed and _is_refused(fault) and _removed(session, target)):
            raise
        session.command(b"RNFR " + path, b"RNTO " + target)


def _is_refused(fault: CurlFault) -> bool:
    refused = fault.number in {pycurl.E_QUOTE_ERROR, pycurl.E_UPLOAD_FAILED} or fault.is_behind_passive
    return refused and fault.last.code >= 500


def _removed(session: Session, path: bytes) -> bool:
    """Remove a file; False where there is none, or the server does not allow it."""
    session.open()
    (reply,) = session.command(b"*DELE " + path)
    return reply.code < 300
