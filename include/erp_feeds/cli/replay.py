"""The commands that run archived originals again, by Airflow or as a dry run, and that correct an index."""

from __future__ import annotations

import getpass
import re
import time
from contextlib import closing
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from erp_feeds.batch import Replay
from erp_feeds.cli.connections import (
    checked_code,
    know_connections,
    merchant_named,
    opened_store,
    store_address,
)
from erp_feeds.cli.options import AsJson, MerchantName, codes
from erp_feeds.cli.output import print_json, print_table, say
from erp_feeds.errors import FailError, counted

if TYPE_CHECKING:
    from erp_feeds.batch import FeedFile
    from erp_feeds.merchant import Merchant
    from erp_feeds.operations.dry_run import DryRun
    from erp_feeds.orchestration.replays import StartedReplay
    from erp_feeds.orchestration.rest_client import AirflowApi

POLL_SECONDS = 1.0
DAY = ["%Y-%m-%d"]


def replay(
    merchant: MerchantName,
    *,
    file: Annotated[list[str] | None, typer.Option(help="File name; may be repeated.")] = None,
    rejects: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="Files with an open reject or quarantine of this code.",
            autocompletion=codes,
        ),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=DAY, metavar="DATE", help="Files of this day and later.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=DAY, metavar="DATE", help="With --since: the last day, included."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")
    ] = False,
    values: Annotated[
        bool, typer.Option("--values", help="With --dry-run: also values, which are personal data.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --values: so many rows of each table.")] = 20,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the runs; exit 1 when one fails.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load files again, after a change of mapping, configuration or code.

    They come from the archive; one that could never be fetched comes from the server.
    """
    wanted = _choice(file, rejects, since, until)
    owner = merchant_named(merchant)
    chosen, days = _chosen(owner, wanted, or_unfetched=not dry_run)
    choice = f"{counted(len(chosen), 'file')} of {owner.name}" + (f", {days[0]} to {days[1]}" if days else "")
    if not chosen:
        print_json({"merchant": owner.name, "files": []}) if as_json else say("nothing to replay")
    elif dry_run:
        _show(owner, choice, _tried(owner, chosen, limit if values else 0), as_json)
    else:
        _run(owner, choice, chosen, wait=wait, as_json=as_json)


def approve(
    merchant: MerchantName,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File name, as `rejects` shows it.")],
    *,
    by: Annotated[str, typer.Option(help="Your name.")],
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run; exit 1 when it fails.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load the good records of a file that is quarantined for too many rejects.

    Its rejects stay open. A replay that rejects more records than now is quarantined again.
    """
    from erp_feeds.store import approvals

    owner = merchant_named(merchant)
    with opened_store() as connection:
        found = approvals.questions(connection, merchant=owner.name, file=file)
        if not found:
            raise FailError(f"{file} of {owner.name} is not quarantined for too many rejects", "not_waiting")
        approvals.approve(connection, found[0], by)
    chosen, _ = _chosen(owner, Replay(file_ids=(found[0].file_id,)), or_unfetched=False)
    _run(owner, f"{file} of {owner.name}, approved", chosen, wait=wait, as_json=as_json)


