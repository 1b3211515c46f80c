"""Alerts people once about each incident and once that it is over: from the health DAG, and as runs end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from erp_feeds.batch import PARAM, PIPELINE
from erp_feeds.codes import IncidentKind
from erp_feeds.errors import FailError, FeedError, NotAllLoadedError
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.links import base_url
from erp_feeds.orchestration.plain_failure import PlainFailure
from erp_feeds.redaction import SAFE_ERRORS

if TYPE_CHECKING:
    from psycopg import Connection

    from erp_feeds.store.incidents import Cause, Incident

log = logging.getLogger(__name__)


def review(merchant: Merchant, failed: Cause | None = None) -> list[str]:
    """Bring the incidents of a merchant up to date, and alert about what is new and what is over.

    Returns:
        A sentence for each channel by which no message could be sent.

    Raises:
        FeedError: The store cannot be used now.
    """
    from erp_feeds.store import connection as store

    with store.connect() as connection:
        return review_with(connection, merchant, failed)


def review_with(connection: Connection[Any], merchant: Merchant, failed: Cause | None = None) -> list[str]:
    """Do the same with an open connection: many merchants share it, since opening one costs as much again.

    One at a time for a merchant: a failed task and the health DAG never alert about the same incident twice.
    """
    from erp_feeds.operations.incidents import sync
    from erp_feeds.store import connection as store

    with store.one_at_a_time(connection, "alerts", merchant.name):
        heard = sync(connection, merchant, datetime.now(UTC), failed=failed)
        return [*_notify(connection, merchant, heard)]


def _notify(connection: Connection[Any], merchant: Merchant, heard: Sequence[Incident]) -> list[str]:
    """Send one message about new incidents and one about resolved ones; next time again, if none was sent."""
    from erp_feeds.orchestration import messages
    from erp_feeds.orchestration.channels import send
    from erp_feeds.store import incidents

    def records(causes: Sequence[Cause]) -> int:
        return incidents.records(connection, merchant.name, causes)

    problems: list[str] = []
    for is_over in (False, True):
        part = [each for each in heard if bool(each.resolved_at) is is_over]
        if not part:
            continue
        if is_over:
            message = messages.recovery(merchant, part, base_url())
        else:
            message = messages.alert(merchant, part, base_url(), records)
        sent = send(merchant.alerts, message)
        errors = {name: error for name, error in sent.items() if error}
        if len(errors) < len(sent) or not sent:
            incidents.notified(connection, part)
        problems += [f"no alert was sent by {name}: {error}" for name, error in errors.items()]
    return list(dict.fromkeys(problems))


def on_failure(merchant: Merchant) -> Callable[[Any], None]:
    """Return what a task of a merchant's DAG calls when it has failed for good."""

    def alert_failure(context: Any) -> None:
        error, task = _error(context), context["ti"].task_id
        if _is_typing_error(context):
            log.info("No alert is sent: the person who started this run sees the error")
            return
        is_through = isinstance(error, NotAllLoadedError)  # what was not loaded are incidents of their own
        failed = None if is_through else _cause(error, task, context["dag_run"].run_id)
        try:
            problems = _note_success(merchant, task) if is_through else review(merchant, failed)
        except FeedError as away:
            log.warning("The incidents cannot be kept now, so this alert may come again: %s", away)
            problems = _notify_directly(merchant, failed)
        for problem in problems:
            log.error("%s", problem)

    return alert_failure


def on_success(merchant: Merchant) -> Callable[[Any], None]:
    """Return what `sense`, `report` and `retention` call when they succeed: what failed there is over."""

    def note_success(context: Any) -> None:
        for problem in _note_success(merchant, context["ti"].task_id):
            log.error("%s", problem)

    return note_success


def _note_success(merchant: Merchant, task: str) -> list[str]:
    """Note that a run got through a task, and with `report` through all: what it has loaded is over, too.

    Returns:
        As `review`; of another task than `report` nothing is compared.
    """
    from erp_feeds.store import connection as store
    from erp_feeds.store import incidents

    is_end = task == "report"
    with store.connect() as connection:
        incidents.tasks_succeeded(connection, merchant.name, PIPELINE if is_end else (task,))
        return review_with(connection, merchant) if is_end else []


def _is_typing_error(context: Any) -> bool:
    """Return whether a run that a person started asks for what is not there: a wrong file, day or code.

    A run that a person started without such a choice scans the inbox: what the server refuses concerns all.
    """
    is_by_hand = context["dag_run"].run_type == "manual" and context["ti"].task_id == "sense"
    chooses = any(value for name, value in context["params"].items() if name.startswith(PARAM))
    return is_by_hand and chooses and isinstance(_error(context), FailError)


def _error(context: Any) -> object:
    """Return what failed, behind the exception by which a task fails without a traceback."""
    error = context["exception"]
    return error.error if isinstance(error, PlainFailure) else error


def _cause(error: object, task: str, run: str) -> Cause:
    """Return a failed task as a cause, without text that may quote data."""
    from erp_feeds.store.incidents import Cause

    words = str(error) if isinstance(error, SAFE_ERRORS) else type(error).__name__
    return Cause(None, IncidentKind.FAILED_TASK, task, 1, datetime.now(UTC), words, run)


def _notify_directly(merchant: Merchant, failed: Cause | None) -> list[str]:
    from erp_feeds.orchestration import messages
    from erp_feeds.orchestration.channels import send

    if failed is None:
        return []  # the health DAG alerts as soon as the store is back
    sent = send(merchant.alerts, messages.alert(merchant, [failed], base_url()))
    return [f"no alert was sent by {name}: {error}" for name, error in sent.items() if error]
