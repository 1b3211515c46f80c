"""Checks everything a merchant needs, step by step: what works, and what to change where it does not."""

from __future__ import annotations

import posixpath
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from erp_feeds.errors import FailError, FeedError, counted
from erp_feeds.feedback import deliver
from erp_feeds.ftps import FtpsHook, Listing
from erp_feeds.inbox import listing
from erp_feeds.inbox.paths import folders, path_of
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Feedback, Merchant
from erp_feeds.merchant_file import read_merchants
from erp_feeds.settings import settings
from erp_feeds.storage import atomic_file

TRIAL = ".erp-feeds-doctor"
"""Name of a file that is uploaded and removed again, to test the rights of this user; no scan takes it."""
TLS_NOTE = "SSL connection using "
"""How libcurl's note on the version of TLS and the cipher begins."""
RENEW_WITHIN = 30
"""Days before the end of a certificate from which on the doctor warns."""
LARGE = 10_000_000
"""Bytes above which a file is not fetched only to see whether it can be."""
STEP_OF_CODE = {
    "unknown_host": "name",
    "no_listener": "port",
    "no_greeting": "port",
    "login_refused": "login",
    "no_login": "login",
    "server_busy": "login",
}
"""Code of an error while connecting -> the step that fails; any other is of TLS."""


@dataclass(frozen=True)
class Finding:
    """What one step found."""

    step: str
    state: Literal["ok", "warning", "wrong", "not checked"]
    text: str


class CautionError(FeedError):
    """The step works, with a warning."""


Step = tuple[str, Callable[[], str]]
"""Name of a step, and what checks it: returns what works, raises a FeedError otherwise."""


def examine(merchant: Merchant, *of_store: Step) -> Iterator[Finding]:
    """Yield a finding for each step, as soon as it is known: server, staging, archive, then those given."""
    with FtpsHook(merchant.ftps.connection, tries=1) as hook:
        yield from findings(_Server(merchant, hook).steps())
    yield from findings([("staging", lambda: _storage(settings().staging))])
    yield from findings([("archive", lambda: _storage(settings().archive))])
    yield from findings(of_store)


def findings(steps: Sequence[Step]) -> Iterator[Finding]:
    """Run steps that build on each other: after an error the others are not checked."""
    broken = ""
    for name, check in steps:
        if broken:
            yield Finding(name, "not checked", f"because of {broken}")
            continue
        try:
            yield Finding(name, "ok", check())
        except CautionError as caution:
            yield Finding(name, "warning", str(caution))
        except FeedError as error:
            broken = name
            yield Finding(name, "wrong", str(error))


