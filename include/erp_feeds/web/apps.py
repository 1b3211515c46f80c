"""Apps: what a merchant's ERP may send; enabling one makes its folder and switches its interfaces on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Path, Request, Response

from erp_feeds.inbox.paths import folder_of
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.operations.folders import make_folders
from erp_feeds.store import audit, incidents, merchant_settings
from erp_feeds.web.configuration import configured, of_file
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor, Reader
from erp_feeds.web.rendering import page, see_other
from erp_feeds.web.routes import Routes

APPS = {"srs": "SRS", "ErpCache": "ERP Cache"}
"""Folder -> title: the interfaces of one folder are one app."""
AppName = Annotated[str, Path(pattern="^(" + "|".join(APPS) + ")$", examples=["srs"])]


class AppState(StrEnum):
    """How far an app is."""

    OFF = "not enabled"
    PARTLY = "partly enabled"
    WAITING = "waiting for the first file"
    RUNNING = "running"


@dataclass(frozen=True)
class AppInterface:
    """One kind of file of an app."""

    name: str
    title: str
    is_on: bool
    has_mapping: bool
    last_file: datetime | None


@dataclass(frozen=True)
class App:
    """An app of one merchant."""

    name: str
    """Also the name of its folder."""
    title: str
    state: AppState
    interfaces: list[AppInterface]


@dataclass(frozen=True)
class AppsPage:
    """The apps of one merchant."""

    merchant: str
    apps: list[App]


@dataclass(frozen=True)
class Enabled:
    """What enabling an app did, and what is left to do."""

    merchant: str
    app: str
    title: str
    folders: dict[str, bool]
    """Path on the server -> whether it was made now."""
    switched_on: list[str]
    """Interfaces that are on from now on."""
    file: str
    """The merchant file in which the lines are missing."""
    lines: str
    """YAML to add there; empty: the interfaces are on."""


def apps(caller: Reader, store: Store) -> AppsPage:
    """List the apps: not or partly enabled, waiting for the first file, or running."""
    merchant = configured(caller.merchant)
    latest = incidents.latest_files_of(store, [merchant.name]).get(merchant.name, {})
    return AppsPage(merchant.name, [_app(merchant, name, latest) for name in APPS])


def enable(caller: PeopleEditor, store: Store, app: AppName) -> Enabled:
    """Enable an app: make its folder on the server and switch its interfaces on; harmless when repeated."""
    merchant = configured(caller.merchant)
    folder = folder_of(merchant, INTERFACES[_names(app)[0]])
    folders = make_folders(merchant, [folder])
    missing = [name for name in _names(app) if name not in merchant.interfaces]
    if merchant.settings == "store":
        merchant_settings.enable(store, of_file(merchant.name), missing, caller.name)
    lines = "" if merchant.settings == "store" else "".join(f"  {name}: {{}}\n" for name in missing)
    audit.note(store, caller.name, merchant.name, "app enabled", APPS[app])
    return Enabled(
        merchant=merchant.name,
        app=app,
        title=APPS[app],
        folders=folders,
        switched_on=[] if lines else missing,
        file=f"{merchant.name}.yaml",
        lines=lines,
    )


def _names(app: str) -> list[str]:
    return [each.name for each in INTERFACES.values() if each.folder == app]


def _app(merchant: Merchant, name: str, latest: dict[str, datetime]) -> App:
    interfaces = [
        AppInterface(
            each,
            INTERFACES[each].title,
            each in merchant.interfaces,
            bool(INTERFACES[each].targets),
            latest.get(each),
        )
        for each in _names(name)
    ]
    if not any(each.is_on for each in interfaces):
        state = AppState.OFF
    elif not all(each.is_on for each in interfaces):
        state = AppState.PARTLY
    elif any(each.last_file for each in interfaces):
        state = AppState.RUNNING
    else:
        state = AppState.WAITING
    return App(name, APPS[name], state, interfaces)


def _enable_page(request: Request, caller: PeopleEditor, store: Store, app: AppName) -> Response:
    enabled = enable(caller, store, app)
    to_map = [name for name in enabled.switched_on if INTERFACES[name].targets]
    if to_map:
        return see_other(request, f"/merchants/{caller.merchant}/mapping/{to_map[0]}?enabled={app}")
    return page(request, "apps.html", {"found": apps(caller, store), "enabled": enabled})


APPS_PAGE = {
    "merchant": "testshop",
    "apps": [
        {
            "name": "ErpCache",
            "title": "ERP Cache",
            "state": "running",
            "interfaces": [
                {
                    "name": "erp_cache_customers",
                    "title": "ERP Cache Customers",
                    "is_on": True,
                    "has_mapping": False,
                    "last_file": "2026-01-31T06:00:00Z",
                }
            ],
        }
    ],
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}/apps"
    routes.show(path, "apps.html", apps, example=APPS_PAGE, tag="Apps")
    enabled = {
        "merchant": "testshop",
        "app": "srs",
        "title": "SRS",
        "folders": {"/testshop/srs": True},
        "switched_on": [],
        "file": "testshop.yaml",
        "lines": "  srs_customers: {}\n  srs_purchases: {}\n",
    }
    routes.post(path + "/{app}/enable", enable, example=enabled, tag="Apps")
    routes.pages.post(path + "/{app}/enable")(_enable_page)
