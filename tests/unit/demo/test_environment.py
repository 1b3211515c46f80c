"""Every process of the demo gets one environment; what is secret is readable by its owner only."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from erp_feeds.demo import environment
from erp_feeds.demo.credentials import credentials
from erp_feeds.demo.environment import Home
from erp_feeds.demo.ports import Ports

URI = "postgresql://postgres:@/{}?host=/run/pg"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "it's home"))
    return environment.home()


@pytest.fixture
def variables(home: Home) -> dict[str, str]:
    databases = {name: URI.format(name) for name in ("airflow", "erp_feeds")}
    return environment.build(home, Ports(ui=8181, ftps=2222), environment.secrets_of(home), databases)


def test_all_state_lies_below_home(home: Home, variables: dict[str, str]) -> None:
    assert variables["AIRFLOW_HOME"].startswith(str(home.folder))
    assert variables["AIRFLOW__LOGGING__BASE_LOG_FOLDER"].startswith(str(home.folder))


def test_airflow_finds_its_database_by_the_socket(variables: dict[str, str]) -> None:
    uri = "postgresql+psycopg2://postgres@/airflow?host=/run/pg"
    assert variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == uri


def test_every_merchant_has_a_connection_that_verifies_the_server(variables: dict[str, str]) -> None:
    for merchant in environment.merchants():
        connection = json.loads(variables["AIRFLOW_CONN_" + merchant.ftps.connection.upper()])
        wanted = ("ftps", 2222, "erp-feeds")  # the login that reads every folder of our own server
        assert (connection["conn_type"], connection["port"], connection["login"]) == wanted
        assert Path(connection["extra"]["ca_file"]).is_file()


def test_the_store_is_a_postgres_connection(variables: dict[str, str]) -> None:
    connection = json.loads(variables["AIRFLOW_CONN_ERP_FEEDS_STORE"])
    assert connection == {
        "conn_type": "postgres",
        "host": "/run/pg",
        "login": "postgres",
        "schema": "erp_feeds",
    }


def test_a_shell_can_source_the_environment(home: Home, variables: dict[str, str]) -> None:
    environment.write_shell(home, variables)
    script = f'. "{home.shell}" && printf %s "$AIRFLOW_HOME"'
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == variables["AIRFLOW_HOME"]


def test_secrets_are_private_and_stay_the_same(home: Home, variables: dict[str, str]) -> None:
    environment.write_shell(home, variables)
    secret = [home.shell, *(path for path in home.secrets.iterdir() if path.is_file())]
    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}
    assert environment.secrets_of(home) == environment.secrets_of(home)


def test_a_new_merchant_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    first = credentials(tmp_path / "credentials.json", ["one"])
    second = credentials(tmp_path / "credentials.json", ["one", "two"])
    assert second.ftps["one"] == first.ftps["one"]
    assert second.ftps["two"]


def test_airflow_signs_with_a_key_that_is_long_enough(tmp_path: Path) -> None:
    assert len(credentials(tmp_path / "credentials.json", []).jwt_secret.encode()) >= 64
