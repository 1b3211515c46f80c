"""The tasks after `sense`: each body is one call of the function of `tasks` that has the task's name.

Classes and not decorated functions: the DAG processor builds them for every merchant at every reading, and a
decorated function costs it twice as much.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context

from erp_feeds.batch import Batch
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.plain_failure import plain_failures


class BatchOperator(BaseOperator):
    """Takes a batch of files, and returns the batch of those that go on."""

    template_fields = ("batch",)
    ui_color = "#e6f1f2"

    def __init__(self, *, merchant: Merchant, batch: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.merchant = merchant
        self.batch = batch

    def execute(self, context: Context) -> Any:
        """Run the function of `tasks` that has the task's name."""
        from erp_feeds import tasks

        with plain_failures():
            batch: Batch = getattr(tasks, self.task_id)(self.merchant, self.taken(context))
        return batch.to_xcom()

    def taken(self, context: Context) -> Batch:  # noqa: ARG002 - `unzip` needs it
        """Return the batch that the task before has handed on."""
        return Batch.from_xcom(self.batch)


class UnzipOperator(BatchOperator):
    """Takes the batch of `sense`, or that of `download`, which `sense` skips where all files are archived."""

    def taken(self, context: Context) -> Batch:
        """Return the batch whose files are all archived."""
        sensed = super().taken(context)
        return sensed if sensed.all_archived else Batch.from_xcom(context["ti"].xcom_pull("download"))


class ReportOperator(BatchOperator):
    """Says what became of the files, also on the run, and fails where a file or record was rejected."""

    def execute(self, context: Context) -> dict[str, int]:
        """Return the number of files and records."""
        from erp_feeds import tasks
        from erp_feeds.orchestration import run_note

        with plain_failures():
            batch = self.taken(context)
            run_note.write(self.merchant, batch)
            return tasks.report(self.merchant, batch)
