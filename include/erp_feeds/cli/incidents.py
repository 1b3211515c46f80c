"""Commands for what is open: show it, and dismiss what nobody will ever correct."""

from __future__ import annotations

from typing import Annotated

import typer

from erp_feeds.cli.connections import checked_merchant, opened_store
from erp_feeds.cli.options import AsJson, OneMerchant
from erp_feeds.cli.output import print_json, print_table, say

COLUMNS = ("incident_id", "merchant", "interface", "kind", "code", "number", "since", "who_acts", "reason")


def incidents(
    merchant: OneMerchant = None,
    *,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="Show the dismissed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is open: quarantines, rejects, late feeds, inboxes out of reach, failed tasks."""
    from erp_feeds.store import incidents as store

    with opened_store() as connection:
        name = checked_merchant(connection, merchant) if merchant else None
        rows = store.listed(connection, name, with_dismissed=dismissed)
    if as_json:
        print_json(rows)
        return
    more = ("dismissed_by", "dismissed_reason") if dismissed else ()
    print_table("Open", rows, (*COLUMNS, *more))


def dismiss(
    incident_id: Annotated[int, typer.Argument(metavar="ID", help="Id of an incident.")],
    *,
    by: Annotated[str, typer.Option(help="Who dismisses it.")],
    reason: Annotated[str, typer.Option(help="Why nobody needs to act.")],
    as_json: AsJson = False,
) -> None:
    """Dismiss an open incident: it is red no more, and nobody hears of it, until there is more of it."""
    from erp_feeds.store import incidents as store

    with opened_store() as connection:
        merchant = store.dismiss(connection, incident_id, by, reason)
    if as_json:
        print_json({"incident_id": incident_id, "merchant": merchant})
    else:
        say(f"incident {incident_id} of {merchant} is dismissed")
