"""Tells people of a run that is still at work after the merchant's time; Airflow's triggerer calls it."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from erp_feeds.merchant import Merchant

log = logging.getLogger(__name__)


def deadline_of(merchant: Merchant) -> DeadlineAlert:
    """Return the alert of a merchant's DAG."""
    return DeadlineAlert(
        name="still at work",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=merchant.limits.alert_hours),
        callback=AsyncCallback(run_takes_long, kwargs={"merchant": merchant.name}),
    )


async def run_takes_long(merchant: str, context: dict[str, Any]) -> None:
    """Send one message about a run; a backfill's are all queued at once, and wait for each other."""
    run = context["dag_run"]
    if run["run_type"] != "backfill":
        await asyncio.to_thread(_tell, merchant, run["dag_run_id"])


def _tell(name: str, run: str) -> None:
    from erp_feeds.merchant_file import read_merchants
    from erp_feeds.orchestration import channels, links, messages
    from erp_feeds.settings import settings

    merchants, _ = read_merchants(settings().merchants)
    for merchant in merchants:
        if merchant.name == name:
            message = messages.still_at_work(merchant, run, links.base_url())
            for channel, error in channels.send(merchant.alerts, message).items():
                if error:
                    log.error("no alert was sent by %s: %s", channel, error)
