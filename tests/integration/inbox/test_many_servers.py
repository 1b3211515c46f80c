"""The benchmarks of many merchants begin as after weeks of work: every file on their servers is known."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

import many_servers
from erp_feeds.inbox.poller import scan_together
from erp_feeds.interfaces import INTERFACES

MERCHANTS = 4


def test_no_file_on_the_servers_of_a_benchmark_is_new(
    tmp_path: Path, store: psycopg.Connection, store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with many_servers.running(tmp_path / "ftps", 2, MERCHANTS, 30.0) as servers:
        many_servers.remember_files(servers, store_uri)
        for name, value in servers.connections.items():
            assert json.loads(value)["conn_type"] == "ftps"
            monkeypatch.setenv(name, value)
        for connection in servers.ports:
            shops = [each for each in servers.merchants if each.ftps.connection == connection]
            found = scan_together(connection, shops)
            assert {name: result.waiting for name, result in found.items()} == {
                shop.name: frozenset() for shop in shops
            }
        assert servers.visits().number("login") == len(servers.ports)
    states = dict(store.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall())
    assert states == {"loaded": MERCHANTS * len(INTERFACES) * many_servers.FILES}
