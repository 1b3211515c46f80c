"""What the doctor asks of Airflow: whether it runs, knows the merchant's DAG, runs it and scans its inbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from erp_feeds.errors import ConfigurationError, FailError, counted
from erp_feeds.merchant import Merchant
from erp_feeds.operations.doctor import CautionError, Finding, findings
from erp_feeds.operations.incidents import MISSED_SCANS
from erp_feeds.orchestration.rest_client import AirflowApi, airflow_api
from erp_feeds.store.inbox_scans import InboxState

SILENT = timedelta(minutes=5)
"""Without a scan above which something is wrong; the store notes them to the minute."""


def examine_airflow(merchant: Merchant) -> Iterator[Finding]:
    """Yield a finding for Airflow itself, the merchant's DAG, import errors and the last run."""
    try:
        api = airflow_api()
    except ConfigurationError as error:
        yield Finding("airflow", "not checked", str(error))
        return
    with api:
        yield from findings(
            [
                ("airflow", lambda: _health(api)),
                ("dag", lambda: _dag(api, merchant)),
                ("import errors", lambda: _import_errors(api)),
                ("last run", lambda: _last_run(api, merchant)),
            ]
        )


def last_scan(merchant: Merchant, state: InboxState | None, now: datetime) -> str:
    """Return when the inbox was last scanned.

    Raises:
        FailError: Scans fail, and why.
        CautionError: There is none, or none for too long.
    """
    if state is not None and state.failing_since:
        since = _in_utc(state.failing_since)
        raise FailError(f"no scan of the inbox has succeeded since {since}: {state.reason}")
    if state is None or state.succeeded_at is None:
        raise CautionError("no scan of the inbox yet: the first comes once the DAG runs and is not paused")
    moment = _in_utc(state.succeeded_at)
    if now - state.succeeded_at > max(SILENT, MISSED_SCANS * timedelta(seconds=merchant.ftps.poll_interval)):
        raise CautionError(f"no scan of the inbox since {moment}: is the DAG paused, or the triggerer down?")
    return f"the inbox was scanned at {moment}; it is scanned every {merchant.ftps.poll_interval:g} s"


def _in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _health(api: AirflowApi) -> str:
    if silent := api.unhealthy():
        raise FailError(f"no heartbeat at {api.address} of {', '.join(silent)}: start what is down")
    return f"{api.address} answers, and all its parts run"


def _dag(api: AirflowApi, merchant: Merchant) -> str:
    name = merchant.name
    is_paused = api.dags(name).get(name)
    if is_paused is None:
        raise FailError(
            f"Airflow knows no DAG '{name}': a new one takes a minute; otherwise Airflow reads another "
            "merchants folder (ERP_FEEDS_MERCHANTS), or `airflow dags list-import-errors` says why"
        )
    if is_paused:
        raise CautionError(f"the DAG is paused, so no file loads: run `airflow dags unpause {name}`")
    return f"'{name}' exists and is not paused"


def _import_errors(api: AirflowApi) -> str:
    errors = api.import_errors()
    if not errors:
        return "none"
    last = errors[0].splitlines()[-1]
    raise CautionError(f"{counted(len(errors), 'DAG file')} cannot be imported, such as: {last}")


def _last_run(api: AirflowApi, merchant: Merchant) -> str:
    run = api.last_run(merchant.name)
    if run is None:
        return "none yet: the first starts when a file comes"
    run_id, state = run
    if state == "failed":
        raise CautionError(f"failed; the log of its task in red says why: {api.link(merchant.name, run_id)}")
    return f"{state}: {run_id}"
