"""The command that forgets a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from erp_feeds.cli.options import AsJson, MerchantName, SrsNumber
from erp_feeds.cli.output import print_facts, print_json, print_table
from erp_feeds.cli.reach import checked_merchant, configured_merchant, opened_store
from erp_feeds.errors import FailError

if TYPE_CHECKING:
    from erp_feeds.merchant import Merchant
    from erp_feeds.store.erasure import Named, Receipt

WHAT_REMAINS = """\
What this does not reach: the archived originals above (retention, in the merchant file, deletes those),
staged copies of recent runs (swept some days after each run), and your backups."""


def forget(
    merchant: MerchantName,
    *,
    email: Annotated[str | None, typer.Option(help="E-mail address of the person.")] = None,
    srs: SrsNumber = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person for good: profile, identifiers, refused records; orders stay without the person."""
    from erp_feeds.interfaces import INTERFACES, interfaces_of
    from erp_feeds.store import erasure

    if as_json and not (yes or dry_run):
        raise typer.BadParameter("--json asks no questions: add --yes or --dry-run")
    named = _named(srs, email)
    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        interfaces = dict(INTERFACES)
        if known := configured_merchant(name):
            _refuse_placeholder(named, known)
            interfaces |= {each.name: each for each in interfaces_of(known)}
        if dry_run or not yes:
            _show(erasure.forget(connection, name, named, interfaces, dry_run=True), as_json=as_json)
        if dry_run:
            return
        if not yes:
            typer.confirm("Forget this person for good?", abort=True)
        _show(erasure.forget(connection, name, named, interfaces), as_json=as_json)


def _named(srs: str | None, email: str | None) -> Named:
    """Return whom the operator means, written as the rules write it (rules: customers 7, 8)."""
    from erp_feeds.store.erasure import Named

    if (srs is None) == (email is None):
        raise typer.BadParameter("give exactly one of --email and --srs")
    if email is not None and "@" not in email:
        raise typer.BadParameter("--email wants an address")
    named = Named("email", email.strip().lower()) if email else Named("srs", " ".join((srs or "").split()))
    if not named.value:
        raise typer.BadParameter("--srs wants a number")
    return named


def _refuse_placeholder(named: Named, merchant: Merchant) -> None:
    """Refuse what stands for nobody: it would erase whoever was last taken for it (rule: customers 7)."""
    if named.value in (*merchant.excluded_identifiers, *merchant.excluded_emails):
        raise FailError(f"that means 'no customer' in the files of {merchant.name}", "placeholder")


def _show(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt)
        return
    title = "Would be erased from" if receipt.dry_run else "Erased from"
    print_facts(f"{title} {receipt.merchant}", receipt.erased)
    columns = ("interface", "file", "archived", "archived_at")
    print_table("Archived originals known to hold the person", receipt.originals, columns)
    typer.echo(WHAT_REMAINS)
