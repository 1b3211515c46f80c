"""Take the pictures of the documents from a running demo: `make run`, then `make screenshots`.

Needs Chromium on the PATH (or its place in CHROMIUM), headless.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from erp_feeds.demo import environment
from erp_feeds.demo.ports import Ports
from erp_feeds.errors import FailError, FeedError
from erp_feeds.orchestration.links import HEALTH_DAG
from erp_feeds.orchestration.rest_client import AirflowApi

IMAGES = Path(__file__).parent / "images"
SIZE: Any = {"width": 1440, "height": 860}
DAG = "completejourney"
LEFT_PANEL = """width => {for (const view of ["grid", "graph"]) localStorage.setItem(
    `react-resizable-panels:${view}-ltr`,
    JSON.stringify({"details-panel,main-panel": {expandToSizes: {}, layout: [width, 100 - width]}}))}"""
"""Sets how many percent of the page the grid or graph takes: Airflow's UI remembers it in the browser."""
PAGES = {
    "page-merchants.png": "",
    "page-mapping.png": "merchants/testshop/mapping/srs_customers",
    "page-connection.png": "merchants/testshop/connection",
}
"""File name -> path below our own pages."""
TIMEOUT_MS = 120_000
"""Milliseconds that a busy machine may take for a page."""
DRAWING_MS = 2_500
"""Milliseconds that the page may take to draw after its data have come."""


def main() -> None:
    """Log in as the demo's admin and photograph what people look at first."""
    home = environment.home()
    ports = Ports.model_validate_json((home.run / "ports.json").read_text("utf-8"))
    address = f"http://{environment.HOST}:{ports.ui}"
    password = environment.secrets_of(home).admin_password
    api = AirflowApi(address, password)
    run, shown = _run_that_loaded(api), _last_red_run(api)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(TIMEOUT_MS)
        _log_in(page, address, password)
        page.evaluate(LEFT_PANEL, 32)
        _take(page, f"{address}/dags/{DAG}", "grid.png")
        page.evaluate(LEFT_PANEL, 16)
        _take(page, f"{address}/dags/{DAG}/runs/{run}/tasks/load", "load.png")
        _take(page, f"{address}/dags/{HEALTH_DAG}/runs/{shown}", "health.png")
        for name, path in PAGES.items():
            _take(page, f"{address}/erp-feeds/{path}", name)
        page.evaluate(LEFT_PANEL, 80)
        # The last: Airflow remembers that the graph was chosen.
        _take(page, f"{address}/dags/{DAG}/runs/{run}", "graph.png", click="Show Graph (Press g)")
        browser.close()


def _run_that_loaded(api: AirflowApi) -> str:
    """Return a run that had files, as its note says: the others end after `sense`."""
    runs = api.call("GET", f"/api/v2/dags/{DAG}/dagRuns", params={"limit": 100, "state": ["success"]})
    noted = [run["dag_run_id"] for run in runs["dag_runs"] if run["note"]]
    if not noted:
        raise FailError("no run has loaded files yet", "no_run")
    return str(noted[-1])


def _last_red_run(api: AirflowApi) -> str:
    """Return the latest run of the DAG that shows what is open."""
    asked = {"limit": 1, "state": ["failed"], "order_by": "-run_after"}
    runs = api.call("GET", f"/api/v2/dags/{HEALTH_DAG}/dagRuns", params=asked)
    if not runs["dag_runs"]:
        raise FailError(f"{HEALTH_DAG} has not shown anything yet: wait for its next run", "no_run")
    return str(runs["dag_runs"][0]["dag_run_id"])


def _log_in(page: Page, address: str, password: str) -> None:
    page.goto(f"{address}/auth/login")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/auth/login" not in url)
    page.wait_for_load_state("networkidle")


def _take(page: Page, address: str, name: str, click: str = "") -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    if click:
        page.get_by_label(click).first.click()
    page.wait_for_timeout(DRAWING_MS)
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    try:
        main()
    except FeedError as error:
        sys.exit(f"error: {error}")
