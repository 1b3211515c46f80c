"""Airflow's real server with the pages in it, and Chromium (Debian's, or the one that CHROMIUM names)."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from integration.conftest import server_uri, store, store_uri, template  # noqa: F401 - fixtures
from integration.web.conftest import filled  # noqa: F401 - a fixture
from support.airflow_web import PEOPLE, airflow_web
from support.ftps_fixtures import ftps, ftps_certificates, ftps_connection  # noqa: F401 - fixtures
from support.shop_fixtures import shop  # noqa: F401 - a fixture

Browse = Callable[..., Page]
TIMEOUT_MS = 120_000
"""Milliseconds for one page: machines of tests are shared."""
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where Airflow listens: its core application, with our plugin as Airflow finds it."""
    with airflow_web():
        from airflow.api_fastapi.app import create_app

        server = uvicorn.Server(uvicorn.Config(create_app("core"), port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    place = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not place:
        pytest.skip("needs Chromium: `apt install chromium`, or its place in CHROMIUM")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=place, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def browse(
    address: str,
    chromium: Browser,
    filled: object,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Browse]:
    """Return what opens a page as somebody: `browse("viewer", path)`; an error on its console fails."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from erp_feeds.web import connections

    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_AIRFLOW", address)
    connections.pool.cache_clear()
    said: list[str] = []

    def opened(name: str, path: str, *, dark: bool = False) -> Page:
        context = chromium.new_context(base_url=address, color_scheme="dark" if dark else "light")
        if name:
            user = SimpleAuthManagerUser(username=name, role=PEOPLE[name])
            token = get_auth_manager().generate_jwt(user)
            context.add_cookies([{"name": COOKIE_NAME_JWT_TOKEN, "value": token, "url": address}])
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(path)
        return page

    yield opened
    for context in chromium.contexts:
        context.close()
    connections.pool().close()
    connections.pool.cache_clear()
    assert said == []
