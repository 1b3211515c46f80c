"""The command line on a real store, and the ways it finds one."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from erp_feeds.cli import app
from erp_feeds.demo import environment, postgres
from erp_feeds.demo.run import app as demo
from erp_feeds.store.migrate import migrate
from support.known_rows import fill

STATUS_KEYS = {
    "merchant", "profiles", "orders", "returns", "lines", "revenue", "accounts", "files", "skipped",
    "open_rejects", "rejects", "quarantined", "warnings", "drift", "shared_profiles", "feeds",
}  # fmt: skip


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """A runner with one merchant file, and state of its own."""
    (tmp_path / "merchants").mkdir()
    (tmp_path / "merchants" / "empty.yaml").write_text("name: empty\n", "utf-8")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path / "merchants"))
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    return CliRunner()


class Shop:
    """The command line on a filled store."""

    def __init__(self, runner: CliRunner) -> None:
        self._runner = runner

    def run(self, *arguments: str) -> Result:
        """Run a command that people read."""
        return self._runner.invoke(app, list(arguments))

    def told(self, *arguments: str) -> object:
        """Run a command as a machine, and read its JSON."""
        result = self._runner.invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def shop(runner: CliRunner, store: psycopg.Connection) -> Shop:
    fill(store)
    return Shop(runner)


def test_status_as_json_has_exactly_the_agreed_keys(shop: Shop) -> None:
    told = shop.told("status")
    assert isinstance(told, list)
    assert [each["merchant"] for each in told] == ["empty", "other", "shop"]
    assert all(set(each) == STATUS_KEYS for each in told)
    assert told[2]["revenue"] == "8.01"
    assert told[2]["files"] == {"loaded": 2, "quarantined": 1, "waiting": 1}
    assert told[2]["skipped"] == {"no_identifier": 3, "no_lines": 1}
    assert told[0]["profiles"] == 0


def test_status_of_one_merchant(shop: Shop) -> None:
    told = shop.told("status", "shop")
    assert isinstance(told, list)
    assert len(told) == 1
    assert "8.01" in shop.run("status", "shop").stdout


def test_status_tells_of_a_profile_of_many_numbers(shop: Shop, store: psycopg.Connection) -> None:
    assert "excluded_emails" not in shop.run("status", "shop").stdout
    store.execute(
        "INSERT INTO identifiers (merchant, type, value, profile_id, file_id, record)"
        " SELECT merchant, 'srs', 'more ' || n, profile_id, file_id, record"
        " FROM (SELECT * FROM identifiers WHERE merchant = 'shop' LIMIT 1) AS one, generate_series(1, 4) AS n"
    )
    store.commit()
    assert "excluded_emails" in shop.run("status", "shop").stdout


def test_a_mistyped_merchant_gets_an_offer(shop: Shop) -> None:
    result = shop.run("files", "shoop")
    assert result.exit_code == 1
    assert result.stderr == "error: no merchant 'shoop'; did you mean 'shop'?\n"


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["files", "shop"],
        ["files", "shop", "--state", "quarantined", "--interface", "srs_customers", "--limit", "1"],
        ["profile", "shop", "--email", "ada@example.com"],
        ["orders", "shop"],
        ["orders", "shop", "--id", "W-1"],
        ["orders", "shop", "--srs", "00123", "--kind", "return"],
        ["account", "shop", "child"],
        ["invoice-graph", "shop"],
        ["rejects", "shop"],
        ["migrate"],
    ],
)
def test_every_command_speaks_to_people_and_machines(shop: Shop, command: list[str]) -> None:
    result = shop.run(*command)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
    assert shop.told(*command)


@pytest.mark.parametrize(
    ("command", "offer"),
    [
        (["rejects", "shop", "--code", "invalid_dat"], "did you mean 'invalid_date'?"),
        (["files", "shop", "--interface", "srs_customer"], "did you mean 'srs_customers'?"),
    ],
)
def test_a_typing_error_is_never_answered_with_none(shop: Shop, command: list[str], offer: str) -> None:
    result = shop.run(*command)
    assert result.exit_code == 1
    assert offer in result.output


def test_a_profile_ends_with_its_identifiers(shop: Shop) -> None:
    shown = shop.run("profile", "shop", "--srs", "77").stdout
    assert (
        shown.index("Ada")
        < shown.index("W-1")
        < shown.index("External identifiers")
        < shown.index("00123", shown.index("External"))
    )
    told = shop.told("profile", "shop", "--id", "1")
    assert isinstance(told, dict)
    assert list(told)[-1] == "identifiers"
    assert told["birthdate"] == "1985-04-12"
    fields = {each["field"]: each for each in told["fields"]}
    named = fields["firstname"]
    assert (named["value"], named["file"], named["record"]) == ("Ada", "Shop_SRS_Customers_20170101.zip", 4)
    assert named["set_at"]
    assert told["file"] == "Shop_SRS_Customers_20170101.zip"


def test_an_order_with_its_lines(shop: Shop) -> None:
    told = shop.told("orders", "shop", "--id", "W-1")
    assert isinstance(told, dict)
    assert [line["amount"] for line in told["lines"]] == ["4.00", "6.00"]


def test_an_account_says_whose_prices_apply(shop: Shop) -> None:
    told = shop.told("account", "shop", "child")
    assert isinstance(told, dict)
    assert (told["price_list_name"], told["own_price_list_name"], told["debtor"]) == (
        "WHOLESALE",
        "RETAIL",
        "debtor",
    )
    assert "unknown" in shop.run("account", "shop", "orphan").stdout


def test_the_invoice_graph_is_told_with_its_paths(shop: Shop) -> None:
    shown = shop.run("invoice-graph", "shop")
    assert shown.exit_code == 0
    assert "child > debtor > own" in shown.stdout
    assert "Cycles: none" in shown.stdout
    told = shop.told("invoice-graph", "shop", "--limit", "1")
    assert isinstance(told, dict)
    assert told["chains"] == [{"path": ["child", "debtor", "own"], "hops": 2, "ends": "debtor"}]
    assert told["counts"]["unknown_debtors"] == 1


@pytest.mark.parametrize(
    "command",
    [
        ["profile", "shop", "--email", "nobody@example.com"],
        ["orders", "shop", "--id", "none"],
        ["account", "shop", "none"],
    ],
)
def test_what_is_not_there_is_an_error_without_personal_data(shop: Shop, command: list[str]) -> None:
    result = shop.run(*command)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "nobody@" not in result.stderr


def test_rejects_keep_the_raw_record_back(shop: Shop) -> None:
    told = shop.told("rejects", "shop")
    assert isinstance(told, dict)
    assert all("raw" not in each for each in told["rejects"])
    assert [each["code"] for each in told["quarantined"]] == ["doctype"]
    assert "<Customer/>" not in shop.run("rejects", "shop").stdout
    assert "<Customer/>" in shop.run("rejects", "shop", "--raw").stdout


def test_a_store_without_tables_says_how_to_make_them(
    runner: CliRunner, server_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", postgres.database(server_uri, "never_migrated"))
    result = runner.invoke(app, ["status"])
    assert result.exit_code == 1
    assert "python -m erp_feeds migrate" in result.stderr


def test_make_status_starts_a_stopped_store_and_stops_it_again(
    runner: CliRunner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "home" / "postgres"
    migrate(postgres.database(postgres.start(folder), "erp_feeds"))
    postgres.stop(folder)
    assert runner.invoke(demo, ["status"]).exit_code == 0
    assert "empty" in capfd.readouterr().out
    assert not postgres.is_running(folder)


def test_make_status_leaves_a_store_that_runs(runner: CliRunner, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "postgres"
    uri = postgres.database(postgres.start(folder), "erp_feeds")
    try:
        migrate(uri)
        environment.write_shell(environment.home(), {"AIRFLOW_CONN_ERP_FEEDS_STORE": uri})
        assert runner.invoke(demo, ["status"]).exit_code == 0
        assert postgres.is_running(folder)
    finally:
        postgres.stop(folder)
