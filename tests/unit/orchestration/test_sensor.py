"""The sensor: hands on a batch, waits without a worker, or ends the run as skipped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import XCOM_RETURN_KEY
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped, TaskDeferred

from erp_feeds import tasks
from erp_feeds.batch import Batch, FeedFile, Replay
from erp_feeds.inbox.work import SenseResult
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.sensor import InboxSensor
from support.merchants import merchant_of

MERCHANT = merchant_of(
    ftps={"connection": "testshop_ftps", "stable_for": 7}, interfaces={"srs_customers": {}}
)
FILE = FeedFile(file_id=1, interface="srs_customers", name="a.zip", size=1, index_number="1")
EMPTY = Batch(merchant="testshop", run="run")


@pytest.fixture
def sensor() -> InboxSensor:
    """A sensor with two tasks below it."""
    with DAG("testshop", start_date=datetime(2017, 1, 1, tzinfo=UTC)):
        first, second, third = (
            InboxSensor(task_id=name, merchant=MERCHANT) for name in ("sense", "download", "unzip")
        )
        first >> second >> third
    return first


class Run:
    """What Airflow gives a task, and what the line answered it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, sensed: SenseResult, kind: str = "asset_triggered"
    ) -> None:
        self.asked: list[Any] = []
        self.pushed: dict[str, Any] = {}
        midnight = datetime(2017, 1, 3, 23, tzinfo=UTC)
        self.context: Any = {
            "dag_run": SimpleNamespace(run_id="run", run_type=kind),
            "params": {},
            "data_interval_start": midnight,
            "data_interval_end": midnight + timedelta(days=1),
            "ti": SimpleNamespace(
                map_index=-1,
                try_number=1,
                xcom_push=self._push,
                dag_id="testshop",
                get_dr_count=self._count,
            ),
        }

        def sense(merchant: Merchant, run: str, replay: Any, active: Any) -> SenseResult:
            assert (merchant, run) == (MERCHANT, "run")
            assert active(["ended", "at work"]) == ["at work"]
            self.asked.append(replay)
            return sensed

        def sense_archive(merchant: Merchant, run: str, replay: Any) -> Batch:
            assert (merchant, run) == (MERCHANT, "run")
            self.asked.append(replay)
            return sensed.batch

        monkeypatch.setattr(tasks, "sense", None if kind == "backfill" else sense)  # that one asks the server
        monkeypatch.setattr(tasks, "sense_archive", sense_archive)

    def _push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    @staticmethod
    def _count(dag_id: str, run_ids: list[str], states: list[str]) -> int:
        assert dag_id == "testshop"
        return int("running" in states and run_ids == ["at work"])


def test_files_are_handed_on_at_once(sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = EMPTY.with_files([FILE])
    run = Run(monkeypatch, SenseResult(batch, uploading=3))
    assert Batch.from_xcom(sensor.execute(run.context)) == batch
    assert run.asked == [None]


def test_a_running_upload_is_waited_for_without_a_worker(
    sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, SenseResult(EMPTY, uploading=1))
    began = datetime.now(UTC)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(run.context)
    wait = deferred.value.trigger.serialize()[1]["moment"] - began
    assert timedelta(seconds=6) < wait < timedelta(seconds=60)
    with pytest.raises(DownstreamTasksSkipped):  # what is still being uploaded starts another run
        getattr(sensor, deferred.value.method_name)(run.context, event="it is time")


def test_nothing_new_ends_the_run_as_skipped(sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, SenseResult(EMPTY))
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        sensor.execute(run.context)
    assert sorted(skipped.value.tasks) == ["download", "unzip"]


def test_nothing_is_to_be_downloaded_where_all_files_are_archived(
    sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived = FILE.model_copy(update={"archived": "file:///archive/a.zip"})
    batch = EMPTY.with_files([archived])
    run = Run(monkeypatch, SenseResult(batch), kind="backfill")
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        sensor.execute(run.context)
    assert skipped.value.tasks == ["download"]
    assert run.pushed[XCOM_RETURN_KEY] == batch.to_xcom()
    mixed = Run(monkeypatch, SenseResult(EMPTY.with_files([archived, FILE])))
    assert Batch.from_xcom(sensor.execute(mixed.context)).files == (archived, FILE)


def test_a_backfill_replays_the_days_of_its_interval_in_the_merchants_zone(
    sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, SenseResult(EMPTY.with_files([FILE])), kind="backfill")
    assert Batch.from_xcom(sensor.execute(run.context)).files == (FILE,)
    assert run.asked == [Replay().within(date(2017, 1, 4), date(2017, 1, 5))]


def test_a_day_without_archived_files_ends_the_run_as_skipped(
    sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, SenseResult(EMPTY), kind="backfill")
    with pytest.raises(DownstreamTasksSkipped):
        sensor.execute(run.context)


def test_a_backfill_is_narrowed_by_what_its_form_asks_for(
    sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, SenseResult(EMPTY.with_files([FILE])), kind="backfill")
    run.context["params"] = {"replay_rejects": "invalid_date", "replay_since": "2016-01-01"}
    sensor.execute(run.context)
    day = date(2017, 1, 4)
    assert run.asked == [Replay(rejects="invalid_date", since=day, until=day)]


def test_a_dry_run_without_a_choice_loads_nothing(
    sensor: InboxSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, SenseResult(EMPTY.with_files([FILE])))
    run.context["params"] = {"replay_dry_run": True}
    with pytest.raises(SystemExit, match="chooses no archived file"):
        sensor.execute(run.context)
    assert run.asked == []
