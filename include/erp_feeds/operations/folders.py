"""The folders in which an ERP party places its files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from erp_feeds.ftps import FtpsHook
from erp_feeds.merchant import Merchant


def make_folders(merchant: Merchant, folders: Collection[str]) -> dict[str, bool]:
    """Make folders on a merchant's server, and its root where that is missing; existing ones stay.

    Returns:
        Path -> whether it is new: each of `folders`, and what had to be made above them.
    """
    made: dict[str, bool] = {}
    root = PurePosixPath(merchant.ftps.root_path)
    with FtpsHook(merchant.ftps.connection) as hook:
        for folder in [*map(str, [*reversed(root.parents), root]), *folders]:
            is_new = not hook.has_folder(folder)
            if is_new:
                hook.create_directory(folder)
            if is_new or folder in folders:
                made[folder] = is_new
    return made
