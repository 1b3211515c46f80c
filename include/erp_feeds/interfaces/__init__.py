"""The registry of interfaces: what else a new one needs stands in docs/adding-an-interface.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from erp_feeds.interfaces.accounts import ERP_CACHE_CUSTOMERS
from erp_feeds.interfaces.customers import SRS_CUSTOMERS
from erp_feeds.interfaces.element_errors import element_errors
from erp_feeds.interfaces.mapping import FieldMapping, as_delivered, mapping_of_settings
from erp_feeds.interfaces.mapping_checks import mapping_errors
from erp_feeds.interfaces.purchases import SRS_PURCHASES
from erp_feeds.interfaces.spec import FileName, Interface
from erp_feeds.merchant import InterfaceSettings, Merchant, SettingError

INTERFACES: Mapping[str, Interface] = {
    interface.name: interface for interface in (SRS_CUSTOMERS, SRS_PURCHASES, ERP_CACHE_CUSTOMERS)
}


def errors_of(name: str, settings: InterfaceSettings) -> list[SettingError]:
    """Find what is wrong with a merchant's elements and mapping of an interface; locations begin below it."""
    return [*element_errors(INTERFACES[name], settings), *mapping_errors(INTERFACES[name], settings)]


def interface_of(merchant: Merchant, name: str) -> Interface:
    """Return an interface as this merchant's ERP delivers it: element names, extra elements, date forms."""
    return as_delivered(INTERFACES[name], merchant.interfaces[name])


def mapping_of(merchant: Merchant, name: str) -> FieldMapping:
    """Return the effective mapping of an interface: the default links, and what the merchant file says."""
    return mapping_of_settings(INTERFACES[name], merchant.interfaces[name])


def interfaces_of(merchant: Merchant) -> list[Interface]:
    """Return the interfaces that the merchant has switched on, in the order in which their files load."""
    enabled = (interface_of(merchant, name) for name in INTERFACES if name in merchant.interfaces)
    return sorted(enabled, key=lambda interface: interface.rank)


def known_interfaces(merchant: Merchant | None) -> dict[str, Interface]:
    """Return every interface: as this merchant's ERP delivers it, as declared where it is not switched on."""
    return {**INTERFACES, **{each.name: each for each in (interfaces_of(merchant) if merchant else ())}}


def has_future_index(merchant: Merchant, interface: str, name: FileName) -> bool:
    """Return whether an index is a time more than a day ahead on the merchant's clock (rule: files 10)."""
    now = datetime.now(ZoneInfo(merchant.timezone)).replace(tzinfo=None)
    return merchant.interfaces[interface].index == "timestamp" and name.is_future(now)
