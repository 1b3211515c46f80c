"""The merchant of the tests; a test says only what matters to it."""

from __future__ import annotations

from typing import Any

from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant


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
