"""ERP Cache Customers: accounts, known by their number (rules: ERP cache 1 to 7)."""

from __future__ import annotations

from erp_feeds.codes import WarningCode
from erp_feeds.interfaces.accounts import ERP_CACHE_CUSTOMERS
from erp_feeds.records.by_key import kind_by_key

ACCOUNTS = kind_by_key(ERP_CACHE_CUSTOMERS, "accounts", {WarningCode.UNKNOWN_DEBTOR: "load/unknown_debtor"})
