"""Paths in the inbox: where files are expected, of which interface a name is, and claimed names."""

from __future__ import annotations

import posixpath
import re
import uuid
from collections.abc import Iterable, Sequence

from erp_feeds.ftps.listing import is_temporary
from erp_feeds.interfaces.spec import FileName, Interface
from erp_feeds.merchant import Merchant

_CLAIMED = re.compile(r"(?P<name>.+)\.[0-9a-f]{8}\.loaded\.part")
"""A claimed name: of a file that `cleanup` moves or deletes. To others it looks like an unfinished upload."""


def claimed_path(path: str) -> str:
    """Return a unique path to which a loaded file is renamed before it is moved or deleted."""
    return f"{path}.{uuid.uuid4().hex[:8]}.loaded.part"


def is_claimed(path: str) -> bool:
    """Return whether a path is one that `claimed_path` made."""
    return _CLAIMED.fullmatch(path) is not None


def uploaded_name(name: str) -> str:
    """Return the name under which the ERP party uploaded a file."""
    found = _CLAIMED.fullmatch(name)
    return found["name"] if found else name


def folders(merchant: Merchant, interfaces: Iterable[Interface]) -> list[str]:
    """Return the folders on the server in which a merchant's files appear."""
    return sorted({folder_of(merchant, interface) for interface in interfaces})


def folder_of(merchant: Merchant, interface: Interface) -> str:
    """Return the folder on the server in which the files of an interface appear."""
    return posixpath.join(merchant.ftps.root_path, interface.folder)


def path_of(merchant: Merchant, interface: Interface) -> str:
    """Return the path under which a file of an interface is expected."""
    name = interface.file_name(merchant.shop_name, "<index>")
    return posixpath.join(folder_of(merchant, interface), name)


def kind_of(
    merchant: Merchant, interfaces: Sequence[Interface], name: str
) -> tuple[Interface, FileName] | None:
    """Return the interface that a file name belongs to; None for another shop's files."""
    if is_temporary(name):
        return None
    for interface in interfaces:
        found = interface.match(name)
        if found and found.shop_name == merchant.shop_name:
            return interface, found
    return None
