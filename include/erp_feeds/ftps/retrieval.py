"""One stretch of a fetch: what is still missing of a file, and whether it came whole."""

from __future__ import annotations

from collections.abc import Iterator

import pycurl

from erp_feeds.ftps.errors import ChangedError, CurlFault, FileGoneError, FileRefusedError, RaggedEndError
from erp_feeds.ftps.folder import Names, is_gone
from erp_feeds.ftps.session import Session
from erp_feeds.ftps.transfer import Transfer


def missing_bytes(session: Session, transfer: Transfer, names: Names) -> Iterator[bytes]:
    """Yield what is still missing of a file, and compare it with what the server says of the file.

    Args:
        session: Logged in.
        transfer: Knows what came in the stretches before.
        names: How the server spells the path.

    Raises:
        FileGoneError: It is no longer there.
        FileRefusedError: The server refuses to hand it out.
        ChangedError: It is not the file any more of which the first bytes came.
        RetryError: It did not come whole.
        CurlFault: Anything else.
    """
    transfer.expect(names.stamp(session, transfer.path))
    path = names.encode(transfer.path)
    try:
        for block in blocks(session, transfer, path):
            transfer.take(block)
            yield block
    except CurlFault as fault:
        if fault.limit == "data":
            raise transfer.too_long() from None
        if not fault.is_of_the_file:
            raise
        session.open()
        if is_gone(session, transfer.path, names, transfer.extras):
            raise FileGoneError(f"{transfer.path} is no longer there", "vanished") from None
        message = f"{transfer.path}: the server lists it and refuses it with '{fault.last}'"
        raise FileRefusedError(message, "not_readable") from None
    if session.was_ragged and transfer.received != transfer.size:
        raise RaggedEndError(f"{transfer.path}: the data ended without the end of TLS", "no_close_notify")
    session.open()
    transfer.finish(names.stamp(session, transfer.path))


def blocks(session: Session, transfer: Transfer, path: bytes) -> Iterator[bytes]:
    """Yield what comes behind the bytes that are there already."""
    if transfer.received and transfer.received == transfer.size:  # everything came before the fault
        return
    if transfer.received and transfer.can_resume():
        try:
            yield from _read(session, transfer, path, transfer.received)
        except CurlFault as fault:
            if not (fault.number == pycurl.E_QUOTE_ERROR and fault.is_unknown_command):
                raise
            transfer.knows_rest = False
            session.open()
        else:
            return
    yield from transfer.beyond(_read(session, transfer, path, 0))


def _read(session: Session, transfer: Transfer, path: bytes, offset: int) -> Iterator[bytes]:
    deadline = transfer.seconds_left()
    if deadline <= 0:
        raise ChangedError(f"{transfer.path} does not come in time", "too_slow")
    return session.read(path, offset, transfer.limit - offset, deadline)
