"""The registry of interfaces: adding one is a module here and a line below."""

from __future__ import annotations

from collections.abc import Mapping

from erp_feeds.interfaces.erp_cache_customers import ERP_CACHE_CUSTOMERS
from erp_feeds.interfaces.spec import Interface
from erp_feeds.interfaces.srs_customers import SRS_CUSTOMERS
from erp_feeds.interfaces.srs_purchases import SRS_PURCHASES
from erp_feeds.merchant import Merchant

INTERFACES: Mapping[str, Interface] = {
    interface.name: interface for interface in (SRS_CUSTOMERS, SRS_PURCHASES, ERP_CACHE_CUSTOMERS)
}

VOCABULARY: Mapping[str, tuple[str, ...]] = {name: each.field_names() for name, each in INTERFACES.items()}
"""Interface name -> its column names: what a merchant file may speak of."""


def interface_of(merchant: Merchant, name: str) -> Interface:
    """Return an interface with the element names that this merchant's ERP writes."""
    return INTERFACES[name].with_elements(merchant.interfaces[name].elements)


def interfaces_of(merchant: Merchant) -> list[Interface]:
    """Return the interfaces that the merchant has switched on, in the order in which their files load."""
    enabled = (interface_of(merchant, name) for name in INTERFACES if name in merchant.interfaces)
    return sorted(enabled, key=lambda interface: interface.rank)
