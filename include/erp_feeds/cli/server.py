"""Commands that speak to a merchant's FTPS server: prepare its folders, and check the whole way to them."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from erp_feeds.cli.connections import know_connections, merchant_named, opened_store, store_address
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
    from erp_feeds.ftps import FtpsHook

    known = merchant_named(merchant)
    made: dict[str, bool] = {}
    with FtpsHook(known.ftps.connection) as hook:
        chosen = _chosen(known, folders or [])
        root = PurePosixPath(known.ftps.root)
        for folder in [*map(str, [*reversed(root.parents), root]), *chosen]:
            is_new = not hook.has_folder(folder)
            if is_new:
                hook.create_directory(folder)
            if is_new or folder in chosen:
                made[folder] = is_new
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
    from erp_feeds.operations.doctor import examine
    from erp_feeds.orchestration.airflow_check import examine_airflow

    known = merchant_named(merchant)
    findings = []
    of_store = ("store", _check_store), ("last scan", lambda: _last_scan(known))
    for finding in chain(
        examine(known, *of_store), _quietly(examine_airflow(known)), _alerts(known, is_tried=alert)
    ):
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


def _alerts(merchant: Merchant, *, is_tried: bool) -> Iterator[Finding]:
    """Yield whether alerts can be sent; with --alert, a test message is sent."""
    from erp_feeds.operations.doctor import Finding
    from erp_feeds.orchestration import channels, links, messages

    if not merchant.alerts.email and not merchant.alerts.apprise:
        yield Finding("alerts", "warning", "the merchant file names nobody under `alerts`")
        return
    if errors := channels.missing_connections(merchant.alerts):
        yield from (Finding("alerts", "wrong", error) for error in errors)
        return
    if not links.base_url():
        yield Finding("alerts", "warning", "`[api] base_url` is not set: alerts have no links to Airflow")
    if not is_tried:
        yield Finding("alerts", "ok", "the connections are there; --alert sends a test message")
        return
    for name, error in channels.send(merchant.alerts, messages.trial(merchant, links.base_url())).items():
        yield Finding("alerts", "wrong" if error else "ok", f"{name}: {error or 'took a test message'}")


def _print(finding: Finding) -> None:
    say(f"{finding.step:<15}", nl=False)
    typer.secho(f"{finding.state:<12}", fg=COLOURS[finding.state], nl=False)
    say(finding.text)


def _chosen(merchant: Merchant, names: list[str]) -> list[str]:
    """Return paths of folders, given by their own names or by interfaces.

    Raises:
        ConfigurationError: a name is of no interface of this merchant.
    """
    from erp_feeds.inbox import listing
    from erp_feeds.interfaces import interfaces_of

    interfaces = interfaces_of(merchant)
    folders = {
        name: listing.folder_of(merchant, each) for each in interfaces for name in (each.folder, each.name)
    }
    for name in names:
        if name not in folders:
            message = f"'{name}' is no folder or interface of {merchant.name}; {nearest(name, folders)}"
            raise ConfigurationError(message, "unknown_folder")
    return sorted({folders[name] for name in names or folders})


def _check_store() -> str:
    from erp_feeds.store.migrate import outdated

    if problem := outdated(store_address()):
        raise ConfigurationError(problem, "not_migrated")
    return "can be reached, and has the tables of this version"


def _last_scan(merchant: Merchant) -> str:
    from erp_feeds.orchestration.airflow_check import last_scan
    from erp_feeds.store.incidents import inbox_state

    with opened_store() as connection:
        return last_scan(merchant, inbox_state(connection, merchant.name), datetime.now(UTC))
