"""Commands for the tokens with which machines read accounts: create, list, revoke."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from erp_feeds.cli.connections import checked_merchant, opened_store
from erp_feeds.cli.options import AsJson, MerchantName, OneMerchant
from erp_feeds.cli.output import print_json, print_table, say

app = typer.Typer(help="Tokens that allow a shop to read accounts, and nothing else.", no_args_is_help=True)

COLUMNS = (
    "token_id",
    "merchant",
    "name",
    "created_at",
    "created_by",
    "expires_at",
    "revoked_at",
    "last_used_at",
)


@app.command()
def create(
    merchant: MerchantName,
    *,
    name: Annotated[str, typer.Option(help="Who uses it, for example 'webshop'.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days until it ends; never by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a token for the accounts of one merchant, and show it once."""
    from erp_feeds.store import tokens

    with opened_store() as connection:
        known = checked_merchant(connection, merchant)
        token = tokens.create(connection, known, name, getpass.getuser(), days)
    if as_json:
        print_json({"merchant": known, "name": name, "token": token})
        return
    say(f"{token}\nIt is shown only once. Use it as: Authorization: Bearer TOKEN")


@app.command(name="list")
def list_tokens(merchant: OneMerchant = None, as_json: AsJson = False) -> None:
    """List the tokens, without their secrets."""
    from erp_feeds.store import tokens

    with opened_store() as connection:
        found = tokens.listed(connection, checked_merchant(connection, merchant) if merchant else None)
    print_json(found) if as_json else print_table("Tokens", found, COLUMNS)


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a token: it allows nothing any more."""
    from erp_feeds.store import tokens

    with opened_store() as connection:
        merchant = tokens.revoke(connection, token_id, getpass.getuser())
    if as_json:
        print_json({"token_id": token_id, "merchant": merchant})
    else:
        say(f"token {token_id} of {merchant} is revoked")
