"""What a session's server says of its folders and files: the cheapest listing it knows, sizes and times."""

from __future__ import annotations

import ftplib
from dataclasses import replace

from erp_feeds.transport.ftps.faults import UNKNOWN_COMMAND, RaggedEndError, code_of
from erp_feeds.transport.ftps.listing import (
    FALLBACK_ENCODING,
    Entry,
    Listing,
    decoded,
    from_list,
    from_mlsd,
    says_truncated,
    utc,
)
from erp_feeds.transport.ftps.session import Session
from erp_feeds.transport.ftps.transfer import Stamp


def read_folder(session: Session) -> Listing:
    """Read the current folder by MLSD, or by LIST where the server does not know MLSD."""
    if session.knows_mlsd is None:
        # Not by trying: a refused MLSD leaves a data connection open that some servers and relays trip over.
        session.knows_mlsd = "MLST" in (session.ask("FEAT") or "").upper()
    session.voidcmd("TYPE A")
    if session.knows_mlsd:
        try:
            return _whole(from_mlsd(_lines(session, "MLSD")), session)
        except ftplib.error_perm as error:
            if code_of(error) not in UNKNOWN_COMMAND:
                raise
            session.knows_mlsd = False
    return _whole(from_list(_lines(session, "LIST")), session)


def asked(session: Session, entry: Entry) -> Entry:
    """Return an entry of the current folder with size and time as the server gives them for this one file."""
    size, time = stamp(session, entry.name)
    modified = utc(time) if time else None
    return replace(
        entry,
        size=entry.size if size is None else size,
        modified=modified or entry.modified,  # the listing's own time must do where the server tells no other
    )


def stamp(session: Session, path: str) -> Stamp:
    """Ask for size and time of a file, and go on speaking the encoding that its name has on the server."""
    session.voidcmd("TYPE I")  # in ASCII mode servers refuse SIZE
    session.encoding = session.names
    size = session.ask(f"SIZE {path}")
    if size is None and not path.isascii():
        session.encoding = FALLBACK_ENCODING
        size = session.ask(f"SIZE {path}")
        if size is None:
            session.encoding = session.names
    return (int(size) if size and size.isdigit() else None, session.ask(f"MDTM {path}"))


def speak_of(session: Session, path: str) -> None:
    """Speak of a file in the encoding that its name has on the server."""
    if not path.isascii():
        stamp(session, path)


def _whole(listing: Listing, session: Session) -> Listing:
    """Note whether the server said at the end that it left names out."""
    return replace(listing, truncated=says_truncated(session.closing_reply))


def _lines(session: Session, command: str) -> list[str]:
    try:
        content = b"".join(session.stream(command))
    except RaggedEndError:
        content = _said_twice(session, command)
    return [decoded(line.rstrip(b"\r"), session.names) for line in content.split(b"\n")]


def _said_twice(session: Session, command: str) -> bytes:
    """Believe a server that never ends TLS when it says the same whole lines twice; a cut hits two places."""
    first, second = (_up_to_the_end(session, command) for _ in range(2))
    if first != second or (first and not first.endswith(b"\n")):
        raise RaggedEndError("the listing was cut", "ragged_end")
    return first


def _up_to_the_end(session: Session, command: str) -> bytes:
    """Return what comes, whether or not TLS is ended behind it."""
    content = bytearray()
    try:
        for block in session.stream(command):
            content += block
    except RaggedEndError:
        pass
    return bytes(content)
