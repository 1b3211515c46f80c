"""The task `load`: it loads, and reports the results to Airflow, OpenLineage and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from erp_feeds.batch import Batch
from erp_feeds.orchestration import assets
from erp_feeds.orchestration.operators import BatchOperator
from erp_feeds.orchestration.plain_failure import plain_failures

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


class LoadOperator(BatchOperator):
    """Loads the files of a batch; an asset has an event only where rows of its table have changed."""

    loaded: Batch | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Load, and return the batch of the files that did."""
        from erp_feeds import tasks
        from erp_feeds.orchestration import metrics, run_note

        with plain_failures():
            self.loaded = tasks.load(self.merchant, self.taken(context))
        for line in run_note.table(self.loaded.files):
            self.log.info("%s", line)
        metrics.count_load(self.merchant, self.loaded)
        changes = assets.changes(self.loaded, tried_before=context["ti"].try_number > 1)
        # Airflow writes an event for each outlet that a task has when it ends.
        self.outlets = [each for each in self.outlets if each.extra["table"] in changes]
        for each in self.outlets:
            context["outlet_events"][each].extra = changes[each.extra["table"]]
        return self.loaded.to_xcom()

    def get_openlineage_facets_on_complete(self, ti: Any) -> OperatorLineage[Any, Any] | None:  # noqa: ARG002 - as OpenLineage calls it
        """Return what was read and written, where OpenLineage's provider is installed and asks."""
        from erp_feeds.orchestration import lineage
        from erp_feeds.store.merchant_settings import current

        if not self.loaded or not self.loaded.files:
            return None
        return lineage.of_load(current(self.merchant, self.loaded.revision), self.loaded)
