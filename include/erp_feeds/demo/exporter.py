"""Plays the ERP party: uploads the demo's exports over FTPS, day by day, never the same file twice."""

from __future__ import annotations

import argparse
import ftplib
import heapq
import io
import json
import os
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from erp_feeds.demo import environment
from erp_feeds.demo.exports import Export, export_names, exports
from erp_feeds.demo.testshop import testshop_exports
from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import read_merchants
from erp_feeds.settings import settings

REAL = "completejourney"
MADE = "testshop"
PAUSE_SECONDS = 12.0
"""Seconds of pause between the days of a delivery, in all: a person can follow a month; a year is quick."""


@dataclass(frozen=True)
class Account:
    """How the ERP party reaches a merchant's inbox: its account on the FTPS server."""

    host: str
    port: int
    login: str
    password: str
    ca_file: str


class Inbox:
    """One FTPS session of the ERP party."""

    def __init__(self, account: Account) -> None:
        verified = ssl.create_default_context(cafile=account.ca_file)
        self._client = ftplib.FTP_TLS(context=verified, timeout=30)  # noqa: S321 - FTPS is what the contract asks for
        self._client.connect(account.host, account.port)
        self._client.login(account.login, account.password)
        self._client.prot_p()
        self._client.voidcmd("TYPE I")  # SIZE means bytes only in this mode
        self._folders: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, EOFError, ftplib.Error):
            self._client.quit()

    def place(self, export: Export) -> bool:
        """Upload a file under another name, then rename it; return False where it lies already."""
        folder = f"/{INTERFACES[export.interface].folder}"
        self._enter(folder)
        if self._lies_there(export.name):
            return False
        self._client.storbinary(f"STOR {export.name}.part", io.BytesIO(export.content))
        self._client.rename(f"{export.name}.part", export.name)
        return True

    def _enter(self, folder: str) -> None:
        """Go into a folder, which is made when missing."""
        if folder not in self._folders:
            for path in [*reversed(PurePosixPath(folder).parents), PurePosixPath(folder)][1:]:
                with suppress(ftplib.error_perm):  # it exists
                    self._client.mkd(str(path))
            self._folders.add(folder)
        self._client.cwd(folder)

    def _lies_there(self, name: str) -> bool:
        try:
            return self._client.size(name) is not None
        except ftplib.error_perm:
            return False


def account_of(merchant: Merchant, variables: Mapping[str, str] = os.environ) -> Account:
    """Return the account of a merchant's ERP party, on the server to which the Airflow connection leads.

    Raises:
        ConfigurationError: there is no such connection in the environment.
    """
    variable = "AIRFLOW_CONN_" + merchant.ftps.connection.upper()
    if variable not in variables:
        raise ConfigurationError(f"{variable} is not set: source .erp-feeds/env.sh first", "no_connection")
    connection = json.loads(variables[variable])
    place = environment.Home(Path(variables["ERP_FEEDS_HOME"]))
    password = environment.secrets_of(place).ftps[merchant.name]
    authority = connection["extra"]["ca_file"]
    return Account(connection["host"], connection["port"], merchant.name, password, authority)


def deliveries(merchants: Iterable[Merchant], days: int) -> Iterator[tuple[Merchant, Export]]:
    """Yield every file of the demo's merchants, both shops side by side, oldest first."""
    known = {merchant.name: merchant for merchant in merchants}
    made = testshop_exports(known[MADE].shop_name) if MADE in known else []
    real = exports(known[REAL].shop_name, days) if REAL in known else iter(())
    streams = [((known[REAL], export) for export in real), ((known[MADE], export) for export in made)]
    return heapq.merge(*streams, key=lambda delivery: delivery[1].day)


def expected(merchants: Iterable[Merchant], days: int) -> set[tuple[str, str]]:
    """Return merchant and name of every file that `deliveries` yields, without building them."""
    names: set[tuple[str, str]] = set()
    for merchant in merchants:
        if merchant.name == MADE:
            names |= {(MADE, export.name) for export in testshop_exports(merchant.shop_name)}
        if merchant.name == REAL:
            names |= {(REAL, name) for name in export_names(merchant.shop_name, days)}
    return names


def send(merchants: Iterable[Merchant], days: int, pause: float) -> None:
    """Upload everything that does not lie on the server yet, and say so."""
    sent = total = 0
    with ExitStack() as sessions:
        inboxes: dict[str, Inbox] = {}
        for day, group in groupby(deliveries(merchants, days), key=lambda delivery: delivery[1].day):
            fresh = 0
            for merchant, export in group:
                if merchant.name not in inboxes:
                    inboxes[merchant.name] = sessions.enter_context(Inbox(account_of(merchant)))
                fresh += inboxes[merchant.name].place(export)
                total += 1
            sent += fresh
            if fresh:
                print(f"{day}: {fresh} file{'s' if fresh > 1 else ''} sent", flush=True)
                time.sleep(pause)
    print(f"done: {sent} files sent, {total - sent} were there already", flush=True)


def main() -> None:
    """Run as a process until everything is sent."""
    parser = argparse.ArgumentParser(prog="python -m erp_feeds.demo.exporter", description=__doc__)
    parser.add_argument("--days", type=int, required=True, help="days of the year 2017 to export")
    parser.add_argument("--pause", type=float, help="seconds between two days (default: 12 in all)")
    chosen = parser.parse_args()
    merchants, _ = read_merchants(settings().merchants)
    pause = PAUSE_SECONDS / chosen.days if chosen.pause is None else chosen.pause
    send(merchants, chosen.days, pause)


if __name__ == "__main__":
    main()
