"""Archived originals run again after a fix: what is chosen, what it mends, and what a dry run would show."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from erp_feeds import stages
from erp_feeds.batch import Replay
from erp_feeds.cli import app
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.operations.dry_run import DryRun, dry_run_of
from erp_feeds.store import audit, ledger, queries, reject_queries, row_changes
from erp_feeds.store.connection import open_uri
from support.shop_files import account, basket, configure, export, person
from support.shop_fixtures import Shop
from support.store_feed import TABLES, dump, profiles, scalar

EVERYTHING = (*TABLES, "file_runs")
NAMES = list(INTERFACES)


def opened(shop: Shop) -> dict[str, int]:
    return dict(queries.status(shop.store, "testshop")[0].rejects)


def stored(store: psycopg.Connection) -> dict[str, list[str]]:
    """Every row with the transaction that wrote it, and every sequence."""
    rows = dump(store, EVERYTHING)
    store.rollback()
    sequences = store.execute(
        "SELECT format('%s %s', schemaname || sequencename, last_value) FROM pg_sequences ORDER BY 1"
    )
    found = {**rows, "sequences": [row[0] for row in sequences]}
    store.rollback()
    return found


@pytest.fixture
def dry_run(shop: Shop, store_uri: str) -> Callable[..., DryRun]:
    """Rehearse a replay; whatever it finds, the store must be the same before and after."""

    def run(wanted: Replay | None = None, examples: int = 100) -> DryRun:
        chosen = ledger.archived(shop.store, "testshop", NAMES, wanted or Replay())
        before = stored(shop.store)
        with open_uri(store_uri) as writing, open_uri(store_uri, autocommit=True) as reading:
            found = dry_run_of(writing, reading, shop.merchant, chosen, examples)
            writing.commit()  # even so
        assert stored(shop.store) == before
        return found

    return run


@pytest.mark.rule("files 17")
def test_a_quarantined_file_loads_after_the_limit_was_raised(shop: Shop) -> None:
    configure(shop, "erp_cache_customers", max_reject_percent=40)
    shop.place(export("erp_cache_customers", "20170101", account("1"), account("2", CashBack="x")))
    batch = shop.run_tasks("run")
    name = "TestShop_ErpCache_Customers_20170101.zip"
    with pytest.raises(FailError) as refused:
        shop.report(batch)
    assert (
        f"- {name}: quarantined, too_many_rejects: 1 of 2 records are rejected (1 invalid_decimal), "
        "more than the 40 % that max_reject_percent allows\n" in str(refused.value)
    )
    assert "python -m erp_feeds rejects testshop\n" in str(refused.value)
    assert "python -m erp_feeds replay testshop --file NAME" in str(refused.value)
    assert "python -m erp_feeds approve testshop NAME --by YOU loads the good records" in str(refused.value)
    assert shop.accounts() == {}
    assert opened(shop) == {}  # the file as a whole is open; why, its rejects say
    [shown] = reject_queries.rejects(shop.store, "testshop", with_raw=True)
    assert (shown.record, shown.line) == (2, 1)
    assert "<CashBack>x</CashBack>" in str(shown.raw)

    configure(shop, "erp_cache_customers", max_reject_percent=50)
    batch = shop.run_tasks("replay", Replay(rejects="too_many_rejects"))
    assert shop.accounts() == {"1": "A"}
    assert shop.states() == {1: "loaded"}
    with pytest.raises(FailError, match=r"1 record rejected \(1 invalid_decimal\)"):
        shop.report(batch)
    with pytest.raises(
        FailError, match="too_many_rejects: 1 of 2"
    ):  # the first run's report stays what it was
        shop.report(batch.model_copy(update={"run": "run"}))
    before = stored(shop.store)
    shop.run_tasks("replay", Replay(files=(name,)))
    assert stored(shop.store) == before


def test_what_a_file_brought_stays_where_a_replay_quarantines_it(shop: Shop) -> None:
    shop.place(export("erp_cache_customers", "20170101", account("1"), account("2", CashBack="x")))
    shop.run_tasks("run")
    configure(shop, "erp_cache_customers", max_reject_percent=40)
    shop.run_tasks("replay", Replay(rejects="invalid_decimal"))
    assert shop.states() == {1: "quarantined"}
    assert shop.accounts() == {"1": "A"}


def test_a_flipped_receipt_keeps_its_original_and_counts_towards_the_limit(shop: Shop) -> None:
    shop.place(export("srs_purchases", "20170101", basket("R1", "1.00")))
    shop.run_tasks("first")
    configure(shop, "srs_purchases", max_reject_percent=49)
    flipped = basket("R1", "-1.00", "-1.00")
    shop.place(export("srs_purchases", "20170102", flipped, basket("R2", "1.00")))
    batch = shop.run_tasks("second")
    with pytest.raises(FailError, match=r"quarantined, too_many_rejects: 1 of 2 .*1 class_changed"):
        shop.report(batch)
    [shown] = reject_queries.rejects(shop.store, "testshop", with_raw=True)
    assert (shown.code, shown.line) == ("class_changed", 1)
    assert shown.raw == f"<Purchase>{flipped}</Purchase>"
    assert scalar(shop.store, "SELECT count(*) FROM purchases") == 1


def test_warnings_are_counted_by_code_and_fail_nothing(shop: Shop) -> None:
    shop.place(export("srs_customers", "20170101", person("1", "Ada", Gender="?")))
    assert shop.report(shop.run_tasks("run"))["loaded"] == 1
    warnings = queries.status(shop.store, "testshop")[0].warnings
    assert warnings == {"no_email": 1, "unknown_element": 1, "unknown_value:gender": 1}


def test_what_a_replay_chooses(shop: Shop) -> None:
    for day in ("20170101", "20170102", "20170103"):
        bad = account("2", CashBack="x") if day == "20170102" else account("3")
        shop.place(export("erp_cache_customers", day, account("1"), bad))
    shop.place(export("srs_customers", "20170102", person("1", "Ada")))
    shop.run_tasks("run")

    def chosen(**wanted: Any) -> list[int]:
        files = ledger.archived(shop.store, "testshop", NAMES, Replay(**wanted))
        return sorted(int(file.index_number) - 20170100 for file in files)

    assert chosen() == [1, 2, 2, 3]
    assert chosen(since="2017-01-02") == [2, 2, 3]
    assert chosen(since="2017-01-01", until="2017-01-01") == [1]
    assert chosen(rejects="invalid_decimal") == [2]
    assert chosen(rejects="invalid_date") == []
    assert chosen(files=["TestShop_ErpCache_Customers_20170103.zip"]) == [3]
    ids = [
        file.file_id for file in ledger.archived(shop.store, "testshop", NAMES, Replay(since="2017-01-03"))
    ]
    assert chosen(file_ids=ids) == [3]
    with pytest.raises(FailError, match="testshop has no archived original of 99"):
        chosen(file_ids=[*ids, 99])
    with pytest.raises(FailError, match=r"testshop has no archived original of nothing\.zip"):
        chosen(files=["nothing.zip"])
    assert ledger.archived(shop.store, "othershop", NAMES, Replay(since="2017-01-01")) == []


def test_a_replay_drains_the_inbox_too_and_takes_nothing_twice(shop: Shop) -> None:
    shop.place(export("erp_cache_customers", "20170101", account("1")))
    shop.run_tasks("run")
    shop.place(export("erp_cache_customers", "20170102", account("2")))
    batch = shop.run_tasks("replay", Replay(since="2017-01-01"))
    assert sorted(file.file_id for file in batch.files) == [1, 2]
    assert shop.accounts() == {"1": "A", "2": "A"}


def test_a_dry_run_shows_before_and_after_and_the_replay_does_it(
    shop: Shop, dry_run: Callable[..., DryRun]
) -> None:
    shop.place(
        export("srs_customers", "20170101", person("1", "Ada"), person("2", "Bob", Phone="<b>1</b>")),
        export("srs_purchases", "20170101", basket("R1", "2.00", "-1.00", number="9"), basket("R2", "1.00")),
        export("erp_cache_customers", "20170101", account("1", CashBack="x"), account("2")),
    )
    shop.run_tasks("run")
    configure(shop, "srs_customers", elements={"first_name": "Voornaam", "phone": "Telefoon"})
    configure(shop, "srs_purchases", excluded_skus=("d",))
    configure(shop, "erp_cache_customers", elements={"cash_back": "Bonus"}, max_reject_percent=100)

    found = dry_run()
    assert [(file.file[9:-13], file.state) for file in found.files] == [
        ("ErpCache_Customers", "loaded"),
        ("SRS_Customers", "loaded"),
        ("SRS_Purchases", "loaded"),
    ]
    profiles, purchases, accounts = (found.tables[name] for name in ("profiles", "purchases", "accounts"))
    assert (profiles.new, profiles.changed, dict(profiles.fields)) == (1, 1, {"firstname": 1})
    new, changed = sorted(profiles.rows, key=lambda row: bool(row.before))
    assert (changed.before["firstname"], changed.after["firstname"]) == (None, "Ada")
    assert (new.before, new.after["srs"], new.after["firstname"]) == ({}, ["2"], "Bob")
    assert (purchases.new, purchases.changed, dict(purchases.fields)) == (0, 1, {"kind": 1})
    assert (purchases.rows[0].before["kind"], purchases.rows[0].after["kind"]) == ("order", "return")
    assert (accounts.new, accounts.changed) == (1, 0)
    assert dict(found.resolved) == {"invalid_value": 1, "invalid_decimal": 1}
    assert dict(found.opened) == {}

    batch = shop.run_tasks("replay", Replay(since="2017-01-01"))
    shop.report(batch)
    names = "SELECT string_agg(firstname, ' ' ORDER BY firstname) FROM profiles"
    assert scalar(shop.store, names) == "Ada Bob"
    assert scalar(shop.store, "SELECT kind FROM purchases WHERE receipt_number = 'R1'") == "return"
    assert shop.accounts() == {"1": "A", "2": "A"}
    assert opened(shop) == {}
    assert queries.run_files(shop.store, "testshop", ["replay"])[0].resolved == 1
    shop.store.rollback()

    again = dry_run()
    assert again.tables == {}
    assert not again.resolved + again.opened


def test_a_dry_run_shows_what_would_be_rejected(shop: Shop, dry_run: Callable[..., DryRun]) -> None:
    shop.place(
        export("erp_cache_customers", "20170101", account("1"), account("2", Bonus="x")),
        export("erp_cache_customers", "20170102", account("3"), account("4")),
        export("erp_cache_customers", "20170103", account("3", PriceListName="B")),
    )
    shop.run_tasks("run")
    Path(queries.files(shop.store, "testshop")[0].archived.removeprefix("file://")).unlink()  # type: ignore[union-attr]
    configure(shop, "erp_cache_customers", elements={"cash_back": "Bonus"})
    found = dry_run()
    assert {(file.state, file.code, file.loaded) for file in found.files} == {
        ("quarantined", "not_archived", 0),
        ("loaded", None, 1),
        ("loaded", None, 2),
    }
    assert dict(found.opened) == {"invalid_decimal": 1}
    configure(shop, "erp_cache_customers", elements={"cash_back": "Bonus"}, max_reject_percent=10)
    found = dry_run()
    assert [(file.code, file.read, file.rejected) for file in found.files if file.code] == [
        ("not_archived", 0, {}),
        ("too_many_rejects", 2, {"invalid_decimal": 1}),
    ]
    assert dict(found.opened) == {"invalid_decimal": 1}


def test_a_dry_run_goes_on_after_a_load_that_fails(shop: Shop, dry_run: Callable[..., DryRun]) -> None:
    shop.place(
        export("erp_cache_customers", "20170101", account("1")),
        export("erp_cache_customers", "20170102", account("2")),
    )
    shop.run_tasks("run")
    shop.store.execute("DELETE FROM accounts")
    shop.store.execute(
        """ALTER TABLE accounts ADD CHECK (account_number <> '2');
           CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
           CREATE TRIGGER refuse BEFORE INSERT ON accounts FOR EACH ROW
           WHEN (new.account_number = '1') EXECUTE FUNCTION refuse()"""
    )
    shop.store.commit()
    with pytest.raises(FailError, match="P0001"):
        dry_run(Replay(since="2017-01-01", until="2017-01-01"))
    [refused] = dry_run(Replay(since="2017-01-02")).files
    assert (refused.state, refused.code) == ("quarantined", "not_loadable")
    assert "accounts_account_number_check" in str(refused.reason)


def test_a_load_waits_for_a_dry_run_of_its_merchant_alone(shop: Shop, store_uri: str) -> None:
    shop.place(export("erp_cache_customers", "20170101", account("1")))
    with open_uri(store_uri) as writing:
        with row_changes.rolled_back(writing, "othershop"):
            shop.run_tasks("not held up")
        with ThreadPoolExecutor() as threads, row_changes.rolled_back(writing, "testshop"):
            waiting = threads.submit(shop.run_tasks, "held up", Replay(since="2017-01-01"))
            with pytest.raises(TimeoutError):
                waiting.result(2)
        assert waiting.result(0).files


class CommandLine:
    """The command line on the shop's store, with the merchant file as the shop is configured now."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop = shop
        self._folder = folder

    def run(self, *arguments: str) -> Result:
        text = self._shop.merchant.model_dump_json()
        (self._folder / "testshop.yaml").write_text(text, "utf-8")
        named = arguments if arguments[:1] == ("reindex",) else ("replay", "testshop", *arguments)
        return CliRunner().invoke(app, list(named))

    def told(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def command(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    folder = tmp_path / "merchants"
    folder.mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    shop.place(export("srs_customers", "20170101", person("1", "Ada"), person("2", "Bob")))
    shop.run_tasks("run")
    shop.store.commit()
    configure(shop, "srs_customers", elements={"first_name": "Voornaam"})
    return CommandLine(shop, folder)


def test_the_command_shows_values_only_when_asked(shop: Shop, command: CommandLine) -> None:
    before = stored(shop.store)
    plain = command.run("--since", "2017-01-01", "--dry-run")
    assert plain.exit_code == 0, plain.output
    assert "dry run of 1 file of testshop, 2017-01-01 to 2017-01-01: nothing is written" in plain.stdout
    assert "profiles: 0 new, 2 changed, 0 removed\n  firstname: 2 changed\n" in plain.stdout
    assert "Ada" not in plain.stdout
    shown = command.run("--since", "2017-01-01", "--dry-run", "--values", "--limit", "1")
    assert "firstname: nothing -> 'Ada'" in shown.stdout
    assert "Bob" not in shown.stdout
    told = command.told("--since", "2017-01-01", "--dry-run")
    assert told["tables"]["profiles"] == {
        "new": 0,
        "changed": 2,
        "removed": 0,
        "fields": {"firstname": 2},
        "rows": [],
    }
    assert told["files"][0]["state"] == "loaded"
    assert stored(shop.store) == before


def test_the_command_says_what_is_wrong_with_the_question(command: CommandLine) -> None:
    assert command.run("--since", "2017-01-02").stdout == "nothing to replay\n"
    assert command.told("--rejects", "invalid_date") == {"merchant": "testshop", "files": []}
    assert command.run().exit_code == 2
    assert command.run("--file", "a", "--since", "2017-01-01").exit_code == 2
    assert command.run("--rejects", "invalid_date", "--until", "2017-01-01").exit_code == 2
    assert "--until is before --since" in command.run("--since", "2017-01-02", "--until", "2017-01-01").stderr
    mistyped = command.run("--rejects", "invalid_dates")
    assert (mistyped.exit_code, "did you mean 'invalid_date'?" in mistyped.stderr) == (1, True)
    assert "no archived original of no.zip" in command.run("--file", "no.zip").stderr
    unreachable = command.run("--since", "2017-01-01")
    assert (unreachable.exit_code, "'erp_feeds_airflow'" in unreachable.stderr) == (1, True)


def test_an_airflow_that_is_away_is_told_and_nothing_is_written(
    shop: Shop, command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(shop.store)
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_AIRFLOW", "http://admin:secret-word@127.0.0.1:1")
    result = command.run("--since", "2017-01-01")
    assert result.exit_code == 1
    assert "Airflow does not answer at http://127.0.0.1:1" in result.stderr
    assert "secret-word" not in result.output
    assert stored(shop.store) == before


def test_files_10_a_file_loaded_under_a_future_index_gets_a_right_one(
    shop: Shop, command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a store from before the check: honest files lost to it, and win again after the command."""
    future = export("srs_customers", "20991231235959", person("1", "Wrong"))
    with monkeypatch.context() as before_the_check:
        before_the_check.setattr(stages, "has_future_index", lambda *_: False)
        shop.place(future)
        shop.run_tasks("future")
    shop.place(export("srs_customers", "20170103", person("1", "Eve")))
    shop.run_tasks("honest")
    assert profiles(shop.store, "firstname")["1"] == "Wrong"
    shop.store.commit()
    told = command.told("reindex", "testshop", future.name, "20170102")
    assert told["replay"] == "python -m erp_feeds replay testshop --since 2017-01-02"
    assert audit.listed(shop.store, "testshop")[0].subject == f"{future.name}: 20170102"
    shop.run_tasks("replay", Replay(since=told["replay"].rpartition(" ")[2]))  # as the command says
    assert profiles(shop.store, "firstname") == {"1": "Eve", "2": None}
    assert set(shop.states().values()) == {"loaded"}  # the corrected file passed the check, too
    odd = command.run("reindex", "testshop", future.name, "1e3")
    assert (odd.exit_code, "INDEX must be a number" in odd.output) == (2, True)
