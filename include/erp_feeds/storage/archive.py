"""The archive of originals: every file received, byte for byte, under a name that holds its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from airflow.sdk import ObjectStoragePath

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import FailError, QuarantineError
from erp_feeds.settings import settings
from erp_feeds.storage.atomic_file import exists, open_for, purge_unfinished, writing

HASH_IN_NAME = 16
PARTS = 3
"""Of an address below the archive: merchant, interface, file."""
DEAD_AFTER = timedelta(days=1)
"""Without a byte more for so long, an original belongs to no running task: a fetch gives up long before."""


@dataclass(frozen=True)
class ArchivedFile:
    """An original in the archive."""

    url: str
    sha256: str
    size: int
    """Bytes."""


def save(chunks: Iterable[bytes], merchant: str, interface: str, name: str) -> ArchivedFile:
    """Write an original to the archive while hashing it; the same bytes under the same name are kept once.

    Args:
        chunks: The file's bytes, as they come from the server.
        merchant: Merchant's name: the first folder.
        interface: Interface's name: the second folder.
        name: File name as delivered.

    Returns:
        URL `<archive>/<merchant>/<interface>/<stem>.<first 16 digits of the hash><extension>`, hash and size.

    Raises:
        FailError: The name is not a safe file name.
    """
    stem, extension = _plain(name)
    folder = ObjectStoragePath(settings().archive) / merchant / interface
    digest = hashlib.sha256()
    size = 0
    with writing(folder, durable=True) as unfinished:
        for chunk in chunks:
            digest.update(chunk)
            unfinished.file.write(chunk)
            size += len(chunk)
        sha256 = digest.hexdigest()
        target = folder / f"{stem}.{sha256[:HASH_IN_NAME]}{extension}"
        if not _is_stored(target, size):
            unfinished.commit(target)
    return ArchivedFile(str(target), sha256, size)


def open_original(url: str) -> BinaryIO:
    """Open an original for reading, also where the archive has moved since it was written.

    Raises:
        QuarantineError: not_archived: the archive does not hold it any more.
    """
    for path in _places(url):
        with suppress(FileNotFoundError):
            return open_for(path, "rb")
    reason = f"the archive does not hold {url} any more: restore it from a backup and replay its day"
    raise QuarantineError(QuarantineCode.NOT_ARCHIVED, reason)


def delete(url: str) -> None:
    """Delete an original for good; one that is gone already is no error."""
    for path in _places(url):
        with suppress(FileNotFoundError):
            path.fs.rm_file(path.path)


def _places(url: str) -> list[ObjectStoragePath]:
    """Return where an original may be: in the archive of today, else where it was written.

    A restore or a renamed folder moves the archive, and the ledger keeps the address of before.
    """
    below = url.rsplit("/", PARTS)[1:]
    here = ObjectStoragePath("/".join([settings().archive.rstrip("/"), *below]))
    written = ObjectStoragePath(url)
    return [here] if here == written else [here, written]


def purge(merchant: str) -> int:
    """Remove the half written originals that killed tasks left in a merchant's archive; return how many."""
    folder = ObjectStoragePath(settings().archive) / merchant
    return purge_unfinished(folder, datetime.now(UTC) - DEAD_AFTER)


def _is_stored(target: ObjectStoragePath, size: int) -> bool:
    """Return whether the archive holds these bytes; a copy of another length is damaged and written anew."""
    return exists(target) and target.fs.size(target.path) == size


def _plain(name: str) -> tuple[str, str]:
    """Return stem and extension of a name that a server gave, which is never trusted as a path."""
    if not name.strip(". ") or any(character in "/\\:" or not character.isprintable() for character in name):
        raise FailError(
            f"{name!r} is not a safe file name, so it is not archived: rename it on the server", "unsafe_name"
        )
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem else (name, "")
