"""A loaded file leaves the server: moved or deleted, and never a newer one in its place."""

from __future__ import annotations

import posixpath
from typing import Protocol

from erp_feeds.batch import Sighting
from erp_feeds.errors import FailError
from erp_feeds.merchant import Ftps
from erp_feeds.transport.ftps.listing import utc
from erp_feeds.transport.ftps.transfer import Stamp
from erp_feeds.transport.inbox import ASIDE


class Mover(Protocol):
    """What clearing needs of an FTPS client."""

    def stamp(self, path: str) -> Stamp:
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


def clear(hook: Mover, sighting: Sighting, settings: Ftps) -> bool:
    """Move or delete a loaded file; return False where another file has its name by now, or none.

    The file is set aside first and looked at again there: between a look and a delete the ERP party may place
    a newer one under the same name, which must stay.

    Raises:
        RetryError: The server cannot be reached for now.
        FailError: The server refuses.
    """
    aside = sighting.path + ASIDE
    if not _is_same(hook, sighting, sighting.path):
        return False
    _check_free(hook, aside)
    hook.rename(sighting.path, aside)
    if not _is_same(hook, sighting, aside):
        put_back(hook, sighting.path)
        return False
    if settings.after_load == "move":
        hook.rename(aside, _place(hook, sighting, settings.processed_folder))
    else:
        hook.delete_file(aside)
    return True


def put_back(hook: Mover, path: str) -> None:
    """Give a file that was set aside its name again, unless another has it by now."""
    if hook.stamp(path)[0] is None:
        hook.rename(path + ASIDE, path)


def _is_same(hook: Mover, sighting: Sighting, path: str) -> bool:
    size, time = hook.stamp(path)
    modified = utc(time) if time else None
    return size == sighting.size and modified in (None, sighting.modified)


def _check_free(hook: Mover, path: str) -> None:
    """Refuse to write over a file: every server lets a rename do that."""
    if hook.stamp(path)[0] is not None:
        raise FailError(f"{path} is there from an earlier attempt: rename or delete it", "not_free")


def _place(hook: Mover, sighting: Sighting, folder: str) -> str:
    """Return a free path in the folder of processed files; a name that is taken gets the file's time."""
    place = posixpath.join(posixpath.dirname(sighting.path), folder)
    hook.create_directory(place)
    stem, extension = posixpath.splitext(sighting.name)
    name = sighting.name
    number = 1
    while hook.stamp(posixpath.join(place, name))[0] is not None:
        mark = f".{sighting.modified:%Y%m%d%H%M%S}" + (f"-{number}" if number > 1 else "")
        name = f"{stem}{mark}{extension}"
        number += 1
    return posixpath.join(place, name)
