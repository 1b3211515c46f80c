"""The DAG that keeps what is open in Airflow's own lists: a task of its own fails for each open incident."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Param, task

from erp_feeds.merchant_file import read_merchants
from erp_feeds.orchestration.messages import HEALTH_DAG
from erp_feeds.publish import runbook
from erp_feeds.settings import settings

log = logging.getLogger(__name__)

DOC = """\
### What is open

Red as long as something is open: quarantined files, rejected records, feeds that are late or missing,
inboxes out of reach, failed tasks. `incident` has one task for each, named after it; its log says who acts
and what to do. What is resolved leaves by itself. What nobody will ever correct is dismissed: trigger this
DAG with the number of the incident and a reason, or run
`python -m erp_feeds dismiss ID --by NAME --reason TEXT`. It comes back where there is more of it.

"""


def build_health_dag() -> DAG:
    """Return the DAG; each run brings the incidents up to date, alerts, and shows them."""
    with DAG(
        dag_id=HEALTH_DAG,
        dag_display_name="ERP feeds: what is open",
        description="Red while something needs somebody: quarantines, rejects, late feeds, silent inboxes",
        doc_md=DOC + runbook.markdown(),
        schedule=settings().health_schedule,
        start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=15),
        is_paused_upon_creation=False,
        params=_params(),
        tags=["erp-feeds", "health"],
        default_args={"owner": "erp-feeds"},
    ) as dag:

        @task(retries=2, retry_delay=timedelta(seconds=15))
        def check(params: dict[str, Any] | None = None, dag_run: Any = None) -> list[dict[str, str]]:
            if params and params["incident"]:
                dismiss(params["incident"], dag_run.triggering_user_name or "somebody", params["reason"])
            return review_all()

        @task(map_index_template="{{ task.op_kwargs['incident']['name'] }}", retries=0)
        def incident(incident: dict[str, str]) -> None:
            log.error("%s\n%s", incident["name"], incident["text"])
            sys.exit(1)  # fails without a traceback, which would say nothing of the incident

        opened: Any = check()
        incident.expand(incident=opened)
    return dag


def _params() -> dict[str, Param]:
    """Return what the trigger form asks; left alone, a run dismisses nothing."""
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

    with store.connect(settings().store_connection) as connection:
        incidents.dismiss(connection, incident_id, by, reason)


def review_all() -> list[dict[str, str]]:
    """Review every merchant, and return what is open: name and text of each task.

    What keeps one merchant from being reviewed is shown beside the others, and hides none of theirs.

    Raises:
        FeedError: The store cannot be used now.
    """
    from erp_feeds.orchestration import alerts, messages
    from erp_feeds.store import connection as store
    from erp_feeds.store import incidents

    merchants, faults = read_merchants(settings().merchants)
    found: list[dict[str, str]] = []
    for merchant in merchants:
        found += [_shown(f"{merchant.name} · {each}", "") for each in alerts.review(merchant)]
    known = {merchant.name: merchant for merchant in merchants}
    with store.connect(settings().store_connection) as connection:
        if not faults:  # else nobody knows which merchants are gone
            incidents.retire(connection, list(known))
        for each in incidents.listed(connection):
            facts = (
                messages.facts(known[each.merchant], each, alerts.base_url())
                if each.merchant in known
                else {}
            )
            facts |= {"Dismiss": f"trigger this DAG with incident {each.incident_id} and a reason"}
            text = "\n".join(f"{name}: {value}" for name, value in facts.items())
            found.append(_shown(messages.line(each.merchant, each), text))
    log.info("%d open", len(found))
    return found


def _shown(name: str, text: str) -> dict[str, str]:
    return {"name": name, "text": text}
