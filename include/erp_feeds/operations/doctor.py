"""Checks a merchant's whole way, step by step: what is there, or what is wrong and how to mend it."""

from __future__ import annotations

import posixpath
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from erp_feeds.errors import FeedError
from erp_feeds.feedback import upload as placing
from erp_feeds.inbox import listing
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Feedback, Merchant
from erp_feeds.settings import settings
from erp_feeds.storage import atomic_file
from erp_feeds.transport.ftps import FtpsHook
from erp_feeds.transport.ftps.connection import Server
from erp_feeds.transport.ftps.faults import sorted_faults
from erp_feeds.transport.ftps.listing import Listing
from erp_feeds.transport.ftps.session import Session, greet, tls_context

TRIAL = ".erp-feeds-doctor"
"""Name of the folder that is made and removed again where files are to be moved or deleted."""
RENEW_WITHIN = 30
"""Days before a certificate ends in which somebody should hear of it."""
LARGE = 10_000_000
"""Bytes above which a file is not fetched only to see whether it can be."""


@dataclass(frozen=True)
class Finding:
    """What one step found."""

    step: str
    state: Literal["ok", "warning", "wrong", "not checked"]
    said: str


class Doubt(str):
    """What a step says that works, but of which somebody should know something."""

    __slots__ = ()


Step = tuple[str, Callable[[], str]]


def examine(merchant: Merchant, store: Callable[[], str]) -> Iterator[Finding]:
    """Yield a finding for each step, as soon as it is known.

    Args:
        merchant: Whose way is checked.
        store: Opens the store and says what it found there; raises a FeedError that says what is wrong.
    """
    with FtpsHook(merchant.ftps.connection, tries=1) as hook:
        yield from _chain(_Way(merchant, hook).steps())
    for name in ("staging", "archive"):
        yield from _chain([(name, lambda name=name: _writable(getattr(settings(), name)))])  # type: ignore[misc]
    yield from _chain([("store", store)])


def _chain(steps: list[Step]) -> Iterator[Finding]:
    """Take steps that build on each other: after a fault the others cannot be checked."""
    broken = ""
    for name, check in steps:
        if broken:
            yield Finding(name, "not checked", f"because of {broken}")
            continue
        try:
            said = check()
            yield Finding(name, "warning" if isinstance(said, Doubt) else "ok", said)
        except FeedError as fault:
            broken = name
            yield Finding(name, "wrong", str(fault))


