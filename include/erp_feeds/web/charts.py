"""Charts of the last days, of one merchant and over all: drawn as SVG by the server, a table behind each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Query

from erp_feeds.merchant_file import files_by_merchant
from erp_feeds.settings import settings
from erp_feeds.store import charts, queries
from erp_feeds.store.charts import CodeCount, Day
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import Reader
from erp_feeds.web.routes import Routes

Days = Annotated[int, Query(ge=7, le=90, description="How many days, today included.")]


@dataclass(frozen=True)
class Charts:
    """Figures of the last days."""

    merchants: list[str]
    days: list[Day]
    rejects: list[CodeCount]


def of_merchant(caller: Reader, store: Store, days: Days = 30) -> Charts:
    """Return the figures of one merchant: files, records, seconds from scan to rows, rejects by code."""
    return Charts(
        [caller.merchant],
        charts.days(store, [caller.merchant], days),
        charts.rejects(store, [caller.merchant], days),
    )


def of_all(store: Store, user: GetUserDep, days: Days = 30) -> Charts:
    """Return the figures over all merchants that you may read."""
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    names = sorted({*files_by_merchant(settings().merchants), *queries.merchants(store)} & readable)
    return Charts(names, charts.days(store, names, days), charts.rejects(store, names, days))


EXAMPLE = {
    "merchants": ["testshop"],
    "days": [{"day": "2026-01-31", "files": 3, "quarantined": 0, "records": 1200, "seconds": [21.5, 48.0]}],
    "rejects": [{"code": "missing_field", "number": 2}],
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    routes.show("/merchants/{merchant}/charts", "charts.html", of_merchant, example=EXAMPLE, tag="Charts")
    routes.show("/charts", "charts.html", of_all, example=EXAMPLE, tag="Charts")
