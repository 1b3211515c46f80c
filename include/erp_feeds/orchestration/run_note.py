"""The note of a DAG run in Airflow's UI: what the run made of its files, in words."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from erp_feeds.batch import Counts
from erp_feeds.errors import ConfigurationError, FeedError, counted
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.rest_client import airflow_api
from erp_feeds.settings import settings
from erp_feeds.store import connection as store
from erp_feeds.store import queries
from erp_feeds.store.file_rows import RunFile

log = logging.getLogger(__name__)


def write(merchant: Merchant, run: str) -> None:
    """Write the note of a run, if Airflow's REST API has a connection; a run never fails for its note."""
    try:
        api = airflow_api()
        with store.connect(settings().store_connection) as connection:
            files = queries.run_files(connection, merchant.name, [run])
        api.note(merchant.name, run, in_words(files))
    except ConfigurationError:
        log.info("No note: Airflow has no connection '%s'", settings().airflow_connection)
    except FeedError as error:
        log.warning("The run has no note: %s", error)


def in_words(files: Sequence[RunFile]) -> str:
    """Return what a run made of its files and records: `3 files: 2 loaded, 1 quarantined (truncated)`."""
    states = Counter(file.state for file in files)
    codes = sorted({file.code for file in files if file.code})
    counts = Counts.sum(Counts.model_validate(file.counts) for file in files)
    lines = [
        f"{counted(len(files), 'file')}: "
        + ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        + (f" ({', '.join(codes)})" if codes else "")
    ]
    records = {"loaded": counts.loaded, "replaced by a later record": counts.collapsed}
    lines.append(
        f"{counted(counts.read, 'record')}: "
        + ", ".join(f"{number:,} {what}" for what, number in records.items() if number or what == "loaded")
    )
    for what, found in (
        ("skipped", counts.skipped),
        ("rejected", counts.rejected),
        ("warnings", counts.warnings),
    ):
        if found:
            lines.append(f"{what}: " + ", ".join(f"{number:,} {code}" for code, number in found.items()))
    if dismissed := sum(file.dismissed for file in files):
        lines.append(f"{counted(dismissed, 'rejected record')} dismissed: nobody needs to act")
    if resolved := sum(file.resolved for file in files):
        lines.append(f"{counted(resolved, 'reject')} resolved")
    return "\n\n".join(lines)  # the UI reads Markdown
