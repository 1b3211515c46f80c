"""Merchants as their files describe them now."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from erp_feeds.errors import FailError
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import files_by_merchant, read_merchant
from erp_feeds.settings import settings
from erp_feeds.store import merchant_settings
from erp_feeds.web.connections import connect


def configured(name: str) -> Merchant:
    """Return a merchant as its file describes it now, with its settings of the store where the file says so.

    Raises:
        ConfigurationError: its file is wrong.
        FailError: it has no file.
    """
    merchant = of_file(name)
    if merchant.settings == "file":
        return merchant
    with connect() as store:
        return merchant_settings.effective(store, merchant)


def of_file(name: str) -> Merchant:
    """Return a merchant as its file describes it now; errors as in `configured`."""
    path = files_by_merchant(settings().merchants).get(name)
    if path is None:
        raise FailError(f"{name} has no merchant file", "unknown_merchant")
    found = path.stat()
    return _read(path, found.st_mtime_ns, found.st_size)


def good_or_none(name: str) -> Merchant | None:
    """Return a merchant as its file describes it now; None where the file is gone or wrong."""
    try:
        return of_file(name)
    except FailError:
        return None


@lru_cache(maxsize=5_000)
def _read(path: Path, _changed: int, _size: int) -> Merchant:
    return read_merchant(path)
