"""Commands that ask the store: what came in, what became of it, and why something is not there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from erp_feeds.cli.connections import (
    checked_interface,
    checked_merchant,
    known_merchants,
    opened_store,
    store_address,
)
from erp_feeds.cli.options import (
    AsJson,
    InterfaceOption,
    Kind,
    Limit,
    MerchantName,
    OneMerchant,
    SrsNumber,
)
from erp_feeds.cli.output import facts_of, print_facts, print_json, print_table, say
from erp_feeds.codes import FileState
from erp_feeds.errors import FailError

if TYPE_CHECKING:
    from psycopg import Connection

    from erp_feeds.operations.incidents import Feed
    from erp_feeds.store.inbox_scans import InboxState

PURCHASE_COLUMNS = (
    "purchase_id",
    "kind",
    "return_of",
    "channel",
    "occurred_at",
    "branch",
    "total",
    "currency",
    "line_count",
    "mapping_version",
    "file",
)


def migrate(as_json: AsJson = False) -> None:
    """Bring the store's tables to this version; safe to run twice."""
    from erp_feeds.store.migrate import migrate as upgrade

    revision = upgrade(store_address())
    print_json({"revision": revision}) if as_json else say(f"the store is at revision {revision}")


def status(merchant: OneMerchant = None, as_json: AsJson = False) -> None:
    """Show what the store holds of each merchant, and whether its files come as expected."""
    from erp_feeds.store import queries

    with opened_store() as connection:
        name = checked_merchant(connection, merchant) if merchant else None
        rows = queries.status(connection, name, [name] if name else known_merchants())
        feeds, inboxes = _feeds_and_scans(connection, name)
    if as_json:
        print_json(
            [
                {**facts_of(row), "feeds": [each for each in feeds if each.merchant == row.merchant]}
                for row in rows
            ]
        )
        return
    columns = (
        "merchant",
        "profiles",
        "orders",
        "returns",
        "lines",
        "revenue",
        "accounts",
        "files",
        "skipped",
    )
    print_table("Store", rows, (*columns, "open_rejects", "rejects", "quarantined", "warnings"))
    drifting = [each for row in rows for each in row.drifting()]
    fullest_profiles = [each for row in rows for each in row.fullest_profiles()]
    if fullest_profiles:
        title = "Many customer numbers share one address. If it is not a person's, add it to excluded_emails"
        print_table(title, fullest_profiles, ("merchant", "profile", "customer_numbers"))
    if drifting:
        print_table("Drift of the latest files", drifting, ("merchant", "interface", "unknown_elements"))
    print_table("Feeds", feeds, ("merchant", "interface", "state", "last_file", "age", "next_expected"))
    print_table("Scans of the inboxes", inboxes, ("merchant", "succeeded_at", "failing_since", "reason"))


def _feeds_and_scans(
    connection: Connection[Any], merchant: str | None
) -> tuple[list[Feed], list[InboxState]]:
    """Return how fresh the feeds are, and whether the inboxes can be scanned, by the good merchant files."""
    from erp_feeds.merchant_file import read_merchants
    from erp_feeds.operations import incidents as operations
    from erp_feeds.settings import settings
    from erp_feeds.store import inbox_scans

    good = [each for each in read_merchants(settings().merchants)[0] if merchant in {None, each.name}]
    feeds = operations.feeds(connection, good, datetime.now(UTC))
    return feeds, inbox_scans.states(connection, [each.name for each in good])


