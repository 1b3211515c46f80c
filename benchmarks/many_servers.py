"""Many merchants on many FTPS servers, each with a log of visits; the store has loaded all of their files."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import secrets
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from erp_feeds.demo.certificates import Certificates, certificates
from erp_feeds.interfaces import INTERFACES, interfaces_of
from erp_feeds.merchant import Merchant
from resuming import Resuming

USER = "erp"
SERVERS_PER_PROCESS = 10
FILES = 3
"""Per interface of a merchant."""
PLACED = datetime(2026, 1, 5, 11, 53, 26, tzinfo=UTC)
FOLDERS = ("srs", "ErpCache")
DEADLINE_SECONDS = 900.0
"""Seconds until every inbox must have been seen."""


@dataclass(frozen=True)
class Servers:
    """Servers that run, and the merchants on them."""

    folder: Path
    merchants: tuple[Merchant, ...]
    password: str
    ports: dict[str, int]
    """Airflow connection id -> port of its server."""
    ca: Path

    @property
    def connections(self) -> dict[str, str]:
        """Airflow's connections to the servers, as environment variables."""
        values: dict[str, Any] = {"conn_type": "ftps", "host": "localhost", "login": USER}
        values |= {"password": self.password, "extra": {"ca_file": str(self.ca)}}
        return {
            f"AIRFLOW_CONN_{name.upper()}": json.dumps({**values, "port": port})
            for name, port in self.ports.items()
        }

    def client(self, connection: str) -> Resuming:
        """Return a client of the standard library that is logged in to a server."""
        client = Resuming(context=_context(self.ca), timeout=30)
        client.connect("localhost", self.ports[connection])
        client.login(USER, self.password)
        client.prot_p()
        return client

    def visits(self) -> Visits:
        """Return the logins and listings until now."""
        lines = [line for log in self.folder.glob("visits-*.log") for line in log.read_text().splitlines()]
        parts = [line.split(" ", 2) for line in lines]
        return Visits([(float(moment), kind, what) for moment, kind, what in parts])


@dataclass(frozen=True)
class Visits:
    """What clients did: moment in seconds, `login` or `list`, server or folder."""

    entries: list[tuple[float, str, str]]

    def between(self, start: float, end: float) -> Visits:
        """Return those of a span of time."""
        return Visits([entry for entry in self.entries if start <= entry[0] < end])

    def number(self, kind: str) -> int:
        """Count logins or listings."""
        return sum(entry[1] == kind for entry in self.entries)

    def folders(self) -> dict[str, list[float]]:
        """Return the moments at which each folder was listed."""
        found: dict[str, list[float]] = {}
        for moment, kind, what in sorted(self.entries):
            if kind == "list":
                found.setdefault(what, []).append(moment)
        return found


@contextmanager
def running(folder: Path, servers: int, merchants: int, interval: float) -> Iterator[Servers]:
    """Lay out merchants, evenly on the servers, and run these in processes of their own."""
    names = [f"server_{number:03}" for number in range(servers)]
    shops = tuple(_merchant(number, names[number % servers], interval) for number in range(merchants))
    for shop in shops:
        _place_files(folder / shop.ftps.connection / USER, shop)
    made = certificates(folder / ".certificates")
    password = secrets.token_urlsafe(12)
    context = multiprocessing.get_context("spawn")
    ports: multiprocessing.Queue[dict[str, int]] = context.Queue()
    groups = [names[start : start + SERVERS_PER_PROCESS] for start in range(0, servers, SERVERS_PER_PROCESS)]
    processes = [
        context.Process(target=_serve, args=(folder, group, made, password, ports)) for group in groups
    ]
    for process in processes:
        process.start()
    try:
        known = {name: port for _ in groups for name, port in ports.get(timeout=60).items()}
        yield Servers(folder, shops, password, known, made.ca)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def await_all(servers: Servers, interval: float) -> None:
    """Wait until every inbox is scanned, and for one more interval."""
    print("waiting until every inbox has been seen", file=sys.stderr, flush=True)
    wanted = len(servers.merchants) * len(FOLDERS)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(servers.visits().folders()) < wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(servers.visits().folders())} of {wanted} folders were listed")
        time.sleep(1)
    time.sleep(interval)


