"""The command line without a store: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from erp_feeds.cli import app
from erp_feeds.settings import INCLUDE

HEAVY = {"airflow", "pandas", "pyarrow", "psycopg", "lxml", "alembic", "sqlalchemy"}
CONNECTION = {
    "conn_type": "postgres",
    "host": "db.invalid",
    "port": 5433,
    "login": "app",
    "password": "p@ss",
    "schema": "erp",
}
GOOD = """\
name: shop
shop_name: Shop
timezone: UTC
currency: EUR
ftps: {connection: shop_ftps}
interfaces: {srs_customers: {}}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A runner whose merchants and state are the test's own, without any store."""
    (tmp_path / "merchants").mkdir()
    (tmp_path / "merchants" / "shop.yaml").write_text(GOOD, "utf-8")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path / "merchants"))
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AIRFLOW_HOME", "AIRFLOW__CORE__LOAD_EXAMPLES", "AIRFLOW__CORE__DAGS_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AIRFLOW__CORE__UNIT_TEST_MODE", raising=False)
    return CliRunner()


def test_help_is_everywhere(run: CliRunner) -> None:
    callbacks = [command.callback for command in app.registered_commands if command.callback]
    names = [callback.__name__.replace("_", "-") for callback in callbacks]
    assert "replay" in names
    for name in names:
        result = run.invoke(app, [name, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert result.exit_code == 0, name
        assert "--json" in result.output or name == "ftps-server", name  # which answers nobody: it serves


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, erp_feeds.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(loaded.stdout.split())


def test_check_warns_of_alerts_that_nobody_would_get(run: CliRunner, tmp_path: Path) -> None:
    shop = tmp_path / "merchants" / "shop.yaml"
    shop.write_text(GOOD + "alerts: {email: [oncall@example.com], apprise: [chat]}\n", "utf-8")
    mail = {"AIRFLOW_CONN_SMTP_DEFAULT": "smtp://localhost:25"}
    result = run.invoke(app, ["check"], env=mail)
    assert result.exit_code == 0
    assert result.stdout == "shop: fine (srs_customers)\n"
    assert "warning: shop: alerts: Airflow has no connection 'chat' (type apprise)" in result.stderr
    assert "smtp_default" not in result.stderr
    told = json.loads(run.invoke(app, ["check", "--json"], env=mail).stdout)
    assert len(told["warnings"]) == 1


def test_check_prints_what_is_fine_and_what_is_not(run: CliRunner, tmp_path: Path) -> None:
    assert run.invoke(app, ["check"]).stdout == "shop: fine (srs_customers)\n"
    bad = tmp_path / "merchants" / "bad.yaml"
    bad.write_text(GOOD.replace("name: shop", "name: bad").replace("currency", "curency"), "utf-8")
    result = run.invoke(app, ["check"])
    assert result.exit_code == 1
    assert "shop: fine" in result.stdout
    assert "error: bad.yaml:4: curency is no known key; did you mean 'currency'?" in result.stderr
    assert run.invoke(app, ["check", str(tmp_path / "merchants" / "shop.yaml")]).exit_code == 0


def test_check_as_json(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "merchants" / "bad.yaml").write_text("- a", "utf-8")
    result = run.invoke(app, ["check", "--json"])
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["merchants"] == [{"merchant": "shop", "interfaces": ["srs_customers"]}]
    assert [error["code"] for error in told["errors"]] == ["invalid_yaml"]


def test_check_without_any_merchant_says_where_it_looked(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "merchants" / "shop.yaml").unlink()
    result = run.invoke(app, ["check"])
    assert result.exit_code == 1
    assert str(tmp_path / "merchants") in result.stderr


def test_interfaces_show_every_field(run: CliRunner) -> None:
    result = run.invoke(app, ["interfaces", "erp_cache_customers"])
    assert "DiscountPercentage" in result.stdout
    assert "srs" not in result.stdout
    told = json.loads(run.invoke(app, ["interfaces", "--json"]).stdout)
    assert {each["name"] for each in told} == {"srs_customers", "srs_purchases", "erp_cache_customers"}
    assert all(each["fields"][0]["column"] for each in told)


@pytest.mark.parametrize("command", ["interfaces", "sample"])
def test_a_mistyped_interface_gets_an_offer(run: CliRunner, command: str) -> None:
    result = run.invoke(app, [command, "srs_custmers"])
    assert result.exit_code == 1
    assert result.stderr == "error: 'srs_custmers' is no interface; did you mean 'srs_customers'?\n"


def test_machines_get_errors_as_json(run: CliRunner) -> None:
    for arguments, code, status in (
        (["interfaces", "srs_custmers"], "unknown_interface", 1),
        (["sample", "srs_customers", "--recods", "3"], "usage", 2),
        (["profile", "shop"], "usage", 2),
    ):
        result = run.invoke(app, [*arguments, "--json"])
        assert (result.exit_code, result.stdout) == (status, "")
        assert json.loads(result.stderr)["error"]["code"] == code
    assert run.invoke(app, ["check", "--json"]).exit_code == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            ["record", "testshop", "file.zip", "twelve"],
            "Invalid value for 'RECORD': a whole number is expected",
        ),
        (["files", "testshop", "--limit", "0"], "Invalid value for '--limit': 1 or more is expected"),
        (["ftps-account", "testshop", "drop"], "Invalid value for 'ACTION': 'drop' is not one of 'create'"),
    ],
)
def test_a_wrong_value_is_named_in_our_words(run: CliRunner, command: list[str], words: str) -> None:
    result = run.invoke(app, [*command, "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stderr)["error"]["message"].startswith(words)


def test_the_version_is_that_of_the_package(run: CliRunner) -> None:
    project = tomllib.loads((INCLUDE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert run.invoke(app, ["--version"]).stdout == f"erp-feeds {project['version']}\n"


def test_one_merchant_is_checked_by_name_or_by_file(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "merchants" / "bad.yaml").write_text("- a", "utf-8")
    for merchant in ("shop", str(tmp_path / "merchants" / "shop.yaml")):
        assert run.invoke(app, ["check", merchant]).stdout == "shop: fine (srs_customers)\n"
    result = run.invoke(app, ["check", "shopp"])
    assert (result.exit_code, "did you mean 'shop'?" in result.stderr) == (1, True)


def test_a_command_imports_nothing_of_the_demo() -> None:
    commands = (INCLUDE / "erp_feeds" / "cli").glob("*.py")
    assert not [path.name for path in commands if "erp_feeds.demo" in path.read_text("utf-8")]


def test_a_wrong_option_is_a_usage_error(run: CliRunner) -> None:
    assert run.invoke(app, ["sample", "srs_customers", "--recods", "3"]).exit_code == 2
    assert run.invoke(app, ["profile", "shop"]).exit_code == 2
    assert run.invoke(app, ["profile", "shop", "--srs", "1", "--id", "1"]).exit_code == 2


def test_sample_to_standard_output(run: CliRunner) -> None:
    result = run.invoke(app, ["sample", "srs_purchases", "--records", "5"])
    assert result.exit_code == 0
    assert result.stdout.count("<Purchase>") == 5


def test_sample_into_a_folder_gets_the_proper_name(run: CliRunner, tmp_path: Path) -> None:
    options = [
        "--shop",
        "My_Shop",
        "--index",
        "20170102",
        "--version",
        "1.0",
        "--output",
        str(tmp_path),
        "--json",
    ]
    result = run.invoke(app, ["sample", "erp_cache_customers", *options])
    path = tmp_path / "My_Shop_ErpCache_Customers_20170102.zip"
    assert json.loads(result.stdout)["path"] == str(path)
    with ZipFile(path) as archive:
        assert archive.namelist() == ["My_Shop_ErpCache_Customers_20170102.xml"]
        assert b"<Version>1.0</Version>" in archive.read(archive.namelist()[0])


def test_sample_to_a_file(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "sample.xml"
    assert run.invoke(app, ["sample", "srs_customers", "-o", str(path)]).exit_code == 0
    assert path.read_text("utf-8").startswith("<?xml")


def test_a_sample_is_never_named_as_nobody_takes_it(run: CliRunner) -> None:
    result = run.invoke(app, ["sample", "srs_customers", "--index", "2017-01-01"])
    assert result.exit_code == 2
    assert "--index is digits" in result.stderr


def test_schema_is_the_one_that_is_published(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    assert run.invoke(app, ["schema", "--output", str(path)]).exit_code == 0
    assert path.read_text("utf-8") == run.invoke(app, ["schema"]).stdout
    assert path.read_text("utf-8") == (INCLUDE / "merchants" / "merchant.schema.json").read_text("utf-8")


def test_docs_of_the_project_are_fresh(run: CliRunner) -> None:
    result = run.invoke(app, ["docs", "--check"])
    assert result.exit_code == 0, result.stdout


def test_docs_writes_what_is_stale_and_removes_what_is_surplus(run: CliRunner, tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "docs" / "xsd").mkdir(parents=True)
    (root / "docs" / "xsd" / "gone.xsd").write_text("<old/>", "utf-8")
    checked = run.invoke(app, ["docs", "--root", str(root), "--check", "--json"])
    assert checked.exit_code == 1
    assert "docs/xsd/gone.xsd" in json.loads(checked.stdout)["stale"]
    assert run.invoke(app, ["docs", "--root", str(root)]).exit_code == 0
    assert run.invoke(app, ["docs", "--root", str(root), "--check"]).exit_code == 0
    assert not (root / "docs" / "xsd" / "gone.xsd").exists()


@pytest.mark.parametrize("command", [["status"], ["migrate"], ["files", "shop"], ["account", "shop", "1"]])
def test_without_a_store_the_message_says_what_to_do(run: CliRunner, command: list[str]) -> None:
    result = run.invoke(app, command)
    assert result.exit_code == 1
    assert "`make run` starts one" in result.stderr
    assert "AIRFLOW_CONN_ERP_FEEDS_STORE" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "connection",
    [
        "postgres://app:p%40ss@db.invalid:5433/erp?sslmode=require&retries=3",
        "postgresql://app:p%40ss@db.invalid:5433/erp?sslmode=require",
        json.dumps({**CONNECTION, "extra": {"sslmode": "require", "retries": 3}}),
        json.dumps({**CONNECTION, "extra": '{"sslmode": "require"}'}),
    ],
)
def test_the_environment_names_the_store_as_airflow_does(
    monkeypatch: pytest.MonkeyPatch, connection: str
) -> None:
    from psycopg.conninfo import conninfo_to_dict

    from erp_feeds.cli.connections import store_address

    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", connection)
    assert conninfo_to_dict(store_address()) == {
        "host": "db.invalid",
        "port": "5433",
        "dbname": "erp",
        "user": "app",
        "password": "p@ss",
        "sslmode": "require",
    }


def test_a_command_on_the_store_does_not_load_airflow_where_the_environment_says_all(tmp_path: Path) -> None:
    code = """
import sys
from erp_feeds.cli.connections import store_address
store_address()
import erp_feeds.store.queries
print({"airflow", "pandas", "alembic"} & set(sys.modules))
"""
    there = {
        "AIRFLOW_CONN_ERP_FEEDS_STORE": "postgresql://app@db.invalid/erp",
        "ERP_FEEDS_HOME": str(tmp_path),
    }
    said = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | there, capture_output=True, text=True, check=True
    )
    assert said.stdout == "set()\n"


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_secrets_backend_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    from erp_feeds.cli.connections import store_address
    from erp_feeds.store import connection

    monkeypatch.setattr(connection, "conninfo_of", lambda name: f"of the backend: {name}")
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", "postgresql://app@db.invalid/erp")
    if where == "environment":
        monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "vault")
    else:
        (tmp_path / "airflow.cfg").write_text("[secrets]\nbackend = vault\n")
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert store_address() == "of the backend: erp_feeds_store"


def test_the_demo_lends_its_connections_and_the_environment_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from erp_feeds.cli.connections import know_connections
    from erp_feeds.demo import environment

    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path))
    monkeypatch.setattr("os.environ", {**os.environ, "AIRFLOW_CONN_SHOP_FTPS": "ftps://mine"})
    lent = {"AIRFLOW_CONN_ERP_FEEDS_STORE": "postgresql://it's/erp", "AIRFLOW_CONN_SHOP_FTPS": "ftps://demo"}
    environment.write_shell(environment.home(), lent)
    path = os.environ["PATH"]
    know_connections()
    assert os.environ["AIRFLOW_CONN_ERP_FEEDS_STORE"] == "postgresql://it's/erp"
    assert os.environ["AIRFLOW_CONN_SHOP_FTPS"] == "ftps://mine"
    assert os.environ["PATH"] == path


@pytest.mark.parametrize("connection", ["{broken", "postgresql://host:notaport/x", "[]"])
def test_a_wrong_connection_is_named_without_its_secrets(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, connection: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", connection)
    result = run.invoke(app, ["status"])
    assert result.exit_code == 1
    assert "no store found" in result.stderr
    assert "AIRFLOW_CONN_ERP_FEEDS_STORE=postgresql://" in result.stderr
    assert connection not in result.stderr


def test_a_store_that_is_down_is_no_stack_trace(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", f"postgresql://app@/erp?host={tmp_path}")
    result = run.invoke(app, ["status"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: cannot reach the store")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--srs", "1", "--email", "a@example.com"],
        ["--srs", " "],
        ["--email", "nobody"],
        ["--srs", "1", "--json"],
    ],
)
def test_forget_wants_exactly_one_person_and_asks_no_machine(run: CliRunner, options: list[str]) -> None:
    result = run.invoke(app, ["forget", "shop", *options])
    assert result.exit_code == 2
    assert "nobody" not in result.output.replace("nobody of", "")


@pytest.mark.parametrize("options", [[], ["--srs", " "], ["--srs", "1", "--email", "nobody"]])
def test_unforget_wants_numbers_and_addresses(run: CliRunner, options: list[str]) -> None:
    result = run.invoke(app, ["unforget", "shop", *options])
    assert result.exit_code == 2
    assert "nobody" not in result.output
