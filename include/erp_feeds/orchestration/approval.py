"""Asks in Airflow whether the good records of a file with too many rejects shall load.

The question waits in a DAG of its own, without worker or triggerer, so that no other file waits with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowSkipException

from erp_feeds.batch import Replay
from erp_feeds.errors import FailError, counted
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import read_merchants
from erp_feeds.orchestration import links
from erp_feeds.orchestration.plain_failure import RETRY_POLICY, plain_failures
from erp_feeds.settings import settings

if TYPE_CHECKING:
    from psycopg import Connection

APPROVAL_DAG = "erp_feeds_approval"
ANSWER_WITHIN = timedelta(days=7)
"""After which the answer is no: the file stays quarantined, as it was."""
DOC = """\
### May the rest of this file load?

Of a file more records are rejected than `max_reject_percent` allows, so nothing of it is loaded. Each run
here asks about one such file, where the merchant file says `on_too_many_rejects: ask`. Answer in *Required
Actions*: **Approve** loads the good records, and the rejected ones stay open; **Reject** leaves the file
quarantined, which it also stays without an answer in 7 days. `python -m erp_feeds approve MERCHANT FILE`
approves without a question; whoever answers afterwards ends the run green, and its note says why.
"""
BODY = """\
**{reason}.** Nothing of `{file}` is loaded ({merchant}, {interface}).

- **Approve**: the other {good} load, and the rejected ones stay open.
- **Reject**: nothing of it loads; ask the sender for a new export.

