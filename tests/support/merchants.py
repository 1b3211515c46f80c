"""The merchant of the tests; a test says only what matters to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.settings import INCLUDE

OURS = ("completejourney", "testshop")
"""The merchant files of this project; a user may have added others beside them."""


def copy_of_ours(folder: Path) -> Path:
    """Copy the merchant files of this project into a new folder, which a test may change."""
    folder.mkdir()
    for name in OURS:
        shutil.copy(INCLUDE / "merchants" / f"{name}.yaml", folder)
    return folder


def facts_of(**changes: Any) -> dict[str, Any]:
    """What a merchant file says: every interface, by default settings, but for these keys."""
    return {
        "name": "testshop",
        "shop_name": "TestShop",
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "ftps": {"connection": "testshop_ftps", "root": "\\testshop\\"},
        "interfaces": {name: {} for name in INTERFACES},
    } | changes


def merchant_of(**changes: Any) -> Merchant:
    """The merchant of the file that says so."""
    return Merchant.model_validate(facts_of(**changes))
