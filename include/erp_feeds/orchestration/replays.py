"""Starts runs that replay archived files, in the name of the caller of Airflow's REST API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from erp_feeds.batch import FeedFile, Replay
from erp_feeds.errors import counted
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.rest_client import AirflowApi


@dataclass
class StartedReplay:
    """One run of the merchant's DAG that replays files."""

    run_id: str
    link: str
    files: int
    state: str = "queued"


def start_replay(
    api: AirflowApi, merchant: Merchant, files: Sequence[FeedFile], *, dry_run: bool = False
) -> list[StartedReplay]:
    """Start as many runs as the merchant's files_per_run requires; they follow each other in load order."""
    return list(starting_replay(api, merchant, files, dry_run=dry_run))


def starting_replay(
    api: AirflowApi, merchant: Merchant, files: Sequence[FeedFile], *, dry_run: bool = False
) -> Iterator[StartedReplay]:
    """Start the same runs one by one, for who must know which had started when one cannot be.

    Args:
        api: Airflow, in the name of the person who starts the runs.
        merchant: Whose DAG runs.
        files: In load order.
        dry_run: Only show, in the log of `sense`, what would change.

    Raises:
        FailError: Airflow does not allow it, or knows no such DAG.
        RetryError: Airflow does not answer.
    """
    what = "dry_run" if dry_run else "replay"
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    for number, part in enumerate(parts(merchant, files), 1):
        run_id = f"{what}__{moment}__{number}"
        replay = Replay(file_ids=tuple(each.file_id for each in part), dry_run=dry_run)
        note = f"{what.replace('_', ' ')} of {counted(len(part), 'file')}"
        api.trigger(merchant.name, run_id, replay.to_params(), note)
        yield StartedReplay(run_id, api.link(merchant.name, run_id), len(part))


def parts(merchant: Merchant, files: Sequence[FeedFile]) -> list[Sequence[FeedFile]]:
    """Return the files of each run that they need."""
    most = merchant.limits.files_per_run
    return [files[first : first + most] for first in range(0, len(files), most)]
