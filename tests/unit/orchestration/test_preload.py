"""Where tasks are forked their imports are made before; everywhere else the plugin costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from erp_feeds.settings import PROJECT

PLUGIN = PROJECT / "plugins" / "erp_feeds_preload.py"


@pytest.mark.parametrize(
    ("command", "heavy"),
    [("scheduler", True), ("celery", True), ("dag-processor", True), ("api-server", False), ("dags", False)],
)
def test_only_a_process_that_forks_tasks_imports_what_they_need(command: str, heavy: bool) -> None:
    script = f"import runpy, sys; runpy.run_path({str(PLUGIN)!r}); print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script, command], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == str(heavy)
