"""Checks everything a merchant needs, step by step: what works, and what to change where it does not."""

from __future__ import annotations

import posixpath
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.feedback import upload as placing
from erp_feeds.ftps import FtpsHook, Listing
from erp_feeds.ftps.connection import Server
from erp_feeds.ftps.transfer import Stamp
from erp_feeds.inbox import listing
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Feedback, Merchant
from erp_feeds.settings import settings
from erp_feeds.storage import atomic_file

TRIAL = ".erp-feeds-doctor"
"""Name of the file that is placed and removed again, to try what this user may do; no scan takes it."""
TLS_NOTE = "SSL connection using "
"""How libcurl begins to say which version of TLS and which cipher it speaks."""
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
        self._login_fault: FeedError | None = None

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
            ("rights", self._rights),
            *([("feedback", self._feedback)] if self._merchant.feedback else []),
            ("download", self._download),
        ]

    def _connection(self) -> str:
        self._server: Server = self._hook.server()
        server = self._server
        return f"'{server.connection_id}': {server.host}:{server.port}, {server.extras.tls} TLS"

    def _name(self) -> str:
        try:
            found = socket.getaddrinfo(self._server.host, self._server.port, type=socket.SOCK_STREAM)
        except OSError as error:
            message = f"{self._server.host} is not known here ({error.strerror}): is 'host' right?"
            raise RetryError(message, "unknown_host") from None
        addresses = ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))
        return f"{self._server.host} is {addresses}"

    def _port(self) -> str:
        address = (self._server.host, self._server.port)
        try:
            with socket.create_connection(address, self._server.extras.connect_timeout):
                return f"{self._server.port} is open"
        except OSError as error:
            message = f"nothing answers at port {self._server.port} ({error}): is 'port' right?"
            raise RetryError(message, "no_listener") from None

    def _tls(self) -> str:
        notes: list[str] = []
        try:
            self._hook.get_conn(notes.append)
        except FeedError as fault:
            is_up = any(note.startswith(TLS_NOTE) for note in notes)
            if not is_up or fault.code in {"certificate_refused", "tls_refused"}:
                raise
            self._login_fault = fault
        said = next(note for note in notes if note.startswith(TLS_NOTE))
        return said.removeprefix(TLS_NOTE).split(" / ALPN")[0]

    def _certificate(self) -> str:
        if not self._server.extras.verify:
            return Doubt(
                "is NOT verified (extra verify=false): any server can pretend to be this one; set 'ca_file'"
            )
        session = self._hook.conn
        ending = session.certificate().get("Expire date") if session else None
        if not ending:
            return f"verified for {self._server.host}"
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(ending), UTC)
        days = (ends - datetime.now(UTC)).days
        if days < RENEW_WITHIN:
            return Doubt(f"verified, but it ends in {days} days: ask for its renewal")
        return f"verified for {self._server.host}, good until {ends:%Y-%m-%d}"

    def _login(self) -> str:
        if self._login_fault:
            raise self._login_fault
        return f"user '{self._server.login}' is in, and data is protected"

    def _folders(self) -> str:
        listing.require_root(self._hook, self._merchant)
        found = listing.folders(self._merchant, interfaces_of(self._merchant))
        missing = [folder for folder in found if not self._hook.has_folder(folder)]
        for folder in missing:
            self._hook.listing(folder)  # raises where it is there and closed
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
        if not self._server.extras.close_notify:
            return Doubt(f"{form}; a listing that is cut shows fewer names, since 'close_notify' is false")
        if unreadable:
            return Doubt(f"{form}; {unreadable} of {count + unreadable} lines are in no known form")
        if misnamed := listing.misnamed_files(self._merchant, interfaces_of(self._merchant), self._listings):
            expected = ", ".join(
                listing.path_of(self._merchant, interface) for interface in interfaces_of(self._merchant)
            )
            return Doubt(
                f"{form}; {len(misnamed)} files have a wrong name or folder, such as {misnamed[0]}: "
                f"expected are {expected}, letter for letter"
            )
        return f"{form}, {count} names" + (
            "" if form == "MLSD" else "; exact times are asked for file by file"
        )

    def _rights(self) -> str:
        ftps = self._merchant.ftps
        if ftps.after_load == "leave":
            return "reading is enough, since loaded files are left there (ftps.after_load)"
        for folder in listing.folders(self._merchant, interfaces_of(self._merchant)):
            if self._hook.has_folder(folder) and (doubt := self._try_clearing(folder)):
                return Doubt(doubt)
        return f"files can be taken away as ftps.after_load '{ftps.after_load}' does"

    def _try_clearing(self, folder: str) -> str:
        """Clear a file of our own out of a folder; return what stays doubtful."""
        trial, target = posixpath.join(folder, TRIAL), posixpath.join(folder, TRIAL + "-2")
        if self._merchant.ftps.after_load == "move":
            kept = posixpath.join(folder, self._merchant.ftps.processed_folder)
            # Left there: the first file that is loaded needs it, and removing it is another right.
            self._hook.create_directory(kept)
            target = posixpath.join(kept, TRIAL)
        try:
            self._hook.store_bytes(trial, TRIAL.encode())
        except FailError as refusal:
            return f"cannot be tried, since this user may not place a file: {refusal}"
        stamp = self._hook.stamp(trial)
        self._hook.rename(trial, target)
        left = self._removed(target)
        if left and self._merchant.ftps.after_load == "delete":
            raise FailError(left, "cannot_clear")
        self._require_stamp(stamp)
        return left

    def _removed(self, path: str) -> str:
        """Remove a file of our own; return why that is refused."""
        try:
            self._hook.delete_file(path)
        except FailError as refusal:
            return f"{refusal}; {path} stays there, and has to be removed by somebody else"
        return ""

    def _require_stamp(self, stamp: Stamp) -> None:
        """Refuse a server on which a newer file could be taken for a loaded one."""
        missing = [command for command, said in zip(("SIZE", "MDTM"), stamp, strict=True) if said is None]
        if missing:
            message = (
                f"the server does not answer {' and '.join(missing)}, so a newer file could be taken for a "
                "loaded one: set ftps.after_load to 'leave'"
            )
            raise FailError(message, "cannot_clear")

    def _feedback(self) -> str:
        folder = placing.folder_of(self._merchant.ftps, self._merchant.feedback or Feedback())
        self._hook.create_directory(folder)
        placing.place(self._hook, folder, TRIAL, TRIAL.encode())
        self._hook.delete_file(posixpath.join(folder, TRIAL))
        return f"result files can be placed in {folder}"

    def _download(self) -> str:
        found = listing.look(listing.ListedOnce(self._hook), self._merchant, interfaces_of(self._merchant))
        small = [remote_file for remote_file in found.remote_files if 0 < remote_file.size <= LARGE]
        if not small:
            return "no file there that could be tried"
        remote_file = min(small, key=lambda each: each.size)
        began = time.monotonic()
        size = sum(len(block) for block in self._hook.fetch(remote_file.path))
        return f"{remote_file.name}: {size:,} bytes in {time.monotonic() - began:.1f} s"


def _writable(url: str) -> str:
    """Write, read and remove a file."""
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(url)
    try:
        with atomic_file.writing(folder) as arrival:
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
