"""Commands of the FTPS server that erp-feeds hosts: run it, and its accounts."""

from __future__ import annotations

import getpass
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from erp_feeds.cli.connections import merchant_named, opened_store, store_address
from erp_feeds.cli.options import AsJson, MerchantName
from erp_feeds.cli.output import print_json, print_table, say
from erp_feeds.errors import ConfigurationError

Action = Literal["create", "rotate", "disable", "list"]
COLUMNS = (
    "merchant",
    "folder",
    "created_at",
    "changed_at",
    "changed_by",
    "disabled_at",
    "previous_until",
    "last_login_at",
)
GIGABYTE = 1_000_000_000


def ftps_account(
    merchant: MerchantName,
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="What to do.")],
    *,
    keep_hours: Annotated[
        int,
        typer.Option(min=0, max=24 * 30, help="rotate: hours for which the password before is good too."),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Manage the ERP party's account on the FTPS server of erp-feeds; a new password is shown once."""
    from erp_feeds.store import ftps_accounts

    with opened_store() as connection:
        if action == "list":
            found = ftps_accounts.listed(connection, merchant)
            print_json(found) if as_json else print_table("FTPS accounts", found, COLUMNS)
            return
        known = merchant_named(merchant)
        by = getpass.getuser()
        if action == "disable":
            ftps_accounts.disable(connection, known, by)
            print_json({"merchant": merchant, "disabled": True}) if as_json else say(
                f"{merchant} is disabled"
            )
            return
        if action == "create":
            password = ftps_accounts.create(connection, known, by)
        else:
            password = ftps_accounts.rotate(connection, known, by, keep_hours=keep_hours)
    if as_json:
        print_json({"merchant": merchant, "login": merchant, "password": password})
        return
    say(f"login:    {merchant}\npassword: {password}\nIt is shown only once: give both to the ERP party.")


def ftps_server(
    *,
    home: Annotated[Path, typer.Option(help="Folder that holds the folder of each merchant.")],
    certificate: Annotated[Path, typer.Option(help="PEM file: private key, then certificate chain.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104 - a server
    port: Annotated[int, typer.Option(help="Port for TLS by AUTH; 0 takes a free one.")] = 21,
    implicit_port: Annotated[
        int | None, typer.Option(help="Port for TLS from the first byte (990); none by default.")
    ] = None,
    passive_ports: Annotated[
        str, typer.Option(metavar="FIRST-LAST", help="Ports of data connections; any by default.")
    ] = "",
    public_address: Annotated[
        str, typer.Option(help="Address that clients are told, behind NAT: a name or an IP address.")
    ] = "",
    quota_gb: Annotated[float, typer.Option(min=0.000001, help="Space of each merchant.")] = 20,
    sessions_per_login: Annotated[int, typer.Option(min=1, help="At a time.")] = 20,
    sessions_per_address: Annotated[int, typer.Option(min=1, help="At a time.")] = 100,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long running transfers may go on when the server is ended.")
    ] = 60,
) -> None:
    """Run the FTPS server on which ERP parties place their files, until it is ended.

    Accounts come from the store: ERP_FEEDS_FTPS_STORE (postgresql://…), else Airflow's connection. With the
    login `erp-feeds` and the password of ERP_FEEDS_FTPS_READER_PASSWORD, erp-feeds reads all folders.
    """
    from erp_feeds.ftps_server import FtpsServer, Limits
    from erp_feeds.ftps_server.store_accounts import StoreAccounts

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)  # it names whatever was sent as a login
    os.umask(0o077)
    accounts = StoreAccounts(
        os.environ.get("ERP_FEEDS_FTPS_STORE") or store_address(),
        os.environ.get("ERP_FEEDS_FTPS_READER_PASSWORD", ""),
    )
    try:
        server = FtpsServer(
            home,
            certificate,
            accounts,
            host=host,
            port=port,
            implicit_port=implicit_port,
            limits=Limits(
                sessions_per_login=sessions_per_login,
                sessions_per_address=sessions_per_address,
                quota=round(quota_gb * GIGABYTE),
            ),
            drain_seconds=drain_seconds,
            passive_ports=_ports(passive_ports),
            public_address=_address(public_address),
        )
    except Exception as error:  # the port, the folder, or OpenSSL's own error of the certificate
        raise ConfigurationError(f"the FTPS server cannot start: {error}", "cannot_start") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    implicit = f", implicit TLS on {server.implicit_port}" if server.implicit_port else ""
    say(f"FTPS server on {host}:{server.port}{implicit}")
    sys.stdout.flush()
    server.serve()
    accounts.close()


def _ports(text: str) -> range | None:
    if not text:
        return None
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last) < 2**16):
        raise ConfigurationError(f"'{text}' is no range of ports such as 30000-30009", "usage")
    return range(int(first), int(last) + 1)


def _address(name: str) -> str | None:
    try:
        return socket.gethostbyname(name) if name else None
    except OSError:
        raise ConfigurationError(f"'{name}' is neither a known name nor an IP address", "usage") from None
