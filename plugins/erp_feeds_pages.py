"""Registers the pages of erp-feeds and their entries in Airflow's UI."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from erp_feeds.web import PREFIX, app
from erp_feeds.web.navigation import VIEWS


class ErpFeedsPages(AirflowPlugin):
    """The application, an item of the navigation, and a tab on DAGs and runs."""

    name = "erp_feeds_pages"
    fastapi_apps: ClassVar[list[Any]] = [{"app": app, "url_prefix": PREFIX, "name": "erp-feeds"}]
    external_views: ClassVar[list[Any]] = VIEWS
