"""One merchant becomes one DAG. Only this module uses Airflow's authoring API."""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import (
    DAG,
    Asset,
    AssetOrTimeSchedule,
    BaseOperator,
    CronDataIntervalTimetable,
    get_parsing_context,
    task,
)

from erp_feeds.errors import ConfigurationError
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import files_by_merchant, read_merchants
from erp_feeds.orchestration import alerts, approval, assets
from erp_feeds.orchestration.dag_docs import TASK_DOCS, dag_doc
from erp_feeds.orchestration.links import LINKS
from erp_feeds.orchestration.load_operator import LoadOperator
from erp_feeds.orchestration.operators import BatchOperator, ReportOperator, UnzipOperator
from erp_feeds.orchestration.plain_failure import RETRY_POLICY, plain_failures
from erp_feeds.orchestration.sensor import InboxSensor
from erp_feeds.orchestration.trigger_form import trigger_form
from erp_feeds.settings import settings

log = logging.getLogger(__name__)

RETRIES = {
    "retries": 4,
    "retry_delay": timedelta(seconds=15),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RETRY_POLICY,
}

MAX_ACTIVE_RUNS = 10_000
"""More than the days of any backfill: Airflow counts its queued runs too, and would make new files wait until
the last of them has ended. Parallel runs are safe: no two take the same file, and one at a time loads."""

AT_ONCE = 2
"""Tasks of a merchant that scan, or load, in parallel runs: one does so, and the next starts meanwhile, since
starting takes longer than a day's files. The store lets them do it one after the other."""

FINISH_FIRST = "upstream"
"""When tasks wait for workers, those of the run that is furthest go first, so that runs end one by one. By
Airflow's default tasks with most others after them go first: of 50 runs none loads until all have parsed."""

STEPS = ("parse", "deduplicate", "split")
"""The tasks between unzip and load: each takes a batch and returns a batch."""


def build_dags() -> dict[str, DAG]:
    """Return the DAGs that this parse needs by name: one in a task, all in the DAG processor."""
    dags, _ = _built(get_parsing_context().dag_id)
    return dags


def build_first() -> None:
    """Build one DAG and forget it: Airflow prepares much for the first one, which a forked task inherits."""
    try:
        names = list(files_by_merchant(settings().merchants))
    except ConfigurationError:  # every later reading reports it
        return
    for name in names[:1]:
        _built(name)


def report_bad_merchants() -> None:
    """Raise why merchants have no DAG, as an import error; the others keep theirs.

    Raises:
        ConfigurationError: with file, line, value and nearest valid name of every error.
    """
    _, errors = _built()
    if errors:
        raise ConfigurationError("\n".join(errors), "invalid_merchant_file")


def _built(wanted: str | None = None) -> tuple[dict[str, DAG], list[str]]:
    """Build the DAG of each merchant by itself: an error of one is reported, and the others keep theirs."""
    merchants, rejected = read_merchants(settings().merchants, wanted)
    dags: dict[str, DAG] = {}
    errors = [str(error) for error in rejected]
    for merchant in merchants:
        try:
            dags[merchant.name] = build_dag(merchant)
        except Exception as error:  # any error: Airflow would drop every DAG of the file
            log.exception("no DAG of the merchant %s", merchant.name)
            errors.append(f"{merchant.name}: Airflow rejects its DAG: {type(error).__name__}: {error}")
    return dags, errors


def build_dag(merchant: Merchant) -> DAG:
    """Return the merchant's DAG."""
    zone = ZoneInfo(merchant.timezone)
    inbox = assets.inbox(merchant)
    with DAG(
        dag_id=merchant.name,
        dag_display_name=merchant.title or merchant.name,
        description=f"{merchant.shop_name}: from FTPS to profiles, orders, returns and price-list links",
        doc_md=dag_doc(merchant),
        schedule=AssetOrTimeSchedule(
            timetable=CronDataIntervalTimetable(merchant.schedule, timezone=merchant.timezone), assets=[inbox]
        ),
        start_date=datetime.combine(merchant.history_from, time.min, zone),
        catchup=False,
        max_active_runs=MAX_ACTIVE_RUNS,
        dagrun_timeout=timedelta(hours=merchant.limits.run_hours),
        is_paused_upon_creation=merchant.paused,
        auto_register=False,  # the loader registers it when it is complete, so Airflow never sees half of one
        tags=["erp-feeds", *merchant.interfaces],
        owner_links={merchant.owner: merchant.owner_link} if merchant.owner_link else {},
        default_args={
            "owner": merchant.owner,
            "on_failure_callback": alerts.on_failure(merchant),
            "execution_timeout": timedelta(hours=merchant.limits.task_hours),
            "weight_rule": FINISH_FIRST,
            **RETRIES,
        },
    ) as dag:
        _pipeline(merchant, inbox)
        if merchant.retention.archive_days:
            _retention(merchant)
    # Last, since each task would get a copy of its own, which takes a third of the time of building a DAG.
    dag.params.update(trigger_form(merchant.timezone))
    return dag


def _pipeline(merchant: Merchant, inbox: Asset) -> None:
    """Build the tasks."""
    sense = InboxSensor(
        task_id="sense",
        merchant=merchant,
        inlets=[inbox],
        max_active_tis_per_dag=AT_ONCE,
        on_success_callback=alerts.on_success(merchant),
        doc_md=TASK_DOCS["sense"],
    )

    def step(
        operator: type[BatchOperator], name: str, before: BaseOperator, **arguments: Any
    ) -> BatchOperator:
        return operator(
            task_id=name, merchant=merchant, batch=before.output, doc_md=TASK_DOCS[name], **arguments
        )

    last = step(UnzipOperator, "unzip", sense, trigger_rule="none_failed")
    step(BatchOperator, "download", sense) >> last
    for name in STEPS:
        last = step(BatchOperator, name, last)
    tables = assets.tables(merchant)
    load = step(LoadOperator, "load", last, outlets=tables, max_active_tis_per_dag=AT_ONCE)
    success = alerts.on_success(merchant)
    report = step(ReportOperator, "report", load, on_success_callback=success)
    approval.add_questions(merchant, load.output)
    for each in (load, report):
        each.operator_extra_links = LINKS


def _retention(merchant: Merchant) -> None:
    """Add the task next to the pipeline: it also runs when no file is new, and its failure stops no file."""

    @task(
        max_active_tis_per_dag=1,
        doc_md=TASK_DOCS["retention"],
        on_success_callback=alerts.on_success(merchant),
    )
    def retention() -> int:
        from erp_feeds.operations.retention import delete_expired

        with plain_failures():
            return delete_expired(merchant)

    retention()
