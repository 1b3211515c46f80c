"""The entries of these pages in Airflow's UI: an item of the navigation, and tabs on DAGs and runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from erp_feeds.orchestration.links import base_url
from erp_feeds.web import PREFIX

_BASE_PATH = urlsplit(base_url()).path + PREFIX
_ICON = f"{_BASE_PATH}/static/icon.svg"
_ICON_DARK = f"{_BASE_PATH}/static/icon-dark.svg"
VIEWS: list[dict[str, str | bool]] = [
    {
        "name": "ERP feeds",
        "href": f"{_BASE_PATH}/",
        "destination": "nav",
        "nav_top_level": True,
        "url_route": "erp-feeds",
        "icon": _ICON,
        "icon_dark_mode": _ICON_DARK,
    },
    {
        "name": "ERP feed",
        "href": _BASE_PATH + "/merchants/{DAG_ID}",
        "destination": "dag",
        "url_route": "erp-feed",
        "icon": _ICON,
        "icon_dark_mode": _ICON_DARK,
    },
    {
        "name": "Files",
        "href": _BASE_PATH + "/merchants/{DAG_ID}/runs/{RUN_ID}",
        "destination": "dag_run",
        "url_route": "erp-feed-files",
        "icon": _ICON,
        "icon_dark_mode": _ICON_DARK,
    },
]
