"""What a merchant's DAG reads and writes, as Airflow assets: the inbox, and the tables of the store."""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher

from erp_feeds.batch import Batch
from erp_feeds.interfaces import INTERFACES, interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.trigger import InboxTrigger
from erp_feeds.settings import settings

WATCHED = {"name", "shop_name", "timezone", "currency", "ftps", "interfaces", "limits"}
"""What the watcher needs to know of a merchant; another value here makes Airflow start another watcher."""


def inbox(merchant: Merchant) -> Asset:
    """Return the merchant's inbox, whose watcher wakes the DAG."""
    folder = merchant.ftps.root.replace("\\", "/").strip("/")
    facts = merchant.model_dump(mode="json", include=WATCHED)
    return Asset(
        name=f"{merchant.name}.inbox",
        # Airflow wants each URI once, and two shops may share a folder: production and staging, for example.
        uri=f"ftps://{merchant.ftps.connection}/{folder}?merchant={merchant.name}",
        group="inbox",
        watchers=[AssetWatcher(name=f"{merchant.name}.watcher", trigger=InboxTrigger(facts))],
    )


def tables(merchant: Merchant) -> list[Asset]:
    """Return the tables that this merchant's interfaces write, shared by all merchants."""
    names = {table: None for interface in interfaces_of(merchant) for table in interface.tables}
    return [table(name) for name in names]


def table(name: str) -> Asset:
    """Return one table of the store."""
    return Asset(name=name, uri=f"postgres://{settings().lineage_store}/erp_feeds/{name}", group="store")


def counts_by_table(batch: Batch) -> dict[str, dict[str, int]]:
    """Return, per table, how many files and records of this batch went into it: the `extra` of its event."""
    result: dict[str, dict[str, int]] = {}
    for file in batch.files:
        for name in INTERFACES[file.interface].tables:
            counts = result.setdefault(name, {"files": 0, "records": 0})
            counts["files"] += 1
            counts["records"] += file.counts.loaded
    return result
