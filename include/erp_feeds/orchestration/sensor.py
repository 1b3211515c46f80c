"""The sensor of a merchant's DAG: scans the inbox, and holds no worker while an upload goes on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from airflow.providers.common.compat.sdk import XCOM_RETURN_KEY, SkipMixin
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseSensorOperator, Context

from erp_feeds.batch import Batch, Replay
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.plain_failure import plain_failures


class InboxSensor(BaseSensorOperator, SkipMixin):
    """Returns the batch of new files; without any, the run ends here as skipped.

    Where nothing is complete yet but an upload is going on, the task defers for the merchant's
    `stable_for` and scans once more. A file that is still being uploaded then is left to the trigger, which
    starts another run.
    """

    inherits_from_skipmixin = True
    ui_color = "#e6f1f2"

    def __init__(self, *, merchant: Merchant, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.merchant = merchant

    def execute(self, context: Context) -> Any:
        """Scan; where an upload goes on, defer and scan again."""
        return self._scan(context, may_wait=True)

    def scan_again(self, context: Context, event: Any = None) -> Any:  # noqa: ARG002 - it only says that time is up
        """Scan after the wait."""
        return self._scan(context, may_wait=False)

    def _scan(self, context: Context, *, may_wait: bool) -> Any:
        from erp_feeds import tasks

        replay = self._replay(context)
        with plain_failures():
            if replay and replay.dry_run:
                self._dry_run(context, replay)
                return None
            run = context["dag_run"].run_id
            if replay and context["dag_run"].run_type == "backfill":
                batch = tasks.sense_archive(self.merchant, run, replay)
                return self._hand_on(context, batch) if batch.files else self._end(context, replay)
            sensed = tasks.sense(self.merchant, run, replay, partial(_active, context["ti"]))
        if sensed.batch.files:
            return self._hand_on(context, sensed.batch)
        if sensed.uploading and may_wait:
            wait = timedelta(seconds=max(self.merchant.ftps.stable_for, 1))
            self.log.info("%d new files are still being uploaded: next scan in %s", sensed.uploading, wait)
            self.defer(trigger=TimeDeltaTrigger(wait), method_name="scan_again")
        self._end(context)
        return None

    def _hand_on(self, context: Context, batch: Batch) -> Any:
        """Return the batch for XCom; where nothing is to be fetched, skip the task that would fetch it."""
        if batch.all_archived:
            context["ti"].xcom_push(key=XCOM_RETURN_KEY, value=batch.to_xcom())
            self.skip(ti=context["ti"], tasks=[self.dag.get_task("download")])
        return batch.to_xcom()

    def _end(self, context: Context, days: Replay | None = None) -> None:
        """End the run as skipped; `days` are those of a backfill."""
        from erp_feeds.orchestration import run_note

        run, attempt = context["dag_run"].run_id, context["ti"].try_number
        self.log.info("The run ends here")
        run_note.write_without_files(self.merchant, run, attempt, days)
        self.skip(ti=context["ti"], tasks=self.get_flat_relatives(upstream=False))

    def _dry_run(self, context: Context, replay: Replay) -> None:
        """Show what the replay would change, without values; nothing is written."""
        from erp_feeds.operations.dry_run import dry_run_in_airflow, in_words

        for line in in_words(dry_run_in_airflow(self.merchant, replay)):
            self.log.info("%s", line)
        self._end(context)

    def _replay(self, context: Context) -> Replay | None:
        """Return the replay in the run's parameters; in a backfill they narrow the files of its days."""
        replay = Replay.from_params(context["params"])
        if context["dag_run"].run_type != "backfill":
            return replay
        zone = ZoneInfo(self.merchant.timezone)
        days = (context["data_interval_start"], context["data_interval_end"])
        return (replay or Replay()).within(*(moment.astimezone(zone).date() for moment in days if moment))


def _active(task: Any, runs: Collection[str]) -> list[str]:
    """Return those of some runs of the task's DAG that have not ended."""
    states = ["queued", "running"]
    return [run for run in runs if task.get_dr_count(task.dag_id, run_ids=[run], states=states)]
