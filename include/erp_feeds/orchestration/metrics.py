"""Metrics of the feeds in Airflow's own metrics, by merchant and interface: the one place that sends them.

They go where `[metrics]` of airflow.cfg sends Airflow's own, to OpenTelemetry or StatsD. Labels are
merchants, interfaces and codes: bounded, and never a person, a file or a run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk.observability import stats

from erp_feeds.batch import Batch
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True)
class Metric:
    """One metric, without the prefix that airflow.cfg puts before it (`airflow.` by default)."""

    name: str
    kind: str
    """counter, gauge, or timer: a histogram of milliseconds, as Airflow's own are."""
    meaning: str
    code: bool = False
    """Whether it has the label `code` besides `merchant` and `interface`."""


LOADED = Metric("erp_feeds.records.loaded", "counter", "Records loaded, those of replays too")
REJECTED = Metric(
    "erp_feeds.records.rejected", "counter", "Records rejected of files that loaded, by code", code=True
)
TO_LOADED = Metric(
    "erp_feeds.file.to_loaded", "timer", "From a file being complete (unchanged for `stable_for`) to loaded"
)
WAITING = Metric("erp_feeds.files.waiting", "gauge", "Files that are complete and not loaded yet")
QUARANTINED = Metric("erp_feeds.files.quarantined", "gauge", "Files that are quarantined and not replaced")
AGE = Metric("erp_feeds.last_file.age", "gauge", "Seconds since the latest file came; none before the first")
METRICS = (LOADED, REJECTED, TO_LOADED, WAITING, QUARANTINED, AGE)


def count_load(merchant: Merchant, batch: Batch) -> None:
    """Count what a load has made of its files."""
    for file in batch.files:
        tags = {"merchant": merchant.name, "interface": file.interface}
        stats.incr(LOADED.name, file.counts.loaded, tags=tags)
        for code, number in file.counts.rejected.items():
            stats.incr(REJECTED.name, number, tags={**tags, "code": code})
        if file.seconds is not None:
            seconds = max(file.seconds - merchant.ftps.stable_for, 0.0)
            stats.timing(TO_LOADED.name, timedelta(seconds=seconds), tags=tags)


def measure(connection: Connection, merchants: Iterable[Merchant]) -> None:
    """Measure what waits, is quarantined and is old, of every interface that is switched on.

    Raises:
        RetryError: The store cannot be used now.
    """
    from erp_feeds.store import incidents, queries
    from erp_feeds.store.connection import plain_errors
    from erp_feeds.store.merchant_settings import for_reports

    now = datetime.now(UTC)
    merchants = list(merchants)
    names = [merchant.name for merchant in merchants]
    latest_files = incidents.latest_files_of(connection, names)
    with plain_errors("measuring"):
        open_files = queries.open_files(connection, names)
    for merchant in for_reports(connection, merchants):
        latest = latest_files.get(merchant.name, {})
        for interface in interfaces_of(merchant):
            tags = {"merchant": merchant.name, "interface": interface.name}
            waiting, quarantined = open_files.get((merchant.name, interface.name), (0, 0))
            stats.gauge(WAITING.name, waiting, tags=tags)
            stats.gauge(QUARANTINED.name, quarantined, tags=tags)
            if interface.name in latest:
                stats.gauge(AGE.name, (now - latest[interface.name]).total_seconds(), tags=tags)
