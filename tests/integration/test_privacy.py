"""No personal data leaves by a log, message, code, alert, result or answer: a person passes the pipeline.

Meant to hold people, and therefore not searched: the archive, the staging folder, and the tables of HOLDING.
What may be shown: numbers of customers, orders, accounts, records and lines; names of the ERP party's files;
names of elements, which are structure, so many and so long as `schema_drift` lets them; of a zip's members
the names that are formed like an export's.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from erp_feeds import stages
from erp_feeds.batch import Batch, Replay
from erp_feeds.cli import app
from erp_feeds.codes import QuarantineCode, RejectCode, SkipCode, WarningCode
from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.orchestration import alerts, assets, messages
from erp_feeds.xml.schema_drift import LONGEST_NAME, MOST_NAMES
from erp_feeds.xml.surroundings import LONGEST_ROOT
from support.personal_data import (
    CUSTOMERS,
    EMAIL,
    FIRST,
    LAST,
    PHONE,
    TOKENS,
    customer,
    customers_xml,
    cut,
    export,
    odd_but_good,
    refused,
    rejected,
    tokens_in,
)
from support.shop_fixtures import STEPS, Shop
from support.store_feed import TESTSHOP, scalar

HOLDING = {
    "profiles", "identifiers", "email_matches", "email_conflicts", "purchases", "purchase_lines", "accounts",
    "rejected_records",
}  # fmt: skip
"""Tables that hold people by their purpose; of the others each text is searched, so of a new one too."""
LIMITS = {"fields": 30, "record_bytes": 60_000, "incomplete_attempts": 1, "files_per_run": 500}
COMMANDS = (
    ("status",),
    ("incidents",),
    ("files", "testshop", "--limit", "1000"),
    ("rejects", "testshop", "--all", "--limit", "1000"),
    ("invoice-graph", "testshop"),
    ("mapping", "testshop"),
    ("check",),
    ("doctor", "testshop"),
    ("replay", "testshop", "--since", "2000-01-01", "--dry-run"),
)


class Outlets:
    """Every text that left, by the place where it did."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, place: str, text: str) -> None:
        self.texts[f"{len(self.texts)} {place}"] = text

    def raised(self, place: str, error: BaseException) -> None:
        """Add an error as Airflow's task log prints it, OpenLineage sends it, and an alert quotes it."""
        extracted = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)(
            (type(error), error, error.__traceback__)
        )
        self.add(f"{place}, task log", json.dumps(extracted))
        self.add(f"{place}, trace", "".join(traceback.format_exception(error)))
        cause = alerts._cause(error, "load", "run")
        told = messages.alert(TESTSHOP, [cause], "http://airflow")
        self.add(f"{place}, alert", told.subject + told.text + told.html)

    def leaks(self) -> list[str]:
        return [f"{place}: {found}" for place, text in self.texts.items() if (found := tokens_in(text))]


@pytest.fixture
def outlets(caplog: pytest.LogCaptureFixture) -> Iterator[Outlets]:
    """Collect what is logged: everything of this package, and of all others from INFO on."""
    found = Outlets()
    with caplog.at_level(logging.INFO), caplog.at_level(logging.DEBUG, "erp_feeds"):
        yield found
    logged = [caplog.handler.format(record) for record in caplog.get_records("call")]
    assert logged
    assert [text for text in logged if tokens_in(text)] == []


