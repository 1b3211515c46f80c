"""Folders on a server: the cheapest listing that it knows, and whether a file or folder is there."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import pycurl

from erp_feeds.errors import FailError
from erp_feeds.ftps.errors import UNAVAILABLE, CurlError, FolderRefusedError, RaggedEndError
from erp_feeds.ftps.listing import (
    Listing,
    decoded,
    from_list,
    from_mlsd,
    is_nothing,
    is_refusal,
    is_truncation,
)
from erp_feeds.ftps.session import Session


def has_folder(session: Session, folder: str) -> bool:
    """Return whether this user may enter a folder."""
    try:
        session.enter(folder.encode(session.extras.encoding))
    except CurlError as error:
        if error.last.code != UNAVAILABLE:
            raise
        return False
    return True


def read_folder(session: Session, folder: str) -> Listing:
    """List a folder; a missing one is empty.

    Raises:
        FolderRefusedError: It is there, and this user may not enter or list it.
        FailError: It holds more than the connection allows.
        CurlError: Anything else.
    """
    try:
        listing = _listing(session, folder)
    except CurlError as error:
        if error.last.code != UNAVAILABLE:
            raise
        is_entered = error.number != pycurl.E_REMOTE_ACCESS_DENIED
        if is_entered and is_nothing(str(error.last)):
            return Listing(form="LIST")
        if is_entered or is_refusal(str(error.last)) or _is_listed(session, folder):
            message = f"this user may not list {folder} ('{error.last}'): ask for the right to do so"
            raise FolderRefusedError(message, "folder_refused") from None
        return Listing()
    limit = session.extras.max_listing_entries
    if len(listing.entries) > limit:
        message = (
            f"{folder} holds {len(listing.entries)} names, more than the extra 'max_listing_entries' allows: "
            "let ftps.after_load clear it"
        )
        raise FailError(message, "too_much")
    return listing


def is_gone(session: Session, path: str) -> bool:
    """Distinguish a file that is gone from one that may not be read: both get the same reply."""
    folder, name = posixpath.split(path)
    try:
        listing = read_folder(session, folder)
    except FolderRefusedError:
        return False
    return not listing.truncated and all(entry.name != name for entry in listing.entries)


def _is_listed(session: Session, folder: str) -> bool:
    """Return whether a folder that cannot be listed is there, by what its parent lists."""
    parent, name = posixpath.split(folder.rstrip("/"))
    if not name:
        return True
    try:
        return any(entry.name == name for entry in _listing(session, parent).entries)
    except (CurlError, FolderRefusedError):
        return False


def _listing(session: Session, folder: str) -> Listing:
    session.open()
    encoding = session.extras.encoding
    command = "MLSD" if session.knows_mlsd else "LIST"
    content, reply = session.listing(folder.encode(encoding), command)
    if session.was_ragged and content and not content.endswith(b"\n"):
        raise RaggedEndError("the listing was cut", "cut_listing")
    if is_refusal(reply):
        message = f"this user may enter {folder} and not list it ('{reply}'): ask for the right to do so"
        raise FolderRefusedError(message, "folder_refused")
    lines = [decoded(line.rstrip(b"\r"), encoding) for line in content.split(b"\n")]
    listing = from_mlsd(lines) if command == "MLSD" else from_list(lines)
    return replace(listing, truncated=is_truncation(reply))
