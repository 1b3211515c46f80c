"""OpenLineage's provider is an extra: only who reports lineage imports it."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import importlib_metadata, pkgutil, sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "openlineage" or name.startswith("airflow.providers.openlineage"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
installed = importlib_metadata.distributions  # Airflow finds its providers by it
importlib_metadata.distributions = lambda: (each for each in installed() if "openlineage" not in each.name)
import erp_feeds
from erp_feeds.dag import build_dags

skipped = ("demo", "__main__", "store.migrations", "orchestration.lineage")
for module in pkgutil.walk_packages(erp_feeds.__path__, "erp_feeds."):
    if not module.name.removeprefix("erp_feeds.").startswith(skipped):
        __import__(module.name)
assert [task.task_id for task in build_dags()["testshop"].tasks][-2:] == ["load", "report"]
"""


def test_every_module_but_lineage_and_every_dag_do_without_openlineage() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