class _Way:
    """The way to a merchant's files on the server."""

    def __init__(self, merchant: Merchant, hook: FtpsHook) -> None:
        self._merchant = merchant
        self._hook = hook
        self._listings: dict[str, Listing] = {}

    def steps(self) -> list[Step]:
        """Return the checks in the order in which each needs the one before."""
        return [
            ("connection", self._connection),
            ("name", self._name),
            ("port", self._port),
            ("tls", self._tls),
            ("certificate", self._certificate),
            ("login", self._login),
            ("folders", self._folders),
            ("listing", self._listing),
            ("session reuse", self._session_reuse),
            ("rights", self._rights),
            *([("feedback", self._feedback)] if self._merchant.feedback else []),
            ("download", self._download),
        ]

    def _connection(self) -> str:
        self._server: Server = self._hook.server()
        server = self._server
        return f"'{server.connection_id}': {server.host}:{server.port}, {server.extras.tls} TLS"

    def _name(self) -> str:
        with sorted_faults(self._server.place):
            found = socket.getaddrinfo(self._server.host, self._server.port, type=socket.SOCK_STREAM)
        addresses = ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))
        return f"{self._server.host} is {addresses}"

    def _port(self) -> str:
        address = (self._server.host, self._server.port)
        with (
            sorted_faults(self._server.place),
            socket.create_connection(address, self._server.extras.connect_timeout),
        ):
            return f"{self._server.port} is open"

    def _tls(self) -> str:
        session = Session(tls_context(self._server.extras), self._server.extras)
        try:
            with sorted_faults(self._server.place):
                greet(session, self._server)
        except FeedError:
            session.close()
            raise
        self._hook.conn = session  # closed with the hook
        self._socket: ssl.SSLSocket = session.sock  # type: ignore[assignment] # greet() protected it
        cipher = self._socket.cipher()
        return f"{self._socket.version()}, {cipher[0] if cipher else 'no cipher'}"

    def _certificate(self) -> str:
        certificate = self._socket.getpeercert()
        if not certificate:
            return Doubt(
                "is NOT verified (extra verify=false): anybody may pose as the server; set 'ca_file'"
            )
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        days = (ends - datetime.now(UTC)).days
        if days < RENEW_WITHIN:
            return Doubt(f"verified, but it ends in {days} days: ask for its renewal")
        return f"verified for {self._server.host}, good until {ends:%Y-%m-%d}"

    def _login(self) -> str:
        session = self._hook.get_conn()
        with sorted_faults(self._server.place):
            session.login(self._server.login, self._server.password)
            session.prot_p()
        return f"user '{self._server.login}' is in, and data is protected"

    def _folders(self) -> str:
        listing.require_root(self._hook, self._merchant)
        found = listing.folders(self._merchant, interfaces_of(self._merchant))
        missing = [folder for folder in found if not self._hook.has_folder(folder)]
        if missing:
            enable = f"python -m erp_feeds enable {self._merchant.name} FOLDER"
            return Doubt(f"{', '.join(missing)} missing, which is no error: `{enable}` makes it")
        return f"{', '.join(found)} can be entered"

    def _listing(self) -> str:
        for folder in [
            *listing.folders(self._merchant, interfaces_of(self._merchant)),
            self._merchant.ftps.root,
        ]:
            self._listings[folder] = self._hook.listing(folder)
        listings = self._listings.values()
        form = next(listing.form for listing in listings if listing.form)
        count = sum(len(listing.entries) for listing in listings)
        unreadable = sum(listing.unreadable for listing in listings)
        if cut := [folder for folder, listing in self._listings.items() if listing.truncated]:
            return Doubt(f"{form}; the server leaves names out in {', '.join(cut)}: see ftps.after_load")
        if unreadable:
            return Doubt(f"{form}; {unreadable} of {count + unreadable} lines are in no known form")
        if stray := listing.strays(self._merchant, interfaces_of(self._merchant), self._listings):
            expected = ", ".join(
                listing.path_of(self._merchant, interface) for interface in interfaces_of(self._merchant)
            )
            return Doubt(
                f"{form}; {len(stray)} files are never taken for their name or folder, such as {stray[0]}: "
                f"expected are {expected}, letter for letter"
            )
        return f"{form}, {count} names" + (
            "" if form == "MLSD" else "; exact times are asked for file by file"
        )

    def _session_reuse(self) -> str:
        session = self._hook.get_conn()
        with sorted_faults(self._server.place), session.transfercmd("LIST") as data:
            reused = isinstance(data, ssl.SSLSocket) and data.session_reused
            while data.recv(1 << 16):
                pass
        with sorted_faults(self._server.place):
            session.voidresp()
        if not reused:
            return Doubt("the server starts a new TLS session for each transfer; it works, and costs more")
        return "data connections resume the TLS session"

    def _rights(self) -> str:
        ftps = self._merchant.ftps
        if ftps.after_load == "leave":
            return "reading is enough, since loaded files are left there (ftps.after_load)"
        for folder in listing.folders(self._merchant, interfaces_of(self._merchant)):
            if self._hook.has_folder(folder):
                trial = posixpath.join(folder, TRIAL)
                self._hook.create_directory(trial)
                self._hook.rename(trial, trial + "-2")
                self._hook.delete_directory(trial + "-2")
        return f"folders can be made, renamed and removed, so ftps.after_load '{ftps.after_load}' will work"

    def _feedback(self) -> str:
        folder = placing.folder_of(self._merchant.ftps, self._merchant.feedback or Feedback())
        self._hook.create_directory(folder)
        placing.place(self._hook, folder, TRIAL, TRIAL.encode())
        self._hook.delete_file(posixpath.join(folder, TRIAL))
        return f"result files can be placed in {folder}"

    def _download(self) -> str:
        found = listing.look(listing.ListedOnce(self._hook), self._merchant, interfaces_of(self._merchant))
        small = [sighting for sighting in found.sightings if 0 < sighting.size <= LARGE]
        if not small:
            return "no file there that could be tried"
        sighting = min(small, key=lambda each: each.size)
        began = time.monotonic()
        size = sum(len(block) for block in self._hook.fetch(sighting.path))
        return f"{sighting.name}: {size:,} bytes in {time.monotonic() - began:.1f} s"


def _writable(url: str) -> str:
    """Write, read and remove a file."""
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(url)
    try:
        with atomic_file.arriving(folder) as arrival:
            arrival.file.write(TRIAL.encode())
            arrival.settle(folder / TRIAL)
        with atomic_file.open_for(folder / TRIAL, "rb") as file:
            file.read()
        folder.fs.rm_file((folder / TRIAL).path)
    except Exception as error:  # each kind of storage raises its own
        reason = f"{type(error).__name__}: {error}"
        raise FeedError(
            f"{url} cannot be written ({reason[:200]}): correct it, or the rights there"
        ) from None
    return f"{url} can be written and read"
