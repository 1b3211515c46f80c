"""The commands on the archive of originals."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from erp_feeds.cli.connections import merchant_named, opened_store
from erp_feeds.cli.options import AsJson, MerchantName
from erp_feeds.cli.output import facts_of, print_facts, print_json, say
from erp_feeds.cli.replay import DAY

if TYPE_CHECKING:
    from erp_feeds.merchant import Merchant
    from erp_feeds.operations.archive_import import FoundFiles, Imported

EXAMPLES = 5
"""Ignored paths that the summary shows."""


@dataclass(frozen=True)
class Summary:
    """What an import did."""

    merchant: str
    imported: int
    bytes: int
    known_already: int
    first_day: date | None
    last_day: date | None
    ignored: int
    ignored_examples: tuple[str, ...]
    expected: tuple[str, ...]
    """Names that the merchant's files have."""
    backfill: str | None
    """The command that loads what was imported, day by day."""
    replay: str | None
    """The command that does so in one run."""


app = typer.Typer(help="Bring files into the archive of originals.", no_args_is_help=True)


@app.callback()
def _archive() -> None:
    pass


@app.command("import")
def import_files(
    merchant: MerchantName,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, globs, URLs of object storage.")
    ],
    *,
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=DAY,
            metavar="DATE",
            help="Day of files without a time as index number.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring in files from before the system existed; a backfill then loads them.

    They are copied into the archive, dated and registered. The same command again changes nothing.
    """
    owner = merchant_named(merchant)
    with opened_store() as connection:  # knows the connections that object storage needs
        from rich.console import Console
        from rich.progress import Progress

        from erp_feeds.operations import archive_import

        found = archive_import.find(owner, paths)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
            files = progress.track(found.files, description="importing")
            done = [archive_import.import_file(connection, owner, each, day and day.date()) for each in files]
    summary = _summary(owner, found, done)
    if as_json:
        print_json(summary)
    else:
        _show(owner, summary)
    if not done:
        raise typer.Exit(1)


def _summary(owner: Merchant, found: FoundFiles, done: list[Imported]) -> Summary:
    from erp_feeds.interfaces import interfaces_of

    new = [each for each in done if each.is_new]
    days = [each.day for each in done]
    return Summary(
        merchant=owner.name,
        imported=len(new),
        bytes=sum(each.size for each in new),
        known_already=len(done) - len(new),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        ignored=len(found.ignored),
        ignored_examples=found.ignored[:EXAMPLES],
        expected=tuple(each.file_name(owner.shop_name, "<index>") for each in interfaces_of(owner)),
        backfill=_backfill(owner, min(days), max(days)) if days else None,
        replay=f"python -m erp_feeds replay {owner.name} --since {min(days)} --until {max(days)}"
        if days
        else None,
    )


def _backfill(owner: Merchant, first: date, last: date) -> str:
    """Return the command that loads the files, with offsets, since Airflow reads a bare day as UTC."""
    zone = ZoneInfo(owner.timezone)
    since = datetime.combine(first, time.min, zone).isoformat()
    until = datetime.combine(last, time(23, 59), zone).isoformat()
    return f"airflow backfill create --dag-id {owner.name} --from-date {since} --to-date {until}"


def _show(owner: Merchant, summary: Summary) -> None:
    facts = facts_of(summary, "merchant", "ignored_examples", "expected", "backfill", "replay")
    print_facts(f"Import into the archive of {owner.name}", facts)
    if summary.ignored:
        say("ignored, since the names are none of this merchant's interfaces, for example:")
        for path in summary.ignored_examples:
            say(f"  {path}")
        say("expected: " + ", ".join(summary.expected))
    if summary.first_day and summary.first_day < owner.history_from:
        say(f"warning: no backfill takes days before {owner.history_from}, the merchant file's history_from")
    if summary.backfill:
        say("Nothing is loaded yet. To load day by day, with a run for each, also for days without a file:")
        say(f"{summary.backfill}\nTo load all at once:\n{summary.replay}")
