"""What a merchant's DAG reads and writes, as Airflow assets: the inbox, and its rows of each table."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetWatcher

from erp_feeds.batch import Batch
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.trigger import InboxTrigger
from erp_feeds.settings import settings

WATCHED = {"name", "shop_name", "timezone", "currency", "ftps", "interfaces", "limits", "settings"}
"""The fields of a merchant that the trigger needs; a change of one makes Airflow start the trigger anew."""
SCHEMA = "erp_feeds"


def inbox(merchant: Merchant) -> Asset:
    """Return the merchant's inbox, whose trigger starts the DAG; its events name the host too."""
    folder = merchant.ftps.root_path.strip("/")
    facts = merchant.model_dump(mode="json", include=WATCHED)
    return Asset(
        name=f"{merchant.name}.inbox",
        # Airflow wants each URI once, and two shops may share a folder: production and staging, for example.
        uri=f"ftps://{merchant.ftps.connection}/{folder}?merchant={merchant.name}",
        group="inbox",
        extra={"merchant": merchant.name, "connection": merchant.ftps.connection, "folder": f"/{folder}"},
        watchers=[AssetWatcher(name=f"{merchant.name}.watcher", trigger=InboxTrigger(facts))],
    )


def tables(merchant: Merchant) -> list[Asset]:
    """Return the merchant's rows of each table that its interfaces write.

    Where the store says which interfaces are switched on, which a DAG loader never asks, that is every table.
    """
    interfaces = INTERFACES if merchant.settings == "store" else merchant.interfaces
    names = dict.fromkeys(table for name in interfaces for table in INTERFACES[name].tables)
    store = settings().lineage_store
    return [table(merchant.name, name, store) for name in names]


def table(merchant: str, name: str, store: str) -> Asset:
    """Return a merchant's rows of a table: a DAG that waits for one merchant gets no events of others."""
    host, _, database = store.partition("/")
    return Asset(
        name=f"{merchant}.{name}",
        uri=f"postgres://{host}/{database}/{SCHEMA}/{name}?merchant={merchant}",
        group="store",
        extra={
            "merchant": merchant,
            "host": host,
            "database": database,
            "schema": SCHEMA,
            "table": name,
        },
    )


def changes(batch: Batch, *, tried_before: bool = False) -> dict[str, dict[str, Any]]:
    """Return the tables that a batch has changed, each with the `extra` of its event.

    Args:
        batch: As it was loaded.
        tried_before: Whether an earlier attempt may have committed what this one found unchanged: then
            every table that the files are for counts as changed.
    """
    touched: dict[str, list[Any]] = {}
    for file in batch.files:
        for name in INTERFACES[file.interface].tables if tried_before else file.rows:
            touched.setdefault(name, []).append(file)
    return {
        name: {
            "merchant": batch.merchant,
            "files": [file.name for file in files],
            "days": sorted({file.day.isoformat() for file in files if file.day}),
            "rows": sum(file.rows.get(name, 0) for file in files),
            "rejects": sum(sum(file.counts.rejected.values()) for file in files),
        }
        for name, files in touched.items()
    }
