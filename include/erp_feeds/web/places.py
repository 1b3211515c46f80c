"""Where Airflow's own pages lead to ours: they show them in a frame."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf

from erp_feeds.web import PREFIX

_HERE = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + PREFIX
_ICON = f"{_HERE}/static/icon.svg"
_ICON_DARK = f"{_HERE}/static/icon-dark.svg"
VIEWS: list[dict[str, str | bool]] = [
    {
        "name": "ERP feeds",
        "href": f"{_HERE}/",
        "destination": "nav",
        "nav_top_level": True,
        "url_route": "erp-feeds",
        "icon": _ICON,
        "icon_dark_mode": _ICON_DARK,
    },
    {
        "name": "ERP feed",
        "href": _HERE + "/merchants/{DAG_ID}",
        "destination": "dag",
        "url_route": "erp-feed",
        "icon": _ICON,
        "icon_dark_mode": _ICON_DARK,
    },
    {
        "name": "Files",
        "href": _HERE + "/merchants/{DAG_ID}/runs/{RUN_ID}",
        "destination": "dag_run",
        "url_route": "erp-feed-files",
        "icon": _ICON,
        "icon_dark_mode": _ICON_DARK,
    },
]
