"""One stretch of a fetch, over one session: what is still missing of a file, and whether it came whole."""

from __future__ import annotations

import ftplib
import posixpath
from collections.abc import Iterator

from erp_feeds.transport.ftps.faults import (
    UNAVAILABLE,
    UNKNOWN_COMMAND,
    FileGoneError,
    RaggedEndError,
    code_of,
)
from erp_feeds.transport.ftps.folder import read_folder, stamp
from erp_feeds.transport.ftps.session import Session
from erp_feeds.transport.ftps.transfer import Transfer


def rest(session: Session, transfer: Transfer, place: str) -> Iterator[bytes]:
    """Yield what is still missing of a file, and compare it with what the server says of the file.

    Args:
        session: Of this stretch; after a fault the next stretch needs another one.
        transfer: Knows what came in the stretches before.
        place: Names the server in errors.

    Raises:
        FileGoneError: It is no longer there.
        ChangedError: It is not the file any more of which the first bytes came.
        RetryError: It did not come whole.
    """
    size, _ = transfer.expect(place, stamp(session, transfer.path))
    try:
        for block in blocks(session, transfer, size, place):
            transfer.take(block)
            yield block
    except RaggedEndError:
        if transfer.received != size:  # a server that never ends TLS is believed when every byte is there
            raise
    transfer.finish(place, stamp(session, transfer.path))


def blocks(session: Session, transfer: Transfer, size: int | None, place: str) -> Iterator[bytes]:
    """Yield what comes behind the bytes that are there already; see `rest`, which checks it."""
    if transfer.received and transfer.received == size:  # everything came before the fault
        return
    try:
        if transfer.received and transfer.can_resume():
            yield from _resumed(session, transfer, place)
        else:
            yield from transfer.beyond(place, session.stream(f"RETR {transfer.path}"))
    except ftplib.error_perm as error:
        if code_of(error) == UNAVAILABLE and _is_gone(session, transfer.path):
            raise FileGoneError(f"{place}: {transfer.path} is no longer there", "vanished") from None
        raise


def _resumed(session: Session, transfer: Transfer, place: str) -> Iterator[bytes]:
    """Yield the rest, or begin anew where the server knows no REST."""
    try:
        yield from session.stream(f"RETR {transfer.path}", transfer.received)
    except ftplib.error_perm as error:
        if code_of(error) not in UNKNOWN_COMMAND:
            raise
        transfer.knows_rest = False
        yield from transfer.beyond(place, session.stream(f"RETR {transfer.path}"))


def _is_gone(session: Session, path: str) -> bool:
    """Tell a vanished file from one that may not be read: both get the same reply."""
    folder, name = posixpath.split(path)
    if not session.enter(folder):
        return True
    listing = read_folder(session)
    return not listing.truncated and all(entry.name != name for entry in listing.entries)
