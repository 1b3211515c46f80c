"""The rules of each kind of record; what depends on the interface of a file is asked here."""

from __future__ import annotations

from collections.abc import Mapping

from erp_feeds.records.accounts import ACCOUNTS
from erp_feeds.records.customers import CUSTOMERS
from erp_feeds.records.kind import RecordKind
from erp_feeds.records.purchases import PURCHASES

KINDS: Mapping[str, RecordKind] = {
    "srs_customers": CUSTOMERS,
    "srs_purchases": PURCHASES,
    "erp_cache_customers": ACCOUNTS,
}
"""By the name of the interface."""