def files(
    merchant: MerchantName,
    *,
    state: Annotated[
        list[FileState] | None, typer.Option(help="Only files in this state; may be repeated.")
    ] = None,
    interface: InterfaceOption = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show the ledger's files, the latest first."""
    from erp_feeds.store import queries

    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        kind = interface and checked_interface(interface).name
        rows = queries.files(connection, name, states=state or (), interface=kind, limit=limit)
    if as_json:
        print_json(rows)
        return
    columns = ("name", "state", "code", "day", "read", "loaded", "left_out", "warnings", "unknown_elements")
    print_table(f"Files of {merchant}", rows, (*columns, "finished_at"))


def profile(
    merchant: MerchantName,
    *,
    srs: SrsNumber = None,
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    profile_id: Annotated[int | None, typer.Option("--id", help="Profile id.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show a profile: what set each field, its orders and returns, and what linked its identifiers."""
    from erp_feeds.store import queries

    if sum(value is not None for value in (srs, email, profile_id)) != 1:
        raise typer.BadParameter("use exactly one of --srs, --email and --id")
    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        found = queries.profile(connection, name, srs=srs, email=email, profile_id=profile_id)
        if found is None:
            raise FailError(f"{name} has no such profile", "not_found")
        fields = queries.profile_fields(connection, name, found.profile_id)
        known = queries.identifiers(connection, name, found.profile_id)
        bought = queries.purchases(connection, name, profile_id=found.profile_id, limit=limit)
    if as_json:
        print_json({**facts_of(found), "fields": fields, "purchases": bought, "identifiers": known})
        return
    print_table(f"Profile {found.profile_id} of {name}", fields, ("field", "value", "file", "record"))
    print_table("Orders and returns", bought, PURCHASE_COLUMNS)
    print_table("External identifiers", known, ("type", "value", "rule", "file", "record"))


def orders(
    merchant: MerchantName,
    *,
    profile: Annotated[int | None, typer.Option(help="Profile id.")] = None,
    srs: SrsNumber = None,
    kind: Annotated[Kind | None, typer.Option(help="Only orders, or only returns.")] = None,
    purchase_id: Annotated[
        str | None, typer.Option("--id", help="One order or return, with its lines.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show orders and returns, the latest first; with --id one of them and its lines."""
    from erp_feeds.store import queries

    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        wanted: dict[str, Any] = {"kind": kind, "profile_id": profile, "srs": srs, "purchase_id": purchase_id}
        rows = queries.purchases(connection, name, **wanted, limit=limit)
        if purchase_id is not None and not rows:
            raise FailError(f"{name} has no order or return '{purchase_id}'", "not_found")
        lines = []
        if purchase_id is not None:
            lines = queries.lines(connection, name, [purchase_id]).get(purchase_id, [])
    if purchase_id is None:
        print_json(rows) if as_json else print_table(f"Orders and returns of {name}", rows, PURCHASE_COLUMNS)
    elif as_json:
        print_json({**facts_of(rows[0]), "lines": lines})
    else:
        print_facts(
            f"{rows[0].kind.capitalize()} {purchase_id} of {name}", facts_of(rows[0], "purchase_id", "kind")
        )
        print_table("Lines", lines, ("line_no", "sku", "description", "quantity", "amount"))


def account(
    merchant: MerchantName,
    *,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Account number (debtor number).")],
    as_json: AsJson = False,
) -> None:
    """Show what a price request for an account gets: price list, delivery, discount, cash-back."""
    from erp_feeds.store import queries

    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        found = queries.account(connection, name, number)
    if found is None:
        raise FailError(f"{name} has no account '{number}'", "not_found")
    if as_json:
        print_json(found)
    else:
        print_facts(f"Account {number} of {name}", facts_of(found, "account_number"))


def invoice_graph(merchant: MerchantName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Show unusual invoice debtors: self references, chains, cycles, unknown ones; none is followed."""
    from erp_feeds.store import queries

    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        found = queries.invoice_graph(connection, name, limit)
    if as_json:
        print_json(found)
        return
    print_facts(f"Invoice debtors of {name}", found.counts)
    print_table("Cycles", found.cycles, ("accounts", "route"))
    print_table("Chains", found.chains, ("hops", "route", "ends"))
    print_table("Unknown debtors", found.unknown_debtors, ("debtor", "accounts"))
    print_table("Self references", found.self_references, ("account",))
