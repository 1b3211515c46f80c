"""Commands for settings that the store keeps: export, import, history, revert."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from erp_feeds.cli.connections import merchant_named, merchant_path, opened_store
from erp_feeds.cli.options import AsJson, Limit, MerchantName
from erp_feeds.cli.output import print_json, print_table, say

app = typer.Typer(
    help="Settings that the store keeps, where a merchant file says `settings: store`.", no_args_is_help=True
)

RevisionOption = Annotated[
    int | None, typer.Option("--revision", min=1, help="Which revision; the latest by default.")
]
Message = Annotated[str, typer.Option("--message", "-m", help="Why, for the history.")]


@dataclass(frozen=True)
class _Row:
    revision: int
    at: datetime
    author: str
    message: str
    changes: str


@app.command()
def export(merchant: MerchantName, revision: RevisionOption = None, as_json: AsJson = False) -> None:
    """Print the settings as YAML: those in the store, or those of the merchant file."""
    import yaml

    from erp_feeds.merchant_file import settings_of
    from erp_feeds.store import merchant_settings

    known = merchant_named(merchant)
    document = settings_of(known)
    if revision:
        with opened_store() as connection:
            found = merchant_settings.find(connection, known.name, revision)
        document = dict(found.document) if found else document
    if as_json:
        print_json(document)
    else:
        say(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)


@app.command(name="import")
def import_settings(
    merchant: MerchantName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML, as `settings export` prints it.")],
    *,
    message: Message = "",
    as_json: AsJson = False,
) -> None:
    """Save a file of settings as a new revision, which counts from the next run on."""
    from erp_feeds.merchant_file import read_merchant, read_settings
    from erp_feeds.store import merchant_settings

    known = read_merchant(merchant_path(merchant))
    document = read_settings(known, file)
    with opened_store() as connection:
        saved = merchant_settings.save(
            connection, known, document, author=getpass.getuser(), message=message or f"import of {file.name}"
        )
    _say_saved(saved.merchant, saved.revision, as_json=as_json)


@app.command()
def history(merchant: MerchantName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the revisions: who saved each, when, and what it changed."""
    from erp_feeds.merchant_file import read_merchant
    from erp_feeds.store import merchant_settings

    owner = read_merchant(merchant_path(merchant))
    known = owner.name
    with opened_store() as connection:
        found = merchant_settings.listed(connection, known, limit=limit + 1)
    if as_json:
        print_json(found[:limit])
        return
    rows = [
        _Row(
            each.revision,
            each.at,
            each.author,
            each.message,
            merchant_settings.in_words(before, each.document),
        )
        for each, before in merchant_settings.with_previous(found, owner)
    ]
    print_table(f"Settings of {known}", rows[:limit], ("revision", "at", "author", "message", "changes"))


@app.command()
def revert(
    merchant: MerchantName,
    revision: Annotated[int, typer.Argument(metavar="REVISION", min=1, help="As `history` shows it.")],
    *,
    message: Message = "",
    as_json: AsJson = False,
) -> None:
    """Save an earlier revision once more, so that it counts from the next run on."""
    from erp_feeds.merchant_file import read_merchant
    from erp_feeds.store import merchant_settings

    known = read_merchant(merchant_path(merchant))
    with opened_store() as connection:
        saved = merchant_settings.revert(
            connection, known, revision, author=getpass.getuser(), message=message
        )
    _say_saved(saved.merchant, saved.revision, as_json=as_json)


def _say_saved(merchant: str, revision: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"merchant": merchant, "revision": revision})
        return
    say(f"revision {revision} of the settings of {merchant} counts from the next run on")
    say(
        f"to load earlier days again: python -m erp_feeds replay {merchant} --since DAY, first with --dry-run"
    )