def reindex(
    merchant: MerchantName,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File name, as `files` shows it.")],
    index: Annotated[str, typer.Argument(metavar="INDEX", help="The index number that it should have.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give a file another index number, where a wrong one shuts out the files after it.

    A replay of those, which it names, then fills in what they could not write.
    """
    from erp_feeds.store import reindex as store

    if not re.fullmatch("[0-9]{1,30}", index):
        raise typer.BadParameter("INDEX must be a number, at most 30 digits")
    owner = merchant_named(merchant)
    with opened_store() as connection:
        day = store.reindex(connection, owner, file, index, getpass.getuser())
    replaying = f"python -m erp_feeds replay {owner.name} --since {day}"
    if as_json:
        print_json({"merchant": owner.name, "file": file, "index_number": index, "replay": replaying})
        return
    say(f"{file} now has index {index}. Fill in what later files could not write:\n{replaying} --wait")


def _choice(
    file: list[str] | None, rejects: str | None, since: datetime | None, until: datetime | None
) -> Replay:
    if sum(each is not None for each in (file or None, rejects, since)) != 1 or (until and not since):
        raise typer.BadParameter("use exactly one of --file, --rejects and --since; --until needs --since")
    if since and until and since > until:
        raise typer.BadParameter("--until is before --since")
    return Replay(
        files=tuple(file or ()),
        rejects=rejects and checked_code(rejects),
        since=since.date() if since else None,
        until=until.date() if until else None,
    )


def _chosen(
    owner: Merchant, wanted: Replay, *, or_unfetched: bool
) -> tuple[list[FeedFile], tuple[date, date] | None]:
    """Return the files that the ledger knows, in load order, and their first and last day."""
    from erp_feeds.store import ledger, queries
    from erp_feeds.store.load import load_order

    with opened_store() as connection:
        found = ledger.archived(
            connection, owner.name, list(owner.interfaces), wanted, or_unfetched=or_unfetched
        )
        return sorted(found, key=load_order), queries.days(connection, [each.file_id for each in found])


def _run(owner: Merchant, choice: str, chosen: list[FeedFile], *, wait: bool, as_json: bool) -> None:
    """Start the runs, print their links, and follow them with --wait."""
    from erp_feeds.cli.api import airflow_api

    with airflow_api() as api:
        runs = _started(api, owner, choice, chosen, wait=wait, as_json=as_json)
    outcome = _outcome(owner, runs) if wait else []
    if as_json:
        names = [each.name for each in chosen]
        print_json({"merchant": owner.name, "files": names, "runs": runs, "outcome": outcome})
    elif wait:
        columns = ("file", "state", "code", "reason", "loaded", "rejected", "resolved")
        print_table("Outcome", outcome, columns)
    if any(run.state == "failed" for run in runs):
        say("error: " + "; ".join(f"{r.run_id} failed" for r in runs if r.state == "failed"), err=True)
        raise typer.Exit(1)


def _started(
    api: AirflowApi, owner: Merchant, choice: str, chosen: list[FeedFile], *, wait: bool, as_json: bool
) -> list[StartedReplay]:
    """Start the runs; with --wait, they have ended."""
    from erp_feeds.orchestration.replays import start_replay

    if api.is_paused(owner.name):
        message = f"the DAG {owner.name} is paused: its runs wait until it is unpaused"
        if wait:
            raise FailError(message, "paused")
        say(f"warning: {message}", err=True)
    with opened_store() as connection:
        runs = start_replay(api, connection, getpass.getuser(), owner, chosen)
    if not as_json:
        say(f"replaying {choice}")
        for run in runs:
            say(f"{counted(run.files, 'file')}: {run.link}")
    if wait:
        _follow(api, owner, runs)
    return runs


def _follow(api: AirflowApi, owner: Merchant, runs: list[StartedReplay]) -> None:
    from erp_feeds.orchestration.rest_client import UNFINISHED

    for run in runs:
        while (state := api.run_state(owner.name, run.run_id)) in UNFINISHED:
            time.sleep(POLL_SECONDS)
        run.state = state


def _outcome(owner: Merchant, runs: list[StartedReplay]) -> list[Any]:
    from erp_feeds.store import queries

    with opened_store() as connection:
        return queries.run_files(connection, owner.name, [run.run_id for run in runs])


def _tried(owner: Merchant, chosen: list[FeedFile], examples: int) -> DryRun:
    know_connections()  # the archive may need one, too
    from erp_feeds.operations.dry_run import dry_run_of
    from erp_feeds.store.connection import open_uri

    address = store_address()
    with (
        closing(open_uri(address)) as writing,
        closing(open_uri(address, autocommit=True)) as reading,
    ):
        return dry_run_of(writing, reading, owner, chosen, examples)


def _show(owner: Merchant, choice: str, found: DryRun, as_json: bool) -> None:
    if as_json:
        shown = {"resolved": found.resolved, "opened": found.opened}
        print_json({"merchant": owner.name, "files": found.files, "tables": found.tables, "rejects": shown})
        return
    from erp_feeds.operations.dry_run import in_words

    say(f"dry run of {choice}: nothing is written")
    for line in in_words(found):
        say(line)
    for name, table in found.tables.items():
        for row in table.rows:
            say(f"{name}: {row.key if row.before or name != 'profiles' else 'a new one'}")
            for field in row.fields:
                say(f"  {field}: {_text(row.before.get(field))} -> {_text(row.after.get(field))}")


def _text(value: object) -> str:
    return "nothing" if value is None else repr(value)
