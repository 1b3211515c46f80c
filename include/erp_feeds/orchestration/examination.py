"""Everything that the doctor checks of a merchant, in one go: server, storage, store, Airflow, alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from erp_feeds.errors import ConfigurationError
from erp_feeds.merchant import Merchant
from erp_feeds.operations.doctor import Finding, examine
from erp_feeds.orchestration import airflow_check, channels, links, messages
from erp_feeds.store import inbox_scans
from erp_feeds.store.connection import open_uri
from erp_feeds.store.migrate import outdated


def examine_all(
    merchant: Merchant, store_address: Callable[[], str], *, with_alert: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each step, as soon as it is known.

    Args:
        merchant: Whose way is checked.
        store_address: Returns the address of the store, for libpq.
        with_alert: Also send a test message to the people on call.
    """
    yield from examine(
        merchant,
        ("store", lambda: _store(store_address())),
        ("last scan", lambda: _last_scan(merchant, store_address())),
    )
    yield from airflow_check.examine_airflow(merchant)
    yield from _alerts(merchant, is_tried=with_alert)


def _store(address: str) -> str:
    if problem := outdated(address):
        raise ConfigurationError(problem, "not_migrated")
    return "can be reached, and has the tables of this version"


def _last_scan(merchant: Merchant, address: str) -> str:
    with open_uri(address) as connection:
        state = inbox_scans.state(connection, merchant.name)
    return airflow_check.last_scan(merchant, state, datetime.now(UTC))


def _alerts(merchant: Merchant, *, is_tried: bool) -> Iterator[Finding]:
    """Yield whether alerts can be sent; where it is tried, a test message is sent."""
    if not merchant.alerts.email and not merchant.alerts.apprise:
        yield Finding("alerts", "warning", "the merchant file names nobody under `alerts`")
        return
    if errors := channels.missing_connections(merchant.alerts):
        yield from (Finding("alerts", "wrong", error) for error in errors)
        return
    if not links.base_url():
        yield Finding("alerts", "warning", "`[api] base_url` is not set: alerts have no links to Airflow")
    if not is_tried:
        yield Finding("alerts", "ok", "the connections are there; --alert sends a test message")
        return
    for name, error in channels.send(merchant.alerts, messages.trial(merchant, links.base_url())).items():
        yield Finding("alerts", "wrong" if error else "ok", f"{name}: {error or 'took a test message'}")
