"""Commands that speak to a merchant's FTPS server: prepare its folders, and check the whole way to them."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from erp_feeds.cli.connections import know_connections, merchant_named, store_address
from erp_feeds.cli.options import AsJson, MerchantName
from erp_feeds.cli.output import print_json, say
from erp_feeds.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erp_feeds.merchant import Merchant
    from erp_feeds.operations.doctor import Finding

Wanted = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FOLDER", help="Folders (srs, ErpCache) or interfaces; all of the merchant's by default."
    ),
]
COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red", "not checked": "bright_black"}


def create_folders(merchant: MerchantName, folders: Wanted = None, as_json: AsJson = False) -> None:
    """Create the folders for the ERP party's files on the FTPS server; existing ones stay as they are."""
    know_connections()
    from erp_feeds.operations.folders import make_folders

    known = merchant_named(merchant)
    made = make_folders(known, _chosen(known, folders or []))
    if as_json:
        print_json([{"folder": folder, "made": new} for folder, new in made.items()])
        return
    for folder, new in made.items():
        say(f"{folder}: {'made' if new else 'is there already'}")


def doctor(
    merchant: MerchantName,
    *,
    alert: Annotated[
        bool, typer.Option("--alert", help="Also send a test message to the people on call.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check everything a merchant needs: server, folders, a download, storage, store, Airflow, alerts."""
    know_connections()
    from erp_feeds.orchestration.examination import examine_all

    findings = []
    known = merchant_named(merchant)
    for finding in _quietly(examine_all(known, store_address, with_alert=alert)):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json(findings)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


def _quietly(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Keep Airflow's own remarks out of the answer."""
    while True:
        with redirect_stdout(sys.stderr):
            finding = next(findings, None)
        if finding is None:
            return
        yield finding


def _print(finding: Finding) -> None:
    say(f"{finding.step:<15}", nl=False)
    typer.secho(f"{finding.state:<12}", fg=COLOURS[finding.state], nl=False)
    say(finding.text)


def _chosen(merchant: Merchant, names: list[str]) -> list[str]:
    """Return paths of folders, given by their own names or by interfaces.

    Raises:
        ConfigurationError: a name is of no interface of this merchant.
    """
    from erp_feeds.inbox.paths import folder_of
    from erp_feeds.interfaces import interfaces_of

    interfaces = interfaces_of(merchant)
    folders = {name: folder_of(merchant, each) for each in interfaces for name in (each.folder, each.name)}
    for name in names:
        if name not in folders:
            message = f"'{name}' is no folder or interface of {merchant.name}; {nearest(name, folders)}"
            raise ConfigurationError(message, "unknown_folder")
    return sorted({folders[name] for name in names or folders})
