"""A deployment of one process, for every test that runs a DAG once."""

from __future__ import annotations

from e2e.test_dag_run import deployment  # noqa: F401 - a fixture
