"""The pages below Airflow's auth manager, on a store that real files have filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from support.airflow_web import PEOPLE, airflow_web
from support.merchants import copy_of_ours
from support.shop_files import account, basket, export
from support.shop_fixtures import Shop

Ask = Callable[[str], TestClient]
HERE = "http://testserver"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
HOSTILE = "<script>alert(1)</script>"


def person(number: str, **fields: str) -> str:
    values = {"CustomerNumber": number, **fields}
    return "".join(f"<{element}>{value}</{element}>" for element, value in values.items())


@pytest.fixture(scope="session")
def root() -> Iterator[FastAPI]:
    """An application of Airflow's kind: its auth manager, and ours mounted as its plugin mounts it."""
    with airflow_web():
        from airflow.api_fastapi.app import init_auth_manager

        from erp_feeds.web import PREFIX, app

        made = FastAPI()
        init_auth_manager(made)
        made.mount(PREFIX, app)
        yield made


@pytest.fixture
def ask(root: FastAPI, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Return what makes a browser that somebody has logged in: a name of PEOPLE, or '' for nobody."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from erp_feeds.web import connections

    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(copy_of_ours(tmp_path / "our-merchants")))
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    connections.pool.cache_clear()

    def logged_in(name: str) -> TestClient:
        client = TestClient(root, base_url=f"{HERE}/erp-feeds", follow_redirects=False)
        if name:
            user = SimpleAuthManagerUser(username=name, role=PEOPLE[name])
            client.cookies.set(COOKIE_NAME_JWT_TOKEN, get_auth_manager().generate_jwt(user))
        return client

    yield logged_in
    connections.pool().close()
    connections.pool.cache_clear()


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """A shop with people, an order, accounts, a reject and a quarantined file; some values are hostile."""
    shop.place(
        export(
            "srs_customers",
            "20170101",
            person("1001", Email="ada@example.com", FirstName="Ada", LastName=f"<![CDATA[{HOSTILE}]]>"),
            person("1.23E+05", Email="x@example.com", City=f"<![CDATA[{HOSTILE}]]>"),
        ),
        export("srs_purchases", "20170102", basket("R1", "0.50", number="1001")),
        export(
            "erp_cache_customers",
            "20170103",
            account("100000", PriceListName="WHOLESALE"),
            account("100001", InvoiceTo="100000", DiscountPercentage="2.50"),
            account("1/2", InvoiceTo="1/2"),
        ),
    )
    broken = export("erp_cache_customers", "20170104")
    shop.place(replace(broken, content=b"no zip"), minute=1)
    shop.run_tasks("manual__first")
    return shop
