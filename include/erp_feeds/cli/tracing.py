"""The command that says what became of one record of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from erp_feeds.cli.options import AsJson, MerchantName
from erp_feeds.cli.output import facts_of, print_facts, print_json, print_table
from erp_feeds.cli.reach import know_connections, merchant_named, opened_store


def record(
    merchant: MerchantName,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File name, as `files` shows it.")],
    number: Annotated[int, typer.Argument(metavar="RECORD", min=1, help="Number of the record in its file.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Also the record as delivered: it holds personal data.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what became of one record: loaded into which row, collapsed, skipped, or refused and why."""
    owner = merchant_named(merchant)
    know_connections()  # the archive may need one
    from erp_feeds.whereabouts import whereabouts

    with opened_store() as connection:
        found = whereabouts(connection, owner, file, number)
    shown = facts_of(found, *(() if raw else ("raw",)))
    if as_json:
        print_json(shown)
        return
    del shown["faults"]
    shown["fields"] = ", ".join(found.fields) or None
    print_facts(f"Record {number} of {file}", {**shown, "file": None, "record": None})
    if found.faults:
        print_table("Refused because of", found.faults, ("code", "field", "reason"))
