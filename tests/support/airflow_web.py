"""Airflow's own metadata and auth manager, for tests of the pages: roles, and people of one merchant only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from erp_feeds.settings import PROJECT

PEOPLE = {
    "admin": "admin",
    "viewer": "viewer",
    "stranger": "admin",
}
"""Name -> role; the stranger is an admin, and of another merchant's DAG only."""
STRANGERS_DAG = "completejourney"
BUNDLE = "dags-folder"


class TestAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, in which one person may only touch one DAG."""

    __test__ = False

    def is_authorized_dag(
        self, *, user: SimpleAuthManagerUser, details: DagDetails | None = None, **asked: Any
    ) -> bool:
        is_theirs = user.username != "stranger" or (details is not None and details.id == STRANGERS_DAG)
        return is_theirs and super().is_authorized_dag(user=user, details=details, **asked)

    def filter_authorized_dag_ids(self, *, dag_ids: set[str], user: Any, **asked: Any) -> set[str]:
        found = super().filter_authorized_dag_ids(dag_ids=dag_ids, user=user, **asked)
        return {each for each in found if user.username != "stranger" or each == STRANGERS_DAG}


@contextmanager
def airflow_web() -> Iterator[None]:
    """Let this process be Airflow's server, with its tables and the auth manager of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "support.airflow_web.TestAuthManager")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a secret of the tests, of more than 64 bytes " * 2)
        patch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        _make_metadata()
        yield


def _make_metadata() -> None:
    """Make Airflow's tables in the database of the test's own home, with the DAGs of this project."""
    from airflow import settings
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.db import add_default_pool_if_not_exists, synchronize_log_template
    from airflow.utils.session import create_session

    import_all_models()
    Base.metadata.create_all(settings.engine)
    synchronize_log_template()
    add_default_pool_if_not_exists()
    with create_session() as session:
        if session.get(DagBundleModel, BUNDLE) is None:
            session.add(DagBundleModel(name=BUNDLE))
    bag = DagBag(PROJECT / "dags", bundle_name=BUNDLE)
    assert not bag.import_errors
    sync_bag_to_db(bag, BUNDLE, None)
