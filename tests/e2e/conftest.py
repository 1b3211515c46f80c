"""A deployment of one process, for every test that runs a DAG once.

All these tests are of one group, which one worker runs: only one Airflow at a time beside the other tests.
"""

from __future__ import annotations

from e2e.test_dag_run import deployment  # noqa: F401 - a fixture
