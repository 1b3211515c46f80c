"""The note of a DAG run in Airflow's UI: what the run made of its files, in words."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from erp_feeds.batch import Batch, Counts, FeedFile, Replay
from erp_feeds.errors import ConfigurationError, FeedError, counted
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.rest_client import airflow_api
from erp_feeds.settings import settings
from erp_feeds.store import connection as store
from erp_feeds.store import queries
from erp_feeds.store.file_rows import RunFile

log = logging.getLogger(__name__)


COLUMNS = ("file", "records", "loaded", "collapsed", "skipped", "rejected", "rows changed")


def write(merchant: Merchant, batch: Batch) -> None:
    """Write what a run made of its files into its note."""
    with _best_effort(), airflow_api() as api:
        files = _files(merchant, batch.run)
        text = f"{in_words(files)}{_days(merchant, batch.files)}{_settings(batch)}"
        api.note(merchant.name, batch.run, text)


def write_without_files(merchant: Merchant, run: str, attempt: int, days: Replay | None = None) -> None:
    """Write that a later try found nothing to load, where one before it has loaded or rejected something.

    Else a run that was cleared would end green below the note of its red try.

    Args:
        merchant: Whose run it is.
        run: Its id.
        attempt: The first try, or a later one.
        days: Of a backfill, which also at its first try says of which files it found none: its name only says
            when that day ended. Else a backfill of the wrong days, whose dates were read in another zone, is
            green and says nothing.
    """
    if none := _none_archived(merchant, days) if days else "":
        log.info("%s", none)
    with _best_effort():
        if attempt > 1 and (files := _files(merchant, run)):
            found = f": {none}" if none else " found no new file and loaded nothing."
            text = (
                f"Try {attempt}{found} To load again what was quarantined or rejected: "
                f"`python -m erp_feeds replay {merchant.name}`\n\nBefore it:\n\n{in_words(files)}"
            )
            note(merchant.name, run, text)
        elif none:
            note(merchant.name, run, none)


def _none_archived(merchant: Merchant, days: Replay) -> str:
    """Return of which files a backfill found none: those that it names may be of other days."""
    wanted = sorted({day for day in (days.since, days.until) if day})
    choice = f" with an open reject of `{days.rejects}` or quarantined with it" if days.rejects else ""
    none = "None of the chosen files is" if days.files or days.file_ids else "No archived file"
    return f"{none} of {_span(wanted)} ({merchant.timezone}){choice}: nothing was loaded."


def note(dag_id: str, run: str, text: str) -> None:
    """Write a text into the note of a run."""
    with _best_effort(), airflow_api() as api:
        api.note(dag_id, run, text)


@contextmanager
def _best_effort() -> Iterator[None]:
    """Write no note where Airflow's REST API has no connection: a run never fails for its note."""
    try:
        yield
    except ConfigurationError:
        log.info("No note: Airflow has no connection '%s'", settings().airflow_connection)
    except FeedError as error:
        log.warning("The run has no note: %s", error)


def _files(merchant: Merchant, run: str) -> list[RunFile]:
    with store.connect() as connection:
        return queries.run_files(connection, merchant.name, [run])


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


def table(files: Sequence[FeedFile]) -> Iterator[str]:
    """Yield a row for each file that loaded, for the log: what became of its records, and of rows."""
    if not files:
        yield "No file of this run is left to load"
        return
    rows = [COLUMNS, *(_row(file) for file in files)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *cells])


def _row(file: FeedFile) -> tuple[str, ...]:
    counts = file.counts
    skipped, rejected = sum(counts.skipped.values()), sum(counts.rejected.values())
    numbers = (counts.read, counts.loaded, counts.collapsed, skipped, rejected, sum(file.rows.values()))
    return file.name, *(f"{number:,}" for number in numbers)


def _settings(batch: Batch) -> str:
    return f"\n\nsettings: revision {batch.revision} of the store" if batch.revision else ""


def _days(merchant: Merchant, files: Sequence[FeedFile]) -> str:
    days = sorted({file.day for file in files if file.day})
    return f"\n\ndays of the files: {_span(days)} ({merchant.timezone})" if days else ""


def _span(days: Sequence[date]) -> str:
    """Return days in order by the first and the last of them."""
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
