"""Files that came into an inbox and no run takes: which, and why."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from erp_feeds.batch import NotTaken, WhyNotTaken
from erp_feeds.inbox.paths import path_of
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import files_by_merchant
from erp_feeds.settings import settings
from erp_feeds.store import inbox_scans
from erp_feeds.web.configuration import good_or_none


@dataclass(frozen=True)
class UntakenFile:
    """A file in the inbox that no run takes, as of the latest scan."""

    path: str
    why: str
    """In words; of other shops one file each is named."""


def untaken_files(store: psycopg.Connection, merchant: Merchant) -> list[UntakenFile]:
    """Return what no run takes in the inbox of a merchant, nor of one that shares its folders."""
    found = inbox_scans.not_taken(store, merchant.name)
    shops = _shops_beside(merchant) if any(each.shop for each in found) else set()
    return [UntakenFile(each.path, _in_words(merchant, each)) for each in found if each.shop not in shops]


def _shops_beside(merchant: Merchant) -> set[str]:
    """Return the shops of the merchants whose files come into the same folders."""
    others = (good_or_none(name) for name in files_by_merchant(settings().merchants))
    own = (merchant.ftps.connection, merchant.ftps.root_path)
    return {each.shop_name for each in others if each and (each.ftps.connection, each.ftps.root_path) == own}


def _in_words(merchant: Merchant, file: NotTaken) -> str:
    expected = ", ".join(path_of(merchant, interface) for interface in interfaces_of(merchant))
    own = f"only those of {merchant.shop_name} are read (shop_name in the merchant file)"
    return {
        WhyNotTaken.MISNAMED: f"has a wrong name or folder; expected, letter for letter: {expected}",
        WhyNotTaken.SWITCHED_OFF: "is of an interface that the merchant file does not switch on",
        WhyNotTaken.OTHER_SHOP: f"is of the shop {file.shop}: {own}",
        WhyNotTaken.UNKNOWN_NAME: "no interface has files of such a name",
    }[WhyNotTaken(file.why)]
