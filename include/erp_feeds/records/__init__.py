"""The rules of each kind of record; what depends on the interface of a file is asked here."""

from __future__ import annotations

from collections.abc import Mapping

from erp_feeds.records import purchases
from erp_feeds.records.accounts import ACCOUNTS
from erp_feeds.records.customers import CUSTOMERS
from erp_feeds.records.kind import LoadMethod, RecordKind, Rows

PURCHASES = RecordKind(
    key=purchases.key,
    together=purchases.together,
    deduplicate=purchases.deduplicate,
    split=purchases.split,
    rows=Rows(LoadMethod.PURCHASES, "purchases"),
    count=len,
    stands_for=purchases.stands_for,
    across_fields=(purchases.across_fields,),
    people=("orders", "returns"),
)

KINDS: Mapping[str, RecordKind] = {
    "srs_customers": CUSTOMERS,
    "srs_purchases": PURCHASES,
    "erp_cache_customers": ACCOUNTS,
}
"""By the name of the interface."""
