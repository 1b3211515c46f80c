"""Starts runs that replay archived files, in the name of the caller of Airflow's REST API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from erp_feeds.batch import FeedFile, Replay
from erp_feeds.errors import counted
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.rest_client import AirflowApi
from erp_feeds.store import audit

if TYPE_CHECKING:
    import psycopg


@dataclass
class StartedReplay:
    """One run of the merchant's DAG that replays files."""

    run_id: str
    link: str
    files: int
    state: str = "queued"


def start_replay(
    api: AirflowApi,
    store: psycopg.Connection,
    by: str,
    merchant: Merchant,
    files: Sequence[FeedFile],
    *,
    dry_run: bool = False,
) -> list[StartedReplay]:
    """Start as many runs as the merchant's files_per_run requires; they follow each other in load order.

    The audit says how many files' runs did start, also when one could not be.

    Args:
        api: Airflow, in the name of the person who starts the runs.
        store: With the audit.
        by: The name of that person.
        merchant: Whose DAG runs.
        files: In load order.
        dry_run: Only show, in the log of `sense`, what would change.

    Raises:
        FailError: Airflow does not allow it, or knows no such DAG.
        RetryError: Airflow does not answer.
    """
    what = "dry_run" if dry_run else "replay"
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    started: list[StartedReplay] = []
    try:
        for number, part in enumerate(parts(merchant, files), 1):
            run_id = f"{what}__{moment}__{number}"
            replay = Replay(file_ids=tuple(each.file_id for each in part), dry_run=dry_run)
            note = f"{what.replace('_', ' ')} of {counted(len(part), 'file')}"
            api.trigger(merchant.name, run_id, replay.to_params(), note)
            started.append(StartedReplay(run_id, api.link(merchant.name, run_id), len(part)))
    finally:
        begun = sum(run.files for run in started)
        missing = f"{begun:,} of " if begun < len(files) else ""
        action = f"{what.replace('_', ' ')} {'started' if started else 'could not be started'}"
        audit.note(store, by, merchant.name, action, missing + counted(len(files), "file"))
    return started


def parts(merchant: Merchant, files: Sequence[FeedFile]) -> list[Sequence[FeedFile]]:
    """Return the files of each run that they need."""
    most = merchant.limits.files_per_run
    return [files[first : first + most] for first in range(0, len(files), most)]
