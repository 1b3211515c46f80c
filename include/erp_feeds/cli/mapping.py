"""The command that shows what fills what: a merchant's effective mapping, and the rows of each version."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from erp_feeds.cli.connections import merchant_named, opened_store
from erp_feeds.cli.options import AsJson, MerchantName
from erp_feeds.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from erp_feeds.merchant import Merchant

COLUMNS = ("target", "sources", "elements", "transform", "date_form", "empty", "origin")
Rows = Annotated[bool, typer.Option("--rows", help="Also ask the store how many rows each version filled.")]


def mapping(merchant: MerchantName, *, rows: Rows = False, as_json: AsJson = False) -> None:
    """Show the effective mapping: which element fills which field, how, and its version."""
    from erp_feeds.interfaces import INTERFACES, mapping_of
    from erp_feeds.publish.mapping_page import link_rows

    known = merchant_named(merchant)
    mapped = [INTERFACES[name] for name in known.interfaces if INTERFACES[name].targets]
    effective = {each.name: mapping_of(known, each.name) for each in mapped}
    links = {each.name: link_rows(each, effective[each.name]) for each in mapped}
    stored = _stored(known) if rows else []
    if as_json:
        mappings = [
            {
                "interface": name,
                "version": effective[name].version,
                "links": [asdict(row) for row in links[name]],
            }
            for name in effective
        ]
        print_json({"merchant": known.name, "mappings": mappings, **({"rows": stored} if rows else {})})
        return
    if not links:
        say(f"no interface of {known.name} has a mapping")
    for name, shown in links.items():
        print_table(f"{name} of {known.name}: version {effective[name].version}", shown, COLUMNS)
    if rows:
        print_table("Rows by version", stored, ("table", "version", "interface", "first_used_at", "rows"))


def _stored(merchant: Merchant) -> list[object]:
    from erp_feeds.store import queries

    with opened_store() as connection:
        return [*queries.mapping_versions(connection, merchant.name)]
