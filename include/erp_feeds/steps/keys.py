"""By which key a newer file may bring a refused record again; without one only a replay can mend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow.compute as pc

from erp_feeds.interfaces.spec import Interface
from erp_feeds.steps.frames import Column
from erp_feeds.steps.purchases import till_ids


def record_keys(interface: Interface, columns: Mapping[str, Column]) -> Column:
    """Return the keys of some records, null where a part of the key is missing or faulty.

    Args:
        interface: Decides what the key is made of.
        columns: The typed columns of the records; faulty values are null.
    """
    return _KEYS[interface.name](columns)


def _customer(columns: Mapping[str, Column]) -> Column:
    """A customer is known by number, else by e-mail address (rules: customers 1 and 4)."""
    return pc.coalesce(columns["customer_number"], columns["email"])


def _purchase(columns: Mapping[str, Column]) -> Column:
    """A till receipt by its id; an order number with its moment, because a return bears it too."""
    online = pc.binary_join_element_wise(columns["order_number"], columns["date_time"], "@")
    return pc.if_else(columns["order_number"].is_valid(), online, till_ids(columns))


def _account(columns: Mapping[str, Column]) -> Column:
    return columns["account_number"]


_KEYS: Mapping[str, Callable[[Mapping[str, Column]], Column]] = {
    "srs_customers": _customer,
    "srs_purchases": _purchase,
    "erp_cache_customers": _account,
}
