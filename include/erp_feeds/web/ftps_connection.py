"""The connection of a merchant: where its ERP party places files, whether it works, and its account."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated

import psycopg
from fastapi import Form, Request, Response
from pydantic import BaseModel, Field

from erp_feeds.errors import FailError, FeedError
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox.paths import folders, path_of
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Merchant
from erp_feeds.operations.doctor import Finding
from erp_feeds.operations.folders import make_folders
from erp_feeds.orchestration.examination import examine_all
from erp_feeds.settings import settings
from erp_feeds.store import audit, ftps_accounts
from erp_feeds.store.connection import conninfo_of
from erp_feeds.store.ftps_accounts import READER, FtpsAccount
from erp_feeds.web.configuration import configured
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor, Reader, Replayer
from erp_feeds.web.rendering import page, see_other
from erp_feeds.web.routes import Routes

MAX_HOURS = 24 * 30
_CHECKS: dict[str, Lock] = {}
"""Merchant -> held while its way is checked: a check uploads and removes a file of its own."""


@dataclass(frozen=True)
class Expected:
    """Files of one interface, as the ERP party places them."""

    interface: str
    path: str
    """With `<index>` for the index number."""


@dataclass(frozen=True)
class ConnectionPage:
    """What an ERP party must know to place files, and the state of its account."""

    merchant: str
    connection_id: str
    """Of Airflow: by it erp-feeds reads."""
    error: str | None
    """Why the connection cannot be shown."""
    host: str = ""
    port: int = 0
    tls: str = ""
    login: str = ""
    root: str = ""
    is_hosted: bool = False
    """Whether the server is that of erp-feeds, which has accounts."""
    account: FtpsAccount | None = None
    files: list[Expected] = field(default_factory=list)


@dataclass(frozen=True)
class NewPassword:
    """A password, which nobody can show again."""

    login: str
    password: str = field(repr=False)


class Rotating(BaseModel):
    """How a password is replaced."""

    keep_hours: int = Field(
        0, ge=0, le=MAX_HOURS, description="Hours for which the one before is good too.", examples=[24]
    )
    version: int | None = Field(None, ge=1, description="Of the password to replace, as it was shown.")


class Disabled(BaseModel):
    """Whose account was disabled."""

    merchant: str


def connection(caller: Reader, store: Store) -> ConnectionPage:
    """Return where the ERP party places files: host, port, TLS, login, root, names; and its account."""
    merchant = configured(caller.merchant)
    try:
        server = FtpsHook(merchant.ftps.connection).server()
    except FeedError as error:
        return ConnectionPage(merchant.name, merchant.ftps.connection, str(error))
    is_hosted = server.login == READER
    host, _, port = settings().ftps_address.partition(":") if is_hosted else ("", "", "")
    return ConnectionPage(
        merchant.name,
        merchant.ftps.connection,
        error=None,
        host=host or server.host,
        port=int(port) if port else server.port,
        tls=server.extras.tls,
        login=merchant.name if is_hosted else server.login,
        root="/" if is_hosted else merchant.ftps.root_path,
        is_hosted=is_hosted,
        account=next(iter(ftps_accounts.listed(store, merchant.name)), None),
        files=_expected(merchant, is_hosted=is_hosted),
    )


def check(caller: Replayer, store: Store) -> list[Finding]:
    """Check everything the merchant needs, now: server, login, folders, storage, store, Airflow, alerts."""
    merchant = configured(caller.merchant)
    lock = _CHECKS.setdefault(merchant.name, Lock())
    if not lock.acquire(blocking=False):
        raise FailError(f"a check of {merchant.name} runs already: wait for its result", "busy")
    try:
        audit.note(store, caller.name, merchant.name, "connection checked")
        return list(examine_all(merchant, lambda: conninfo_of(settings().store_connection)))
    finally:
        lock.release()


def create(caller: PeopleEditor, store: Store) -> NewPassword:
    """Create the FTPS account of the ERP party, or open a disabled one again; its password is shown once.

    The folders of the merchant's interfaces are made as well.
    """
    merchant = _hosted(caller.merchant)
    made = NewPassword(merchant.name, ftps_accounts.create(store, merchant, caller.name))
    with suppress(FeedError):  # the account is there, and a check says what is wrong with the folders
        make_folders(merchant, folders(merchant, interfaces_of(merchant)))
    return made


def rotate(caller: PeopleEditor, store: Store, body: Rotating) -> NewPassword:
    """Replace the password of the FTPS account; the new one is shown once. Running uploads go on."""
    merchant = _hosted(caller.merchant)
    password = ftps_accounts.rotate(
        store, merchant, caller.name, keep_hours=body.keep_hours, version=body.version
    )
    return NewPassword(merchant.name, password)


def disable(caller: PeopleEditor, store: Store) -> Disabled:
    """Disable the FTPS account: no password opens it. Its files stay."""
    ftps_accounts.disable(store, _hosted(caller.merchant), caller.name)
    return Disabled(merchant=caller.merchant)


def _expected(merchant: Merchant, *, is_hosted: bool) -> list[Expected]:
    root = merchant.ftps.root_path.rstrip("/")
    paths = {each.name: path_of(merchant, each) for each in interfaces_of(merchant)}
    # A login of our own server is locked into the root: that is its "/".
    return [Expected(name, path.removeprefix(root) if is_hosted else path) for name, path in paths.items()]


def _hosted(name: str) -> Merchant:
    """Return a merchant whose files come by our own server.

    Raises:
        FailError: they come by somebody else's, which knows nothing of our accounts.
    """
    merchant = configured(name)
    if FtpsHook(merchant.ftps.connection).server().login != READER:
        message = (
            f"{name} is read from a server that erp-feeds does not host: accounts there are its operator's. "
            f"For the server of erp-feeds, connection '{merchant.ftps.connection}' has the login '{READER}'"
        )
        raise FailError(message, "not_hosted")
    return merchant


def _page(request: Request, caller: Reader, store: psycopg.Connection, **more: object) -> Response:
    return page(request, "connection.html", {"found": connection(caller, store), **more})


def _check_page(request: Request, caller: Replayer, store: Store) -> Response:
    findings = check(caller, store)
    return _page(request, caller, store, findings=findings)


def _create_page(request: Request, caller: PeopleEditor, store: Store) -> Response:
    made = create(caller, store)
    return _page(request, caller, store, made=made)


def _rotate_page(
    request: Request, caller: PeopleEditor, store: Store, body: Annotated[Rotating, Form()]
) -> Response:
    made = rotate(caller, store, body)
    return _page(request, caller, store, made=made)


def _disable_page(request: Request, caller: PeopleEditor, store: Store) -> Response:
    disable(caller, store)
    return see_other(request, f"/merchants/{caller.merchant}/connection")


CONNECTION = {
    "merchant": "testshop",
    "connection_id": "testshop_ftps",
    "error": None,
    "host": "ftps.example.com",
    "port": 21,
    "tls": "explicit",
    "login": "testshop",
    "root": "/",
    "is_hosted": True,
    "account": None,
    "files": [{"interface": "srs_customers", "path": "/srs/TestShop_SRS_Customers_<index>.zip"}],
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}/connection"
    routes.show(path, "connection.html", connection, example=CONNECTION, tag="Connection")
    finding = {"step": "login", "state": "ok", "text": "user 'erp-feeds' is in, and data is protected"}
    routes.post(path + "/checks", check, example=[finding], tag="Connection")
    routes.pages.post(path + "/checks")(_check_page)
    account = path + "/account"
    made = {"login": "testshop", "password": "…"}
    for name, endpoint, of_page, example in (
        ("create", create, _create_page, made),
        ("rotate", rotate, _rotate_page, made),
        ("disable", disable, _disable_page, {"merchant": "testshop"}),
    ):
        routes.post(f"{account}/{name}", endpoint, example=example, tag="Connection")
        routes.pages.post(f"{account}/{name}")(of_page)