@pytest.fixture
def shop(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with result files, narrow limits, and a merchant file for the command line."""
    facts = shop.merchant.model_dump(mode="json", exclude_defaults=True)
    facts |= {"limits": LIMITS, "feedback": {}}
    shop.merchant = type(shop.merchant).model_validate(facts)
    folder = tmp_path / "merchants"
    folder.mkdir()
    (folder / "testshop.yaml").write_text(json.dumps(facts), "utf-8")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    return shop


def run_tasks(shop: Shop, run: str, outlets: Outlets, replay: Replay | None = None) -> None:
    """Walk the line as Airflow does, and keep what it would see of it."""
    batch = shop.sense(run, replay)
    for step in STEPS:
        batch = step(shop.merchant, Batch.from_xcom(json.loads(json.dumps(batch.to_xcom()))))
        outlets.add(f"XCom of {step.__name__} in {run}", json.dumps(batch.to_xcom()))
    outlets.add("asset events", json.dumps(assets.changes(batch)))
    try:
        outlets.add(f"XCom of report in {run}", json.dumps(shop.report(batch)))
    except FailError as told:
        outlets.raised(f"report of {run}", told)


def add_store(shop: Shop, outlets: Outlets) -> set[str]:
    """Add every row of every table that holds nobody; return the tables."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'erp_feeds'"
    tables = {name for (name,) in shop.store.execute(query)} - HOLDING
    for table in tables:
        for (row,) in shop.store.execute(f"SELECT t::text FROM {table} t"):
            outlets.add(f"table {table}", row)
    for (row,) in shop.store.execute("SELECT t::text FROM file_drift t"):
        outlets.add("view file_drift", row)
    return tables


def add_commands(outlets: Outlets) -> None:
    for command in COMMANDS:
        for form in ((), ("--json",)):
            ran = CliRunner().invoke(app, [*command, *form], env={"COLUMNS": "1000"})
            assert not ran.exception or isinstance(ran.exception, SystemExit), ran.exception
            outlets.add(f"command {command[0]}", ran.output)


def counted(shop: Shop, tally: str) -> set[str]:
    return {
        key.partition(":")[0]
        for (key,) in shop.store.execute(f"SELECT jsonb_object_keys(counts -> '{tally}') FROM files")
    }


def test_the_search_finds_a_person_in_every_form() -> None:
    for token in TOKENS:
        for form in (token, token.upper(), token.replace("@", "%40"), f'{{"x": "{token}"}}'):
            assert token in tokens_in(form)
    assert tokens_in("aWQ6enp5enhlbGxhLg==") == [f"{FIRST} in base64"]
    assert tokens_in("TestShop_SRS_Customers_1.zip: record 3, invalid_email, 00123, W1") == []


def test_a_person_passes_the_pipeline_and_leaves_by_no_outlet(shop: Shop, outlets: Outlets) -> None:
    good, bad, broken = odd_but_good(100), rejected(200), [*refused(300), *cut(500)]
    shop.place(*good, *bad, *broken)
    run_tasks(shop, "first", outlets)
    run_tasks(shop, "replay", outlets, Replay(since="2000-01-01"))  # type: ignore[arg-type] # pydantic reads it
    tables = add_store(shop, outlets)
    results = [*(shop.inbox / "results").iterdir()]
    for result in results:
        outlets.add(f"result {result.name}", result.read_text())
    add_commands(outlets)
    assert outlets.leaks() == []

    # None of this is true because nothing happened.
    assert {"files", "file_runs", "rejects"} <= tables
    assert len(results) == len(good) + len(bad) + len(broken)
    assert counted(shop, "rejected") == {*map(str, RejectCode)} - {
        RejectCode.INVALID_VALUE,  # never given
        RejectCode.ID_TAKEN,  # its reason has no values
    }
    wanted = {
        WarningCode.NO_EMAIL, WarningCode.INVALID_EMAIL_DROPPED, WarningCode.EMAIL_OWNED_BY_OTHER,
        WarningCode.UNKNOWN_VALUE, WarningCode.UNKNOWN_ELEMENT, WarningCode.UNKNOWN_NAMESPACE,
        WarningCode.MOJIBAKE, WarningCode.DAMAGED_TEXT, WarningCode.REPEATED_KEY, WarningCode.UNKNOWN_DEBTOR,
        WarningCode.RECEIPT_COLLISION,
    }  # fmt: skip
    assert counted(shop, "warnings") >= {*map(str, wanted)}
    assert counted(shop, "skipped") == {SkipCode.NO_IDENTIFIER, SkipCode.NO_LINES}
    codes = {code for (code,) in shop.store.execute("SELECT code FROM files WHERE state = 'quarantined'")}
    beside = {
        # These say numbers only,
        QuarantineCode.TOO_LARGE, QuarantineCode.TOO_COMPRESSED, QuarantineCode.TOO_MANY_MEMBERS,
        QuarantineCode.NO_SPACE, QuarantineCode.TWO_ZIPS, QuarantineCode.BYTES_BEFORE_ZIP,
        # these name the file only,
        QuarantineCode.NOT_READABLE, QuarantineCode.NOT_ARCHIVED, QuarantineCode.FUTURE_INDEX,
        # and these come below.
        QuarantineCode.INTERNAL_ERROR, QuarantineCode.TOO_MANY_REJECTS, QuarantineCode.NOT_LOADABLE,
    }  # fmt: skip
    assert codes == {*map(str, QuarantineCode)} - beside
    names = [file.name for file in broken]
    states = shop.store.execute("SELECT name, state FROM files WHERE name = ANY(%s)", [names]).fetchall()
    assert [name for name, state in states if state != "quarantined"] == []
    assert scalar(shop.store, f"SELECT count(*) FROM rejected_records WHERE raw ~ '{LAST}'") > 10
    assert scalar(shop.store, f"SELECT count(*) FROM profiles WHERE lastname ~ '{LAST}'") > 5


def test_a_file_of_too_many_rejects_is_quarantined_without_a_person(shop: Shop, outlets: Outlets) -> None:
    strict = {
        name: each.model_copy(update={"max_reject_percent": 0})
        for name, each in shop.merchant.interfaces.items()
    }
    shop.merchant = shop.merchant.model_copy(update={"interfaces": strict})
    shop.place(*rejected(200))
    run_tasks(shop, "run", outlets)
    add_store(shop, outlets)
    assert outlets.leaks() == []
    codes = shop.store.execute("SELECT DISTINCT state, code FROM files").fetchall()
    assert codes == [("quarantined", "too_many_rejects")]


def test_names_of_elements_are_structure_so_many_and_so_long(shop: Shop) -> None:
    """An element that is named after somebody is shown as drift: clipped, and at most a hundred of them."""
    outlets = Outlets()
    names = [f"{LAST}{number}" for number in range(150)]
    shop.place(
        export(CUSTOMERS, 1, customers_xml(*(customer(f"<{name}/>", CustomerNumber="1") for name in names))),
        export(CUSTOMERS, 2, customers_xml(customer(f"<{LAST * 50}/>", CustomerNumber="1"))),
        export(CUSTOMERS, 3, f"<{LAST * 50}><To>{EMAIL}</To></{LAST * 50}>"),
    )
    run_tasks(shop, "run", outlets)
    add_store(shop, outlets)
    counts, clipped = shop.store.execute("SELECT counts FROM files ORDER BY name LIMIT 2").fetchall()
    assert len(counts[0]["unknown"]) == MOST_NAMES + 1
    assert [len(name) for name in clipped[0]["unknown"]] == [LONGEST_NAME + 1]
    reason = scalar(shop.store, "SELECT reason FROM files WHERE state = 'quarantined'")
    assert reason.endswith(f"the root is {(LAST * 50)[:LONGEST_ROOT]}")
    assert {found for text in outlets.texts.values() for found in tokens_in(text)} == {LAST}


def failing(*arguments: Any, **named: Any) -> Any:
    """Fail as software does: in words that quote the data, and with a cause that quotes more."""
    try:
        dict[str, str]()[f"{FIRST} {LAST}"]
    except KeyError as cause:
        raise ValueError(f"cannot convert '{EMAIL}' of {PHONE}") from cause


@pytest.mark.parametrize("stage", list(stages.STAGES))
def test_software_that_fails_on_every_file_tells_where_and_not_on_whom(
    shop: Shop,
    outlets: Outlets,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stage: str,
) -> None:
    shop.place(odd_but_good(100)[0])
    monkeypatch.setitem(stages.STAGES, stage, failing)  # type: ignore[arg-type] # a Mapping to others
    with pytest.raises(RetryError, match="ValueError") as failed:
        shop.run_tasks("run")
    outlets.raised(stage, failed.value)
    add_store(shop, outlets)
    assert outlets.leaks() == []
    assert "in failing" in caplog.text
    assert set(shop.states().values()) == {"archived"}


def test_software_that_fails_on_one_file_sets_it_aside(
    shop: Shop, outlets: Outlets, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers, _, accounts, _ = odd_but_good(100)
    shop.place(customers, accounts)
    parse = stages.STAGES["parse"]

    def one_fails(merchant: Any, files: Any, folder: Any) -> Any:
        return (failing if files[0].interface == CUSTOMERS.name else parse)(merchant, files, folder)

    monkeypatch.setitem(stages.STAGES, "parse", one_fails)  # type: ignore[arg-type] # a Mapping to others
    run_tasks(shop, "run", outlets)
    add_store(shop, outlets)
    assert outlets.leaks() == []
    assert sorted(shop.states().values()) == ["loaded", "quarantined"]


@pytest.mark.parametrize(
    "target",
    [
        "inbox.work.scan.scan",
        "tasks.archive.save",
        "tasks.loading.load_files",
        "tasks.stages.Pieces",
        "inbox.work.cleanup.loaded",
    ],
)
def test_software_that_fails_anywhere_else(
    shop: Shop, outlets: Outlets, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    ftps = shop.merchant.ftps.model_copy(update={"after_load": "delete"})
    shop.merchant = shop.merchant.model_copy(update={"ftps": ftps})
    shop.place(odd_but_good(100)[0])
    monkeypatch.setattr(f"erp_feeds.{target}", failing)
    with pytest.raises(RetryError, match="ValueError") as failed:
        shop.run_tasks("run")
    outlets.raised(target, failed.value)
    add_store(shop, outlets)
    assert outlets.leaks() == []


QUOTING = {
    "CheckViolation 23514 none": f"ALTER TABLE profiles ADD CONSTRAINT none CHECK (lastname !~ '{LAST}')",
    "UniqueViolation 23505 once": "CREATE UNIQUE INDEX once ON profiles (lastname)",
    "RaiseException P0001": """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not %', NEW.lastname USING DETAIL = NEW::text, HINT = NEW.lastname; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION refuse()""",
    "InvalidDatetimeFormat 22007": """
        CREATE FUNCTION convert() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.birthdate := NEW.lastname::date; RETURN NEW; END $$;
        CREATE TRIGGER convert BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION convert()""",
}
"""What is told -> how it comes to that; PostgreSQL quotes the row in message, detail, hint or context."""


@pytest.mark.parametrize("told", QUOTING)
def test_a_row_that_postgresql_refuses_and_quotes(shop: Shop, outlets: Outlets, told: str) -> None:
    shop.store.execute(QUOTING[told])  # type: ignore[arg-type] # a literal of this module
    shop.store.commit()
    shop.place(odd_but_good(100)[0])
    try:
        run_tasks(shop, "run", outlets)
    except FeedError as failed:
        outlets.raised("load", failed)
    add_store(shop, outlets)
    assert outlets.leaks() == []
    assert f"({told})" in " ".join(outlets.texts.values())
    assert scalar(shop.store, "SELECT count(*) FROM profiles") == 0
