"""Imports and reads what every task needs once, in the process from which tasks are forked.

By themselves these imports take a task nine tenths of its time to start, many times what a day's files take;
and the DAG processor would repeat them twice a minute for each of our DAG files.
A change of this package therefore needs a restart of that process; a change of a merchant file does not.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache

FORKING = ("scheduler", "celery", "dag-processor")
"""Airflow's commands that fork tasks (the scheduler with LocalExecutor, a worker of CeleryExecutor), or that
fork for each reading of a DAG file."""
NEEDED = (
    "erp_feeds.dag",
    "erp_feeds.tasks",
    "erp_feeds.orchestration.run_note",
    "erp_feeds.orchestration.metrics",
    "erp_feeds.store.queries",
    # What these import only when it is first used.
    "airflow.sdk.definitions.asset.metadata",
    "jinja2.ext",
    "pyarrow.acero",
    "pyarrow.vendored.version",
)


def preload(command: Sequence[str]) -> None:
    """Import what tasks need, where a command line is that of a process which forks them."""
    if command[1:2] and command[1] in FORKING:
        _prepare()


@cache  # Airflow loads plugins once more in every task, which inherits what was prepared
def _prepare() -> None:
    for name in NEEDED:
        importlib.import_module(name)
    model = importlib.import_module("erp_feeds.merchant.model")
    model.time_zones()  # reads some hundred files, and keeps what it found
    importlib.import_module("erp_feeds.dag").build_first()