{page}
"""


def interfaces_that_ask(merchant: Merchant) -> list[str]:
    """Return the interfaces of a merchant where too many rejects start a question."""
    return [name for name, each in merchant.interfaces.items() if each.on_too_many_rejects == "ask"]


def build_approval_dag() -> Iterator[DAG]:
    """Yield the DAG that asks, where a merchant has it configured."""
    if any(map(interfaces_that_ask, read_merchants(settings().merchants)[0])):
        yield _approval_dag()


def _approval_dag() -> DAG:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
    from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

    with DAG(
        dag_id=APPROVAL_DAG,
        dag_display_name="ERP feeds: approval",
        description="Asks whether the good records of a file with too many rejects shall load",
        doc_md=DOC,
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
        is_paused_upon_creation=False,
        params={"file_id": Param(None, type=["null", "integer"], title="File id in the ledger")},
        tags=["erp-feeds"],
        default_args={
            "owner": "erp-feeds",
            "retries": 2,
            "retry_delay": timedelta(seconds=15),
            "retry_policy": RETRY_POLICY,
        },
    ) as dag:

        @task(multiple_outputs=False)
        def question(params: dict[str, Any] | None = None, dag_run: Any = None) -> dict[str, Any]:
            with plain_failures(), _noted(dag_run):
                return describe((params or {})["file_id"])

        @task(multiple_outputs=True)
        def approve(question: dict[str, Any], answer: dict[str, Any], dag_run: Any = None) -> dict[str, Any]:
            with plain_failures(), _noted(dag_run):
                return approved(question, (answer["responded_by_user"] or {}).get("name") or "somebody")

        asked: Any = question()
        ask = ApprovalOperator(
            task_id="ask",
            subject="{{ ti.xcom_pull(task_ids='question')['subject'] }}",
            body="{{ ti.xcom_pull(task_ids='question')['body'] }}",
            defaults=ApprovalOperator.REJECT,
            response_timeout=ANSWER_WITHIN,
        )
        answer: Any = ask.output
        approval: Any = approve(asked, answer)
        TriggerDagRunOperator(
            task_id="load",
            trigger_dag_id="{{ ti.xcom_pull(task_ids='approve', key='merchant') }}",  # Airflow hashes it
            conf=approval["conf"],
            logical_date=None,
        )
        asked >> ask
    return dag


def add_questions(merchant: Merchant, loaded: Any) -> None:
    """Add tasks that start a question for each file that waits for an approval, where this is configured."""
    if not (interfaces := interfaces_that_ask(merchant)):
        return
    from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

    @task(multiple_outputs=False, doc_md="Finds the files of this run with more rejects than allowed.")
    def questions(batch: dict[str, Any]) -> list[dict[str, Any]]:
        with plain_failures():
            return open_questions(merchant, interfaces, batch["run"])

    waiting: Any = questions(loaded)
    TriggerDagRunOperator.partial(
        task_id="ask",
        trigger_dag_id=APPROVAL_DAG,
        logical_date=None,
        skip_when_already_exists=True,
        doc_md=f"Starts a run of {APPROVAL_DAG} for each file; a question that was asked before is skipped.",
    ).expand_kwargs(waiting)


def open_questions(merchant: Merchant, interfaces: list[str], run: str) -> list[dict[str, Any]]:
    """Return the id and the configuration of a run for each file that a run left waiting for an approval."""
    from erp_feeds.store import approvals
    from erp_feeds.store import connection as store

    with store.connect() as connection:
        found = approvals.questions(connection, merchant=merchant.name, interfaces=interfaces, run=run)
    return [
        {"trigger_run_id": f"file_{each.file_id}__{each.rejects}", "conf": {"file_id": each.file_id}}
        for each in found
    ]


def describe(file_id: int) -> dict[str, Any]:
    """Return what a person must know to decide: subject and body, the file, how many rejects.

    Raises:
        AirflowSkipException: The file does not wait for an approval any more.
        FailError: There is no such file.
    """
    from erp_feeds.store import approvals
    from erp_feeds.store import connection as store

    with store.connect() as connection:
        found = approvals.questions(connection, file_id=file_id)
        if not found:
            raise _nothing_to_approve(connection, file_id)
    [each] = found
    good = counted(each.tally.read - each.rejects, "record")
    address = links.merchant_page(links.base_url(), each.merchant, "rejects", file_id=str(file_id))
    command = f"To see the rejects: `python -m erp_feeds rejects {each.merchant} --file {each.file}`"
    facts = {"merchant": each.merchant, "interface": each.interface, "file": each.file, "good": good}
    facts["page"] = f"[The rejected records]({address})" if address else command
    return {
        "file_id": file_id,
        "rejects": each.rejects,
        "subject": f"{each.merchant}: load the rest of {each.file}?",
        "body": BODY.format(reason=each.reason, **facts),
    }


def approved(question: dict[str, Any], by: str) -> dict[str, Any]:
    """Note the approval; return whose DAG loads the file, and the configuration of that run.

    Raises:
        AirflowSkipException: The file does not wait any more: somebody approved it on a page, say.
        FailError: More of its records are rejected now than the question said.
    """
    from erp_feeds.store import approvals
    from erp_feeds.store import connection as store

    with store.connect() as connection:
        found = approvals.questions(connection, file_id=question["file_id"])
        if not found:
            raise _nothing_to_approve(connection, question["file_id"])
        approvals.approve(connection, found[0], by, question["rejects"])
    return {"merchant": found[0].merchant, "conf": Replay(file_ids=(question["file_id"],)).to_params()}


def _nothing_to_approve(connection: Connection[Any], file_id: int) -> Exception:
    """Return what ends the run well where a question was settled elsewhere; an error for an unknown file."""
    from erp_feeds.store import approvals

    settled = approvals.outcome(connection, file_id)
    return AirflowSkipException(settled) if settled else FailError(f"there is no file {file_id}", "not_found")


@contextmanager
def _noted(dag_run: Any) -> Iterator[None]:
    """Say on the run why it ends without a load: a skipped task shows it only in its log."""
    try:
        yield
    except AirflowSkipException as settled:
        from erp_feeds.orchestration import run_note

        run_note.note(APPROVAL_DAG, dag_run.run_id, str(settled))
        raise
