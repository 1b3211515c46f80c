"""The ERP party's uploads against the real FTPS server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from erp_feeds.demo import environment, exporter, testshop
from erp_feeds.demo.ftps_server import local_server
from erp_feeds.merchant import Merchant


@pytest.fixture
def merchant() -> Merchant:
    return next(each for each in environment.merchants() if each.name == exporter.MADE)


@pytest.fixture
def inbox(tmp_path: Path, merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The shop's inbox: a server, and the connection that leads to it."""
    place = environment.Home(tmp_path)
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path))
    users = environment.secrets_of(place).ftps
    with local_server(place.ftps, place.certificates, users) as server:
        connection = {
            "host": "127.0.0.1",
            "port": server.port,
            "extra": {"ca_file": str(place.certificates.ca)},
        }
        monkeypatch.setenv("AIRFLOW_CONN_" + merchant.ftps.connection.upper(), json.dumps(connection))
        yield place.ftps / merchant.name


def test_every_file_arrives_whole_and_once(
    inbox: Path, merchant: Merchant, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {export.name: export.content for export in testshop.testshop_exports(merchant.shop_name)}
    exporter.send([merchant], days=1, pause=0)
    assert {path.name: path.read_bytes() for path in inbox.rglob("*") if path.is_file()} == wanted
    exporter.send([merchant], days=1, pause=0)
    assert capsys.readouterr().out.endswith(f"done: 0 files sent, {len(wanted)} were there already\n")


def test_what_is_expected_is_what_is_sent(merchant: Merchant) -> None:
    sent = {(each.name, export.name) for each, export in exporter.deliveries([merchant], 1)}
    assert exporter.expected([merchant], 1) == sent


def test_a_missing_connection_is_said_plainly(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "AIRFLOW_CONN_" + merchant.ftps.connection.upper()
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(exporter.ConfigurationError, match=variable):
        exporter.account_of(merchant)
