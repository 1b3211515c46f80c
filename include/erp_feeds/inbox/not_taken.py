"""Files that lie in an inbox and no run takes: misnamed ones, those of other shops, unknown names."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable

from erp_feeds.batch import NotTaken, WhyNotTaken
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import Merchant


def not_taken(merchant: Merchant, interfaces: Iterable[Interface], folder: str, name: str) -> NotTaken:
    """Return why no run takes a file that was listed."""
    path = posixpath.join(folder, name)
    if is_meant(merchant, interfaces, name):
        return NotTaken(path, WhyNotTaken.MISNAMED)
    shops = sorted(found.shop_name for each in INTERFACES.values() if (found := each.match(name)))
    if merchant.shop_name in shops:
        return NotTaken(path, WhyNotTaken.SWITCHED_OFF)
    if shops:
        return NotTaken(path, WhyNotTaken.OTHER_SHOP, shops[0])
    return NotTaken(path, WhyNotTaken.UNKNOWN_NAME)


def first_of_each_shop(files: Iterable[NotTaken]) -> tuple[NotTaken, ...]:
    """Return files by reason and path; merchants may share a folder, where others' files come and go."""
    ranks = list(WhyNotTaken)
    named: dict[tuple[str, str], NotTaken] = {}
    for each in sorted(files, key=lambda each: (ranks.index(WhyNotTaken(each.why)), each.path)):
        named.setdefault((each.why, each.shop or each.path), each)
    return tuple(named.values())


def is_meant(merchant: Merchant, interfaces: Iterable[Interface], name: str) -> bool:
    """Return whether a name differs from one of this merchant only in case, accents or index number."""
    read = [found for interface in interfaces if (found := interface.match(name))]
    if read:  # else a shop whose name begins with this one's name would match
        return any(normalised(found.shop_name) == normalised(merchant.shop_name) for found in read)
    alike = normalised(name)
    starts = (normalised(f"{merchant.shop_name}_{interface.token}") for interface in interfaces)
    return alike.endswith((".zip", ".xml")) and any(alike.startswith(start) for start in starts)


def normalised(name: str) -> str:
    """Return a name without differences of case; macOS stores a letter and its accent apart, so NFC too."""
    return unicodedata.normalize("NFC", name).casefold()
