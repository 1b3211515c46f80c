"""Tests against a running Airflow: all on one worker, so that only one Airflow runs at a time."""

from pathlib import Path

import pytest

from e2e.test_dag_run import deployment  # noqa: F401 - a fixture

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("airflow"))
