"""Connection and Apps: what the ERP party is told, a check, an account, and an app that is enabled."""

from __future__ import annotations

import ftplib
import io
import json
import ssl
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from erp_feeds.cli import app
from erp_feeds.demo.certificates import Certificates
from erp_feeds.ftps_server import FtpsServer
from erp_feeds.ftps_server.store_accounts import StoreAccounts
from erp_feeds.merchant_file import read_merchants
from erp_feeds.store import audit, queries
from erp_feeds.store.ftps_accounts import READER
from integration.web.conftest import SAME_ORIGIN, Ask, person
from support.ftps_fixtures import RunningFtps
from support.merchants import facts_of
from support.shop_files import export
from support.shop_fixtures import Shop

API = "/api/v1"
ONE = "/merchants/testshop"
HERE = f"{ONE}/connection"
PASSWORD = "of the reader"


@pytest.fixture
def hosted(
    *,
    tmp_path: Path,
    ftps_certificates: Certificates,
    ftps: RunningFtps,
    store_uri: str,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """The home of a server of erp-feeds with accounts of the store, to which the shop's connection leads."""
    accounts = StoreAccounts(store_uri, PASSWORD)
    with FtpsServer(tmp_path / "hosted", ftps_certificates.server, accounts) as server:
        server.handler.auth_failed_timeout = 0.01
        leads_there = ftps.connection(port=server.port, login=READER, password=PASSWORD)
        monkeypatch.setenv("AIRFLOW_CONN_TESTSHOP_FTPS", leads_there)
        yield tmp_path / "hosted"
    accounts.close()


def test_a_stock_client_places_a_file_with_what_the_page_says(
    ask: Ask, hosted: Path, ftps_certificates: Certificates, shop: Shop
) -> None:
    admin = ask("admin")
    shown = admin.get(HERE).text
    assert "The ERP party has no account yet" in shown
    assert f'action="/erp-feeds{HERE}/account/create"' in shown
    made = admin.post(f"{HERE}/account/create", headers=SAME_ORIGIN)
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    told = admin.get(f"{API}{HERE}").json()
    assert (told["login"], told["root"], told["is_hosted"]) == ("testshop", "/", True)
    created = made.text.split('class="once">')[1].split("<")[0]
    rotated = admin.post(f"{API}{HERE}/account/rotate", json={"version": 1}, headers=SAME_ORIGIN)
    assert rotated.headers["cache-control"] == "no-store"
    password = rotated.json()["password"]
    twice = admin.post(f"{API}{HERE}/account/rotate", json={"version": 1}, headers=SAME_ORIGIN)
    assert (twice.status_code, twice.json()["code"]) == (409, "changed")

    place = ssl.create_default_context(cafile=str(ftps_certificates.ca))
    client = ftplib.FTP_TLS(context=place, timeout=120)
    client.connect(told["host"], told["port"])
    with pytest.raises(ftplib.error_perm, match="530"):
        client.login(told["login"], created)
    client.login(told["login"], password)
    client.prot_p()
    paths = {each["interface"]: each["path"].replace("<index>", "20170101") for each in told["files"]}
    client.storbinary(f"STOR {paths['srs_customers']}.part", io.BytesIO(b"a file"))
    client.rename(f"{paths['srs_customers']}.part", paths["srs_customers"])
    address = f"ftp://{told['host']}:{told['port']}{paths['srs_purchases']}"
    command = ["curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", str(ftps_certificates.ca)]
    command += ["--user", f"{told['login']}:{password}", "--upload-file", __file__, address]
    assert subprocess.run(command, check=False).returncode == 0
    names = {path.name for path in (hosted / "testshop" / "srs").iterdir()}
    assert names == {"TestShop_SRS_Customers_20170101.zip", "TestShop_SRS_Purchases_20170101.zip"}

    gone = admin.post(f"{HERE}/account/disable", headers=SAME_ORIGIN)
    assert (gone.status_code, gone.headers["location"]) == (303, f"/erp-feeds{HERE}")
    shown = admin.get(HERE).text
    assert "Open the account again" in shown
    for secret in (created, password):
        assert secret not in shown + admin.get(f"{ONE}/audit").text
    entries = audit.listed(shop.store, "testshop")
    actions = ["FTPS account disabled", "FTPS password rotated", "FTPS account created"]
    assert [(each.who, each.action) for each in entries] == [("admin", action) for action in actions]


def test_a_check_says_what_the_doctor_says(ask: Ask, hosted: Path, shop: Shop) -> None:
    (hosted / "testshop").mkdir(exist_ok=True)
    found = ask("admin").post(f"{API}{HERE}/checks", headers=SAME_ORIGIN).json()
    steps = {each["step"]: each for each in found}
    for step in ("login", "listing", "archive", "store"):
        assert steps[step]["state"] == "ok", steps[step]
    folders = steps["folders"]
    assert (folders["state"], "create-folders" in folders["text"]) == ("warning", True)
    assert folders["text"] in unescape(ask("admin").post(f"{HERE}/checks", headers=SAME_ORIGIN).text)
    assert audit.listed(shop.store, "testshop")[0].action == "connection checked"


def test_accounts_are_of_our_own_server_only(ask: Ask, shop: Shop) -> None:
    refused = ask("admin").post(f"{API}{HERE}/account/create", headers=SAME_ORIGIN)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_hosted")
    shown = ask("admin").get(HERE).text
    assert "FTPS account" not in shown
    assert "/testshop/srs/TestShop_SRS_Customers_&lt;index&gt;.zip" in shown


def test_an_app_is_enabled_as_often_as_one_clicks(
    ask: Ask, filled: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, path = ask("admin"), f"{API}{ONE}/apps"
    states = {each["name"]: each["state"] for each in admin.get(path).json()["apps"]}
    assert states == {"srs": "running", "ErpCache": "running"}
    folder = tmp_path / "merchants"
    folder.mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    text = """
name: testshop
shop_name: TestShop
timezone: UTC
currency: EUR
ftps: {connection: testshop_ftps, root: /fresh}
interfaces:
  erp_cache_customers: {}
"""
    (folder / "testshop.yaml").write_text(text)
    assert [each["state"] for each in admin.get(path).json()["apps"]] == ["not enabled", "running"]
    (folder / "testshop.yaml").write_text(text + "  srs_customers: {}\n")
    assert [each["state"] for each in admin.get(path).json()["apps"]] == ["partly enabled", "running"]
    assert "Enable all of SRS</button>" in admin.get(f"{ONE}/apps").text
    assert "Your role in Airflow does not allow" in ask("viewer").get(f"{ONE}/apps").text
    (folder / "testshop.yaml").write_text(text)
    first = admin.post(f"{path}/srs/enable", headers=SAME_ORIGIN).json()
    assert first["folders"] == {"/fresh": True, "/fresh/srs": True}
    assert (filled.inbox.parent / "fresh" / "srs").is_dir()
    again = admin.post(f"{path}/srs/enable", headers=SAME_ORIGIN).json()
    assert (again["folders"], again["lines"]) == ({"/fresh/srs": False}, first["lines"])
    assert "srs_purchases: {}" in admin.post(f"{ONE}/apps/srs/enable", headers=SAME_ORIGIN).text
    (folder / "testshop.yaml").write_text(text + first["lines"])
    both = {"erp_cache_customers", "srs_customers", "srs_purchases"}
    assert set(yaml.safe_load(text + first["lines"])["interfaces"]) == both
    filled.store.execute("TRUNCATE files CASCADE")
    filled.store.commit()
    assert {each["state"] for each in admin.get(path).json()["apps"]} == {"waiting for the first file"}
    (folder / "testshop.yaml").write_text(text + "settings: store\n")
    opened = admin.post(f"{ONE}/apps/srs/enable", headers=SAME_ORIGIN)
    assert opened.headers["location"] == f"/erp-feeds{ONE}/mapping/srs_customers?enabled=srs"
    assert admin.get(opened.headers["location"].removeprefix("/erp-feeds")).status_code == 200
    assert {each["state"] for each in admin.get(path).json()["apps"]} == {"waiting for the first file"}
    assert admin.post(f"{path}/srs/enable", headers=SAME_ORIGIN).json()["switched_on"] == []
    (folder / "testshop.yaml").write_text(text + first["lines"])
    assert admin.post(f"{path}/srs/enable", headers=SAME_ORIGIN).json()["lines"] == ""
    assert admin.post(f"{path}/other/enable", headers=SAME_ORIGIN).status_code == 422


def test_a_merchant_whose_interfaces_are_left_to_the_page_begins_with_none(
    ask: Ask, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "merchants"
    folder.mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    facts = facts_of(settings="store", interfaces={}, ftps=shop.merchant.ftps.model_dump(mode="json"))
    (folder / "testshop.yaml").write_text(json.dumps(facts))
    [shop.merchant] = read_merchants(folder)[0]
    shop.place(export("srs_customers", "20170101", person("1001", Email="ada@example.com")))
    assert not shop.run_tasks("manual__nothing").files  # and no error
    admin = ask("admin")
    for page in ("", "/apps", "/connection", "/mapping/srs_customers", "/files", "/settings"):
        assert admin.get(f"{ONE}{page}").status_code == 200, page
    checked = admin.post(f"{API}{HERE}/checks", headers=SAME_ORIGIN).json()
    steps = {each["step"]: each for each in checked}
    assert (steps["folders"]["state"], steps["listing"]["state"]) == ("warning", "ok")
    assert "no interface is switched on" in steps["folders"]["text"]
    assert "fine (no interface yet)" in CliRunner().invoke(app, ["check"]).output
    made = admin.post(f"{API}{ONE}/apps/srs/enable", headers=SAME_ORIGIN)
    assert made.json()["switched_on"] == ["srs_customers", "srs_purchases"]
    assert len(shop.run_tasks("manual__first").files) == 1
    assert queries.holdings(shop.store, "testshop").profiles == 1