class _Server:
    """A merchant's server: one method a step, each needing what the ones before have checked."""

    def __init__(self, merchant: Merchant, hook: FtpsHook) -> None:
        self._merchant = merchant
        self._hook = hook
        self._interfaces = interfaces_of(merchant)
        self._folders = folders(merchant, self._interfaces)
        self._tls_version = ""
        self._error: FeedError | None = None
        """Why there is no connection."""

    def steps(self) -> list[Step]:
        """Return the steps in their order."""
        return [
            ("connection", self._check_connection),
            ("name", self._check_name),
            ("port", self._check_port),
            ("tls", self._check_tls),
            ("certificate", self._check_certificate),
            ("login", self._check_login),
            ("folders", self._check_folders),
            ("listing", self._check_listing),
            ("rights", self._check_rights),
            *([("feedback", self._check_feedback)] if self._merchant.feedback else []),
            ("download", self._check_download),
        ]

    def _check_connection(self) -> str:
        server = self._hook.server()
        return f"'{server.connection_id}': {server.host}:{server.port}, {server.extras.tls} TLS"

    def _check_name(self) -> str:
        notes: list[str] = []
        try:
            self._hook.get_conn(notes.append)
        except FeedError as error:
            self._error = error
        tls = [note.removeprefix(TLS_NOTE) for note in notes if note.startswith(TLS_NOTE)]
        self._tls_version = tls[0].split(" / ALPN")[0] if tls else ""
        self._raise_error_of("name")
        return f"{self._hook.server().host} is known"

    def _check_port(self) -> str:
        self._raise_error_of("port")
        session = self._hook.conn
        return f"{self._hook.server().port} is open" + (f" at {session.address()}" if session else "")

    def _check_tls(self) -> str:
        self._raise_error_of("tls")
        return self._tls_version

    def _check_certificate(self) -> str:
        server, session = self._hook.server(), self._hook.conn
        if not server.extras.verify:
            raise CautionError(
                "is NOT verified (extra verify=false): any server can pretend to be this one; set 'ca_file'"
            )
        ending = session.certificate().get("Expire date") if session else None
        if not ending:
            return f"verified for {server.host}"
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(ending), UTC)
        days = (ends - datetime.now(UTC)).days
        if days < RENEW_WITHIN:
            raise CautionError(f"verified, but it ends in {counted(days, 'day')}: ask for its renewal")
        return f"verified for {server.host}, good until {ends:%Y-%m-%d}"

    def _check_login(self) -> str:
        self._raise_error_of("login")
        return f"user '{self._hook.server().login}' is in, and data is protected"

    def _raise_error_of(self, step: str) -> None:
        """Raise the error of connecting where it is about this step."""
        if self._error and STEP_OF_CODE.get(self._error.code, "tls") == step:
            raise self._error

    def _check_folders(self) -> str:
        listing.require_root(self._hook, self._merchant)
        if not self._folders:
            raise CautionError(
                "no interface is switched on yet, so no file is read: the page Apps enables some"
            )
        missing = [folder for folder in self._folders if not self._hook.has_folder(folder)]
        for folder in missing:
            self._hook.listing(folder)  # raises where it is there, and this user may not list it
        if missing:
            command = f"python -m erp_feeds create-folders {self._merchant.name}"
            raise CautionError(f"{', '.join(missing)} missing, which is not an error: `{command}` makes it")
        return f"{', '.join(self._folders)} can be entered"

    def _check_listing(self) -> str:
        listings = {
            folder: self._hook.listing(folder) for folder in [*self._folders, self._merchant.ftps.root]
        }
        form = next(each.form for each in listings.values() if each.form)
        warnings = [*self._warnings(listings)]
        if warnings:
            raise CautionError(f"{form}; {'; '.join(warnings)}")
        count = sum(len(each.entries) for each in listings.values())
        exact = "" if form == "MLSD" else "; exact times are asked for file by file"
        return f"{form}, {counted(count, 'name')}{exact}"

    def _warnings(self, listings: dict[str, Listing]) -> Iterator[str]:
        """Yield warnings about the listings."""
        if cut := [folder for folder, found in listings.items() if found.truncated]:
            yield f"the server leaves names out in {', '.join(cut)}: see ftps.after_load"
        if not self._hook.server().extras.close_notify:
            yield "a listing that is cut shows fewer names, since 'close_notify' is false"
        if unreadable := sum(found.unreadable for found in listings.values()):
            yield f"{counted(unreadable, 'line')} in no known form"
        if misnamed := listing.misnamed_files(self._merchant, self._interfaces, listings):
            expected = [path_of(self._merchant, interface) for interface in self._interfaces]
            yield (
                f"{counted(len(misnamed), 'file')} with a wrong name or folder, such as {misnamed[0]}: "
                f"expected are {', '.join(expected)}, letter for letter"
            )
        if foreign := listing.nobodys_files(self._merchant, self._interfaces, listings, self._shops()):
            yield (
                f"{counted(len(foreign), 'file')} of another shop, such as {foreign[0]}: only those of "
                f"{self._merchant.shop_name} are read, as shop_name in the merchant file says"
            )

    def _shops(self) -> set[str]:
        """Return the shops whose files are read from the same folders: merchants may share them."""
        own = self._merchant.ftps
        others = read_merchants(settings().merchants)[0]
        readers = [
            each
            for each in others
            if (each.ftps.connection, each.ftps.root_path) == (own.connection, own.root_path)
        ]
        return {each.shop_name for each in (self._merchant, *readers)}

    def _check_rights(self) -> str:
        after_load = self._merchant.ftps.after_load
        if after_load == "leave":
            return "reading is enough, since loaded files are left there (ftps.after_load)"
        for folder in self._folders:
            if self._hook.has_folder(folder):
                self._try_clearing(folder)
        return f"files can be taken away as ftps.after_load '{after_load}' does"

    def _try_clearing(self, folder: str) -> None:
        """Clear a file of our own out of a folder, as loaded files are."""
        trial, target = posixpath.join(folder, TRIAL), posixpath.join(folder, TRIAL + "-2")
        if self._merchant.ftps.after_load == "move":
            processed = posixpath.join(folder, self._merchant.ftps.processed_folder)
            # Left there: the first file that is loaded needs it, and removing it is another right.
            self._hook.create_directory(processed)
            target = posixpath.join(processed, TRIAL)
        try:
            self._hook.store_bytes(trial, TRIAL.encode())
        except FailError as error:
            raise CautionError(f"cannot be tried, since this user may not place a file: {error}") from None
        size, modified = self._hook.stat(trial)
        try:
            self._hook.rename(trial, target)
        except FailError:
            self._remove(trial)
            raise
        self._remove(target)
        if missing := [name for name, value in (("SIZE", size), ("MDTM", modified)) if value is None]:
            message = (
                f"the server does not answer {' and '.join(missing)}, so a newer file could be taken for a "
                "loaded one: set ftps.after_load to 'leave'"
            )
            raise FailError(message, "cannot_clear")

    def _remove(self, path: str) -> None:
        """Remove a file of our own."""
        try:
            self._hook.delete_file(path)
        except FailError as error:
            message = f"{error}; {path} stays there, and has to be removed by somebody else"
            if self._merchant.ftps.after_load == "delete":
                raise FailError(message, "cannot_clear") from None
            raise CautionError(message) from None

    def _check_feedback(self) -> str:
        folder = deliver.folder_of(self._merchant.ftps, self._merchant.feedback or Feedback())
        self._hook.create_directory(folder)
        trial = posixpath.join(folder, TRIAL)
        self._hook.store_bytes(trial, TRIAL.encode())
        self._hook.delete_file(trial)
        return f"result files can be uploaded to {folder}"

    def _check_download(self) -> str:
        found = listing.list_files(listing.ListedOnce(self._hook), self._merchant, self._interfaces)
        if found.failed:
            raise found.failed[0]
        small = [remote_file for remote_file in found.remote_files if 0 < remote_file.size <= LARGE]
        if not small:
            return "no file there that could be tried"
        remote_file = min(small, key=lambda each: each.size)
        began = time.monotonic()
        size = sum(len(block) for block in self._hook.fetch(remote_file.path))
        return f"{remote_file.name}: {size:,} bytes in {time.monotonic() - began:.1f} s"


def _storage(url: str) -> str:
    """Write, read and remove a file."""
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(url)
    try:
        with atomic_file.writing(folder) as unfinished:
            unfinished.file.write(TRIAL.encode())
            unfinished.commit(folder / TRIAL)
        with atomic_file.open_for(folder / TRIAL, "rb") as file:
            file.read()
        folder.fs.rm_file((folder / TRIAL).path)
    except Exception as error:  # each kind of storage raises its own
        reason = f"{type(error).__name__}: {error}"
        message = f"{url} cannot be written ({reason[:200]}): correct it, or the rights there"
        raise FeedError(message) from None
    return f"{url} can be written and read"
