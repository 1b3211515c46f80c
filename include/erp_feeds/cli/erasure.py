"""The commands that forget a person, and let one come back."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from erp_feeds.cli.connections import checked_merchant, configured_merchant, opened_store
from erp_feeds.cli.options import AsJson, MerchantName, SrsNumber
from erp_feeds.cli.output import facts_of, print_facts, print_json, print_table, say
from erp_feeds.errors import FailError, counted
from erp_feeds.merchant.values import matched_email

if TYPE_CHECKING:
    from psycopg import Connection

    from erp_feeds.interfaces.spec import Interface
    from erp_feeds.merchant import Merchant
    from erp_feeds.operations.erasure import Original, PersonQuery, Receipt

WHAT_REMAINS = """\
What this does not reach: archived originals (retention, in the merchant file, deletes those; without
--search-archive only those are listed that rows came from), staged copies of recent runs (removed some
days after each run), and your backups."""


WHAT_COMES_BACK = """\
What was erased does not come back: only files that arrive after the erasure load the person. A file that
arrived in between was loaded without the person: replay it."""


def forget(
    merchant: MerchantName,
    *,
    email: Annotated[str | None, typer.Option(help="E-mail address of the person.")] = None,
    srs: SrsNumber = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    search_archive: Annotated[
        bool, typer.Option("--search-archive", help="Read every original to list all that hold the person.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person: profile, identifiers, rejected records; orders stay, without the person."""
    from erp_feeds.interfaces import known_interfaces
    from erp_feeds.operations import erasure
    from erp_feeds.store import audit

    if as_json and not (yes or dry_run):
        raise typer.BadParameter("--json asks no questions: add --yes or --dry-run")
    named = _named(srs, email)
    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        known = configured_merchant(name)
        interfaces = known_interfaces(known)
        if known:
            _reject_placeholder(named, known)
        found = _searched(connection, name, known, named, interfaces) if search_archive else []
        if dry_run or not yes:
            _show(erasure.forget(connection, name, named, interfaces, dry_run=True), found, as_json=as_json)
        if dry_run:
            return
        if not yes:
            typer.confirm("Forget this person for good?", abort=True)
        audit.note(connection, getpass.getuser(), name, "person forgotten", f"by {named.kind}")
        _show(erasure.forget(connection, name, named, interfaces), found, as_json=as_json)


def unforget(
    merchant: MerchantName,
    *,
    email: Annotated[
        list[str] | None, typer.Option(help="E-mail address of the person; may be repeated.")
    ] = None,
    srs: Annotated[
        list[str] | None, typer.Option("--srs", help="SRS customer number; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a suppressed person load again from newer files; name all numbers and addresses."""
    from erp_feeds.operations import erasure
    from erp_feeds.store import audit

    named = [_named(None, each) for each in email or ()] + [_named(each, None) for each in srs or ()]
    if not named:
        raise typer.BadParameter("use --email, --srs or both")
    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        audit.note(connection, getpass.getuser(), name, "suppression lifted", counted(len(named), "value"))
        found = erasure.unforget_person(connection, name, named)
    if as_json:
        print_json(found)
        return
    print_facts(f"May load again into {name}", facts_of(found, "merchant"))
    say(WHAT_COMES_BACK)


def _searched(
    connection: Connection[Any],
    name: str,
    merchant: Merchant | None,
    named: PersonQuery,
    interfaces: Mapping[str, Interface],
) -> list[Original]:
    """Return the originals that reading them shows to hold the person."""
    from erp_feeds.operations import erasure
    from erp_feeds.operations.archive_search import holding

    if merchant is None:
        raise FailError(
            f"--search-archive needs the merchant file of {name}, which is gone", "no_merchant_file"
        )
    person = erasure.mentions_of(connection, name, named)
    originals = erasure.archived_originals(connection, name)
    return list(holding(merchant, interfaces, originals, person))


def _named(srs: str | None, email: str | None) -> PersonQuery:
    """Return whom the operator means, written as the rules write it (rules: customers 7, 8)."""
    from erp_feeds.operations.erasure import PersonQuery

    if (srs is None) == (email is None):
        raise typer.BadParameter("use exactly one of --email and --srs")
    if email is not None and "@" not in email:
        raise typer.BadParameter("--email wants an address")
    named = (
        PersonQuery("email", matched_email(email))
        if email
        else PersonQuery("srs", " ".join((srs or "").split()))
    )
    if not named.value:
        raise typer.BadParameter("--srs wants a number")
    return named


def _reject_placeholder(named: PersonQuery, merchant: Merchant) -> None:
    """Reject a placeholder: it identifies nobody, and could erase the wrong person (rule: customers 7)."""
    if named.value in (*merchant.excluded_identifiers, *merchant.excluded_emails):
        raise FailError(f"this value means 'no customer' in the files of {merchant.name}", "placeholder")


def _show(receipt: Receipt, found: list[Original], *, as_json: bool) -> None:
    """Print a receipt; what a search found joins the originals that the rows know."""
    listed = {each.archived for each in receipt.originals}
    originals = [*receipt.originals, *(each for each in found if each.archived not in listed)]
    if as_json:
        print_json(replace(receipt, originals=originals))
        return
    title = "Would be erased from" if receipt.dry_run else "Erased from"
    print_facts(f"{title} {receipt.merchant}", receipt.erased)
    columns = ("interface", "file", "archived_at", "found_by", "archived")
    print_table("Archived originals that hold the person", originals, columns)
    say(WHAT_REMAINS)
