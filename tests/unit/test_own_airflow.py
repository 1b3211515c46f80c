"""The tests never use the Airflow or the store of whoever runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
OF_THE_DEMO = {
    "AIRFLOW_HOME": "/demo/airflow",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://postgres@/airflow",
    "AIRFLOW__API__BASE_URL": "http://127.0.0.1:8080",
    "AIRFLOW_CONN_ERP_FEEDS_STORE": "postgresql://postgres@/erp_feeds",
    "ERP_FEEDS_HOME": "/demo",
}


def test_what_the_demo_exports_does_not_reach_the_tests() -> None:
    names = list(OF_THE_DEMO)
    code = f"import conftest, json, os; print(json.dumps([os.environ.get(name) for name in {names}]))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TESTS,
        env={**os.environ, **OF_THE_DEMO},
        capture_output=True,
        text=True,
        check=True,
    )
    left = dict(zip(names, json.loads(ran.stdout), strict=True))
    assert "erp-feeds-airflow-" in left.pop("AIRFLOW_HOME")
    assert set(left.values()) == {None}
