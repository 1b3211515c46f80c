"""Two DAGs that show open incidents in Airflow's own lists.

One checks every few minutes and alerts. The other fails, with a task for each open incident, and runs only
when an incident has changed: its latest run stays red until all are resolved, and its grid is the history.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, task

from erp_feeds.errors import FailError
from erp_feeds.merchant_file import read_merchants
from erp_feeds.orchestration.links import HEALTH_DAG, base_url
from erp_feeds.settings import PAGES, settings

log = logging.getLogger(__name__)

CHECK_DAG = "erp_feeds_check"
MOST_SHOWN = 1_000
"""Open incidents that get a task each: Airflow fails a task that asks for more than 1,024."""
CHANGED = Asset(name="erp_feeds.incidents", uri="erp-feeds://incidents", group="health")
"""Gets an event whenever the open incidents have changed."""
COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
    "catchup": False,
    "max_active_runs": 1,
    "dagrun_timeout": timedelta(minutes=15),
    "is_paused_upon_creation": False,
    "tags": ["erp-feeds", "health"],
    # Before the tasks of all merchants: when many of these wait for workers is no time to leave out a check.
    "default_args": {"owner": "erp-feeds", "priority_weight": 100},
}
DOC = """\
### What is open

Red as long as something is open: quarantined files, rejected records, feeds that are late or missing,
unreachable inboxes, failed tasks. `incident` has one task for each, named after it; its log says who acts
and what to do. A resolved incident disappears by itself. One that nobody will ever correct is dismissed:
trigger this DAG with the number of the incident and a reason, or run
`python -m erp_feeds dismiss ID --by NAME --reason TEXT`. It opens again when more files or records join it.

What each code means, and what to write to the sender: [the runbook]({pages}/runbook).
"""


def build_health_dags() -> Iterator[DAG]:
    """Yield the DAG that checks, and the one that shows what is open."""
    yield _check_dag()
    yield _health_dag()


def _check_dag() -> DAG:
    with DAG(
        dag_id=CHECK_DAG,
        dag_display_name="ERP feeds: check",
        description="Compares files, records, feeds and inboxes with the open incidents, and alerts",
        doc_md=f"Alerts, and starts `{HEALTH_DAG}` when incidents have changed. Red: alerts cannot be sent.",
        schedule=settings().health_schedule,
        **COMMON,
    ) as dag:

        @task.short_circuit(retries=2, retry_delay=timedelta(seconds=15))
        def check() -> bool:
            return review_all()

        @task(outlets=[CHANGED])
        def announce() -> None:
            """Start the DAG that shows what is open."""

        check() >> announce()
    return dag


def _health_dag() -> DAG:
    """Build the DAG that fails while something is open; once an hour it runs also without a change."""
    with DAG(
        dag_id=HEALTH_DAG,
        dag_display_name="ERP feeds: what is open",
        description="Red while somebody must act: quarantines, rejects, late feeds, silent inboxes",
        doc_md=DOC.format(pages=PAGES),
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable("0 * * * *", timezone="UTC"), assets=[CHANGED]
        ),
        params=_params(),
        **COMMON,
    ) as dag:

        @task(retries=2, retry_delay=timedelta(seconds=15))
        def find(params: dict[str, Any] | None = None, dag_run: Any = None) -> list[dict[str, str]]:
            if params and params["incident"]:
                dismiss(params["incident"], dag_run.triggering_user_name or "somebody", params["reason"])
            return shown()

        @task(map_index_template="{{ task.op_kwargs['incident']['name'] }}", retries=0)
        def incident(incident: dict[str, str]) -> None:
            log.error("%s\n%s", incident["name"], incident["text"])
            sys.exit(1)  # fails without a traceback, which would say nothing of the incident

        opened: Any = find()
        incident.expand(incident=opened)
    return dag


def _params() -> dict[str, Param]:
    """Return the fields of the trigger form; left empty, a run dismisses nothing."""
    number = Param(
        None,
        type=["null", "integer"],
        title="Incident",
        description_md="Number of the incident to dismiss, as the log of its task says",
        section="Dismiss what nobody will ever correct",
    )
    reason = Param("", type="string", title="Reason", description_md="Why nobody needs to act")
    return {"incident": number, "reason": reason}


def dismiss(incident_id: int, by: str, reason: str) -> None:
    """Dismiss an open incident.

    Raises:
        FailError: No such incident is open, or no reason is given.
    """
    from erp_feeds.store import connection as store
    from erp_feeds.store import incidents

    with store.connect() as connection:
        incidents.dismiss(connection, incident_id, by, reason)


def review_all() -> bool:
    """Review and measure every merchant, and return whether what is open has changed.

    Raises:
        FailError: Some alert was sent by no channel; it is sent again next time.
        RetryError: The store cannot be used now.
    """
    from erp_feeds.operations.incidents import to_sync
    from erp_feeds.orchestration import alerts, metrics
    from erp_feeds.store import connection as store
    from erp_feeds.store import incidents

    merchants, errors = read_merchants(settings().merchants)
    problems: list[str] = []
    with store.connect() as connection:
        for merchant in to_sync(connection, merchants, datetime.now(UTC)):
            problems += [f"{merchant.name}: {each}" for each in alerts.review_with(connection, merchant)]
        if not errors:  # else a merchant whose file has an error would count as gone
            incidents.retire(connection, [merchant.name for merchant in merchants])
        metrics.measure(connection, merchants)
        is_changed = incidents.changed(connection)
    for problem in problems:
        log.error("%s", problem)
    if problems and not is_changed:  # else the change would not be shown
        raise FailError("\n".join(problems), "not_alerted")
    return is_changed


def shown() -> list[dict[str, str]]:
    """Return what is open: the name and the text of a task each, and one task for all above `MOST_SHOWN`."""
    from erp_feeds.orchestration import messages
    from erp_feeds.store import connection as store
    from erp_feeds.store import incidents

    known = {merchant.name: merchant for merchant in read_merchants(settings().merchants)[0]}
    found = []
    with store.connect() as connection:
        opened = incidents.show(connection)
        for each in opened[:MOST_SHOWN]:
            merchant = known.get(each.merchant)
            facts = messages.facts(merchant, each, base_url()) if merchant else {}
            facts |= {"Dismiss": f"trigger this DAG with incident {each.incident_id} and a reason"}
            text = "\n".join(f"{name}: {value}" for name, value in facts.items())
            found.append({"name": messages.line(each.merchant, each), "text": text})
    if rest := len(opened) - len(found):
        found.append({"name": f"and {rest:,} more", "text": "`python -m erp_feeds incidents` lists them all"})
    log.info("%d open", len(opened))
    return found
