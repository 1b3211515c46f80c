"""What a server says of its folders and files: the cheapest listing it knows, sizes and times."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from erp_feeds.errors import FailError
from erp_feeds.ftps.connection import Extras
from erp_feeds.ftps.errors import UNAVAILABLE, ClosedFolderError, CurlFault, RaggedEndError
from erp_feeds.ftps.listing import (
    FALLBACK_ENCODING,
    Entry,
    Listing,
    decoded,
    from_list,
    from_mlsd,
    says_closed,
    says_truncated,
    size_of,
    utc,
)
from erp_feeds.ftps.session import Session
from erp_feeds.ftps.transfer import NOTHING_KNOWN, Stamp


class Names:
    """How names are spelled on one server, as far as it has been asked: one may be in another encoding."""

    def __init__(self, extras: Extras) -> None:
        self._agreed = extras.encoding
        self._odd: set[str] = set()

    def encode(self, path: str, like: str = "") -> bytes:
        """Return a path as bytes; `like` names a file whose encoding it shares.

        Raises:
            UnicodeEncodeError: It cannot be written so.
        """
        return path.encode(FALLBACK_ENCODING if (like or path) in self._odd else self._agreed)

    def stamp(self, session: Session, path: str) -> Stamp:
        """Ask for size and time of a file, and learn the encoding that its name has on the server."""
        self._odd.discard(path)
        found = _stamp(session, self.encode(path))
        if found[0] is None and not path.isascii():
            self._odd.add(path)
            odd = _stamp(session, self.encode(path))
            if odd[0] is not None:
                return odd
            self._odd.discard(path)
        return found

    def learn(self, session: Session, path: str) -> bytes:
        """Return a file's path as the server spells it."""
        if not path.isascii():
            self.stamp(session, path)
        return self.encode(path)


def read_folder(session: Session, folder: str, names: Names, extras: Extras) -> Listing:
    """Read a folder by MLSD, or by LIST where the server does not know MLSD; a missing one is empty.

    Raises:
        ClosedFolderError: It is there, and may not be entered or listed.
        FailError: It holds more than the connection allows.
        CurlFault: Anything else.
    """
    try:
        listing = _listing(session, names.encode(folder), extras)
    except CurlFault as fault:
        if fault.last.code != UNAVAILABLE:
            raise
        if _is_listed(session, folder, names, extras):
            message = f"{folder} is closed to this user: ask for the right to enter and list it"
            raise ClosedFolderError(message, "closed_folder") from None
        return Listing()
    if len(listing.entries) > extras.max_listing_entries:
        message = (
            f"{folder} holds {len(listing.entries)} names, more than the extra 'max_listing_entries' allows: "
            "let ftps.after_load clear it"
        )
        raise FailError(message, "too_much")
    return listing


def asked(session: Session, folder: str, entry: Entry, names: Names) -> Entry:
    """Return an entry of a folder with size and time as the server gives them for this one file."""
    size, time = names.stamp(session, posixpath.join(folder, entry.name))
    return replace(
        entry,
        size=entry.size if size is None else size,
        # The listing's own time must do where the server tells no other.
        modified=(utc(time) if time else None) or entry.modified,
    )


def is_gone(session: Session, path: str, names: Names, extras: Extras) -> bool:
    """Tell a vanished file from one that may not be read: both get the same reply."""
    folder, name = posixpath.split(path)
    try:
        listing = read_folder(session, folder, names, extras)
    except ClosedFolderError:
        return False
    return not listing.truncated and all(entry.name != name for entry in listing.entries)


def _stamp(session: Session, name: bytes) -> Stamp:
    # In ASCII mode servers refuse SIZE.
    _, size, time = session.command(b"TYPE I", b"*SIZE " + name, b"*MDTM " + name)
    answers = [reply.text[3:].strip() if reply.code < 300 else "" for reply in (size, time)]
    found = (size_of(answers[0]), answers[1] or None)
    return found if found != NOTHING_KNOWN else NOTHING_KNOWN


def _is_listed(session: Session, folder: str, names: Names, extras: Extras) -> bool:
    """Tell whether a folder that cannot be entered is there, by what its parent lists."""
    parent, name = posixpath.split(folder.rstrip("/"))
    if not name:
        return True
    try:
        listing = _listing(session, names.encode(parent), extras)
    except (CurlFault, ClosedFolderError):
        session.open()
        return False
    return any(entry.name == name for entry in listing.entries)


def _listing(session: Session, folder: bytes, extras: Extras) -> Listing:
    session.open()
    if "MLST" in session.features:
        try:
            return _read(session, folder, "MLSD", extras)
        except CurlFault as fault:
            if not fault.is_unknown_command:
                raise
            session.features = ""
            session.open()
    return _read(session, folder, "LIST", extras)


def _read(session: Session, folder: bytes, command: str, extras: Extras) -> Listing:
    content = session.listing(folder, command)
    if session.was_ragged and content and not content.endswith(b"\n"):
        raise RaggedEndError("the listing was cut", "cut_listing")
    closing = str(session.replies[-1]) if session.replies else ""
    if says_closed(closing):
        message = f"the folder may be entered and not listed ('{closing}'): ask for the right to list it"
        raise ClosedFolderError(message, "closed_folder")
    lines = [decoded(line.rstrip(b"\r"), extras.encoding) for line in content.split(b"\n")]
    listing = from_mlsd(lines) if command == "MLSD" else from_list(lines)
    return replace(listing, truncated=says_truncated(closing))
