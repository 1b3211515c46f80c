"""Airflow of the tests: a home of its own, no examples, nothing of the developer's."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings

PROJECT = Path(__file__).resolve().parents[1]

# Whoever has sourced the demo's env.sh would else run the tests in its databases, and start runs of its DAGs.
for name in [name for name in os.environ if name.startswith(("ERP_FEEDS_", "AIRFLOW_"))]:
    del os.environ[name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="erp-feeds-airflow-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT / "plugins")
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
server_log = logging.getLogger("pyftpdlib")  # else it logs each command, names in any encoding too
server_log.addHandler(logging.NullHandler())
server_log.setLevel(logging.WARNING)

# A build fails by what was changed, not by chance or on a busy machine.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