def write_merchants(servers: Servers, folder: Path) -> None:
    """Write a merchant file for each, as a team would: only what has no default."""
    folder.mkdir(parents=True)
    for merchant in servers.merchants:
        values = merchant.model_dump(mode="json", exclude_unset=True)
        (folder / f"{merchant.name}.yaml").write_text(json.dumps(values))  # JSON is YAML


def remember_files(servers: Servers, uri: str) -> None:
    """Note in the ledger that every file was loaded, as after some weeks of work."""
    from erp_feeds.batch import Counts
    from erp_feeds.inbox import scan
    from erp_feeds.store import ledger, waiting_files
    from erp_feeds.store.connection import open_uri

    with open_uri(uri) as connection:
        for merchant in servers.merchants:
            interfaces = interfaces_of(merchant)
            for _ in range(2):
                scan.register(connection, merchant.name, interfaces, _remote_files(servers, merchant), 0)
            files = waiting_files.unfinished(connection, merchant)
            for file in files:
                ledger.archive(connection, file, secrets.token_hex(32), "file:///none", date(2026, 1, 5))
            loaded = {file.file_id: Counts() for file in files}
            ledger.finish(connection, loaded, "bench", [PLACED] * len(loaded))
            connection.commit()


@cache
def _context(ca: Path) -> ssl.SSLContext:
    """Return the context, made once as any good client does."""
    return ssl.create_default_context(cafile=ca)


def _merchant(number: int, connection: str, interval: float) -> Merchant:
    name = f"shop_{number:04}"
    return Merchant.model_validate(
        {
            "name": name,
            "shop_name": f"Shop{number}",
            "timezone": "Europe/Amsterdam",
            "currency": "EUR",
            "ftps": {"connection": connection, "root": f"/{name}", "poll_interval": interval},
            # Its files are old, and nobody wants to hear of 3,000 late feeds.
            "interfaces": {interface: {"freshness": None} for interface in INTERFACES},
            # No daily run of yesterday is due when Airflow first reads the DAG.
            "history_from": datetime.now(UTC).date(),
        }
    )


def _names(merchant: Merchant) -> Iterator[tuple[str, str, str]]:
    """Yield interface, folder and name of each file of a merchant."""
    for interface in interfaces_of(merchant):
        for number in range(FILES):
            yield (
                interface.name,
                interface.folder,
                interface.file_name(merchant.shop_name, f"2026010{number + 1}"),
            )


def _place_files(root: Path, merchant: Merchant) -> None:
    for _, folder, name in _names(merchant):
        file = root / merchant.ftps.root.strip("/") / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"loaded long ago")
        os.utime(file, (PLACED.timestamp(), PLACED.timestamp()))


def _remote_files(servers: Servers, merchant: Merchant) -> list[Any]:
    from erp_feeds.batch import RemoteFile

    home = servers.folder / merchant.ftps.connection / USER / merchant.ftps.root.strip("/")
    return [
        RemoteFile(
            interface=interface,
            name=name,
            size=(home / folder / name).stat().st_size,
            modified=PLACED,
            path=f"{merchant.ftps.root}/{folder}/{name}",
        )
        for interface, folder, name in _names(merchant)
    ]


def _serve(folder: Path, names: list[str], made: Certificates, password: str, ports: Any) -> None:
    """Run some of the servers in this process until it is ended, and write down who comes by."""
    from erp_feeds.demo.ftps_server import local_server

    logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # each server would log its start
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    log = os.open(folder / f"visits-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(kind: str, what: str) -> None:
        os.write(log, f"{time.time():.3f} {kind} {what}\n".encode())

    found: dict[str, int] = {}
    for name in names:
        server = local_server(folder / name, made, {USER: password})
        _watch(server.handler, name, note)
        found[name] = server.port
        threading.Thread(target=server.serve, daemon=True).start()
    ports.put(found)
    threading.Event().wait()


def _watch(handler: Any, server: str, note: Callable[[str, str], None]) -> None:
    """Let a server's handler log logins and listings."""
    list_folder = handler.ftp_MLSD

    def on_login(_: Any, user: str) -> None:  # noqa: ARG001 - pyftpdlib gives it
        note("login", server)

    def ftp_mlsd(self: Any, path: str) -> Any:
        note("list", server + self.fs.cwd)
        return list_folder(self, path)

    handler.on_login = on_login
    handler.ftp_MLSD = ftp_mlsd
