"""Where Airflow's pages, ours and the runbook are; and the links of the tasks that lead there."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink

from erp_feeds.settings import PAGES, settings

HEALTH_DAG = "erp_feeds_health"


def base_url() -> str:
    """Return the address of Airflow's UI; "" where `[api] base_url` is not set."""
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def page(base: str, *parts: str) -> str:
    """Return the address of a page of the UI; "" where the UI's address is unknown, so no link is dead."""
    return "/".join([base, *(quote(part, safe="") for part in parts)]) if base else ""


def dag_page(base: str, dag_id: str) -> str:
    """Return the address of a DAG's page."""
    return page(base, "dags", dag_id)


def run_page(base: str, dag_id: str, run_id: str) -> str:
    """Return the address of a run's page."""
    return page(base, "dags", dag_id, "runs", run_id)


def merchant_page(base: str, merchant: str, *parts: str, **wanted: str | None) -> str:
    """Return the address of our page of a merchant, or of one below it; `wanted` filters a list."""
    query = urlencode({name: value for name, value in wanted.items() if value})
    found = page(base and base + PAGES, "merchants", merchant, *parts)
    return f"{found}?{query}" if found and query else found


def runbook_page(base: str, code: str) -> str:
    """Return where the runbook speaks of a code: the configured copy, else our page of it."""
    address = settings().runbook or page(base and base + PAGES, "runbook")
    return f"{address}#{code}" if address and code else address


def question_page(base: str) -> str:
    """Return where people answer whether the rest of a file shall load: Airflow's required actions."""
    return page(base, "required_actions")


class RunbookLink(BaseOperatorLink):
    """Leads to the runbook, at the first code of a file or record that the run could not load."""

    name: ClassVar[str] = "Runbook"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; Airflow asks the worker for it when the task has ended."""
        return runbook_page(base_url(), _first_code(operator.dag_id, ti_key.run_id))


class OpenLink(BaseOperatorLink):
    """Leads to what is open of all merchants."""

    name: ClassVar[str] = "What is open"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - as Airflow calls it
        """Return the address."""
        return dag_page(base_url(), HEALTH_DAG)


class PagesLink(BaseOperatorLink):
    """Leads to our page of what the run made of its files."""

    name: ClassVar[str] = "Files of the run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address."""
        return merchant_page(base_url(), operator.dag_id, "runs", ti_key.run_id)


LINKS = (RunbookLink(), OpenLink(), PagesLink())
"""Of the tasks that people open: load and report. Airflow stores each link of a task that has ended."""


def _first_code(merchant: str, run: str) -> str:
    from erp_feeds.store import connection as store
    from erp_feeds.store import queries

    with store.connect() as connection:
        files = queries.run_files(connection, merchant, [run])
    codes = [code for file in files for code in (file.code, *file.rejected) if code]
    return codes[0] if codes else ""
