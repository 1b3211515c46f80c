"""Commands for what is open: show it, dismiss what nobody will ever correct, approve what is good enough."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from erp_feeds.cli.connections import checked_code, checked_interface, checked_merchant, opened_store
from erp_feeds.cli.options import (
    AsJson,
    CodeOption,
    FieldOption,
    FileOption,
    InterfaceOption,
    OneMerchant,
    merchant_names,
)
from erp_feeds.cli.output import facts_of, print_json, print_table, say
from erp_feeds.codes import RejectCode
from erp_feeds.errors import FailError, counted

COLUMNS = ("incident_id", "merchant", "interface", "kind", "code", "number", "since", "who_acts", "reason")


def incidents(
    merchant: OneMerchant = None,
    *,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="Show the dismissed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is open: quarantines, rejects, late feeds, unreachable inboxes, failed tasks."""
    from erp_feeds.merchant_file import read_merchants
    from erp_feeds.operations.next_step import next_step
    from erp_feeds.settings import settings
    from erp_feeds.store import incidents as store

    with opened_store() as connection:
        name = checked_merchant(connection, merchant) if merchant else None
        found = store.listed(connection, name, with_dismissed=dismissed)
    owners = {each.name: each for each in read_merchants(settings().merchants)[0]}
    rows = [{**facts_of(each), "who_acts": next_step(owners.get(each.merchant), each)[0]} for each in found]
    if as_json:
        print_json(rows)
        return
    more = ("dismissed_by", "dismissed_reason") if dismissed else ()
    print_table("Open", [SimpleNamespace(**row) for row in rows], (*COLUMNS, *more))


def dismiss(
    what: Annotated[
        str,
        typer.Argument(
            metavar="INCIDENT|MERCHANT",
            help="Number of an incident; or a merchant, whose rejects the options choose.",
            autocompletion=merchant_names,
        ),
    ],
    *,
    interface: InterfaceOption = None,
    code: CodeOption = None,
    field: FieldOption = None,
    file: FileOption = None,
    record: Annotated[
        int | None, typer.Option(min=1, help="With --file: only the record of this number.")
    ] = None,
    by: Annotated[str, typer.Option(help="Your name.")] = "",
    reason: Annotated[str, typer.Option(help="Why nobody needs to act.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Open again what is dismissed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Dismiss what nobody will ever correct: an incident, or rejects. It is then not open any more.

    Rejects stay dismissed when exactly the same record comes again; one with other content is a new reject.
    Other incidents open again when more files join them.
    """
    filters = {"interface": interface, "code": code, "field": field, "file": file, "record": record}
    is_incident = what.isascii() and what.isdecimal()
    if is_incident and any(each is not None for each in filters.values()):
        raise typer.BadParameter("options that choose rejects need a merchant instead of an incident")
    if not is_incident and all(each is None for each in filters.values()):
        raise typer.BadParameter("use one or more of --interface, --code, --field and --file")
    if record is not None and file is None:
        raise typer.BadParameter("--record needs --file: records are numbered file by file")
    if is_incident:
        _dismiss_incident(int(what), by, reason, undo=undo, as_json=as_json)
    else:
        _dismiss_rejects(what, filters, by, reason, undo=undo, as_json=as_json)


def _dismiss_incident(incident_id: int, by: str, reason: str, *, undo: bool, as_json: bool) -> None:
    from erp_feeds.store import incidents as store

    with opened_store() as connection:
        if undo:
            merchant = store.reopen(connection, incident_id, by.strip() or getpass.getuser())
        else:
            merchant = store.dismiss(connection, incident_id, by, reason)
    if as_json:
        print_json({"incident_id": incident_id, "merchant": merchant})
    else:
        say(f"incident {incident_id} of {merchant} is {'open again' if undo else 'dismissed'}")


def _dismiss_rejects(
    merchant: str, filters: Mapping[str, Any], by: str, reason: str, *, undo: bool, as_json: bool
) -> None:
    from erp_feeds.store import incidents as store
    from erp_feeds.store.rejects import RejectFilter

    if filters["interface"]:
        checked_interface(filters["interface"])
    if filters["code"]:
        checked_code(filters["code"])
    with opened_store() as connection:
        choice = RejectFilter(checked_merchant(connection, merchant), **filters)
        if undo:
            number = store.reopen_rejects(connection, choice, by.strip() or getpass.getuser())
        else:
            number = store.dismiss_rejects(connection, choice, by, reason)
    if not number:
        raise FailError(_none_found(merchant, filters["code"], undo), "not_found")
    state = "open again" if undo else "dismissed"
    if as_json:
        print_json({"merchant": merchant, "rejects": number, "state": state})
    else:
        say(f"{merchant}: {counted(number, 'reject')} {state}")


def _none_found(merchant: str, code: str | None, undo: bool) -> str:
    if code and code not in set(RejectCode):
        how = f"dismiss their incident by its number: `incidents {merchant}`"
        return f"'{code}' is a code of quarantined files: {how}"
    return f"{merchant} has no such {'dismissed' if undo else 'open'} reject: `rejects {merchant} --all`"
