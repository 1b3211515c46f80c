"""Settings in the store: revisions that tasks, command line and pages read; one run has one of them."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
import yaml
from typer.testing import CliRunner, Result

from erp_feeds import tasks
from erp_feeds.cli import app
from erp_feeds.errors import ConfigurationError, FailError
from erp_feeds.inbox.poller import scan_together
from erp_feeds.interfaces import mapping_of
from erp_feeds.operations.incidents import feeds
from erp_feeds.orchestration import assets, metrics
from erp_feeds.store import audit, inbox_scans, merchant_settings
from support.merchants import facts_of
from support.shop_files import export, person
from support.shop_fixtures import Shop

CARD = {"extra_elements": ["Card"], "mapping": {"custom_card": {"from": "Card"}, "phone": None}}


@pytest.fixture
def kept(shop: Shop) -> Shop:
    """A shop whose settings are in the store, and whose file switches only the customers on."""
    facts = {**shop.merchant.model_dump(mode="json", exclude_unset=True), "settings": "store"}
    facts["interfaces"] = {"srs_customers": {"freshness": {"warn_after": "1h", "error_after": "2h"}}}
    shop.merchant = type(shop.merchant).model_validate(facts)
    return shop


def save(shop: Shop, after: int | None = None, **fields: object) -> merchant_settings.Revision:
    document = {"interfaces": {"srs_customers": fields}}
    return merchant_settings.save(shop.store, shop.merchant, document, author="ada", after=after)


def test_a_run_has_one_revision_from_its_first_task_to_its_last(kept: Shop) -> None:
    """Without a revision the file counts; one that is saved during a run counts from the next run on."""
    assert merchant_settings.effective(kept.store, kept.merchant) == kept.merchant
    assert save(kept, **CARD).revision == 1
    effective = merchant_settings.effective(kept.store, kept.merchant)
    assert effective.revision == 1
    assert (
        effective.interfaces["srs_customers"].freshness == kept.merchant.interfaces["srs_customers"].freshness
    )
    kept.place(export("srs_customers", "20170101", person("1001", "Ada", FirstName="Ada", Card="7")))
    batch = kept.sense("manual__1")
    assert batch.revision == 1
    save(kept, mapping={"firstname": None})
    for step in (tasks.download, tasks.unzip, tasks.parse, tasks.deduplicate, tasks.split, tasks.load):
        batch = step(kept.merchant, batch)
    row = kept.store.execute(
        "SELECT firstname, custom ->> 'custom_card', mapping_version FROM profiles"
    ).fetchone()
    assert row == ("Ada", "7", mapping_of(effective, "srs_customers").version)
    kept.store.commit()
    assert kept.sense("manual__2").revision == 2
    assert merchant_settings.effective(kept.store, kept.merchant, 1) == effective


def test_the_store_says_which_interfaces_are_on(kept: Shop) -> None:
    kept.place(export("srs_purchases", "20170101"))
    assert not kept.sense("manual__1").files
    saved = merchant_settings.enable(kept.store, kept.merchant, ["srs_customers", "srs_purchases"], "ada")
    assert saved is not None
    assert saved.document == {"interfaces": {"srs_customers": {}, "srs_purchases": {}}}
    assert merchant_settings.enable(kept.store, kept.merchant, ["srs_purchases"], "ada") is None
    for _ in range(2):  # the first one finds a file that may still be uploaded
        found = scan_together(kept.merchant.ftps.connection, [kept.merchant])["testshop"]
    assert {name for name, _, _ in found.waiting or ()} == {"srs_purchases"}
    assert [file.interface for file in kept.sense("manual__2").files] == ["srs_purchases"]
    # The DAG loader asks no store, and cannot know which tables a load will write.
    assert (
        len(assets.tables(kept.merchant))
        == len(assets.tables(kept.merchant.model_copy(update={"settings": "file"}))) + 3
    )


def test_what_cannot_work_is_not_saved_and_nothing_is_overwritten(kept: Shop) -> None:
    for fields, message in (
        (
            {"mapping": {"firstnam": {"from": "city"}}},
            "mapping.firstnam is no target of srs_customers; did you mean",
        ),
        ({"mapping": {"city": {"from": "Stad"}}}, "mapping.city.from 'Stad' is no source"),
        ({"freshness": None}, "freshness is no known key"),
        (
            {"mapping": {"birthdate": {"from": "birth_date", "date_form": "%d\n%m%Y"}}},
            "no invisible characters",
        ),
    ):
        with pytest.raises(ConfigurationError, match="new settings of testshop") as caught:
            save(kept, **fields)
        assert message in str(caught.value)
    assert save(kept, after=0, **CARD).revision == 1
    with pytest.raises(FailError, match="somebody else has saved revision 1"):
        save(kept, after=0, mapping={})
    with pytest.raises(FailError, match="are the same already"):
        save(kept, **CARD)
    in_file = kept.merchant.model_copy(update={"settings": "file"})
    with pytest.raises(FailError, match="are in its file"):
        merchant_settings.save(kept.store, in_file, {"interfaces": {"srs_customers": {}}}, author="ada")
    for change in ("UPDATE settings_revisions SET author = 'eve'", "DELETE FROM settings_revisions"):
        with pytest.raises(psycopg.Error, match="never changed"):
            kept.store.execute(change)
        kept.store.rollback()
    assert [(each.who, each.action, each.subject) for each in audit.listed(kept.store, "testshop")] == [
        ("ada", "settings saved", "revision 1")
    ]


def test_a_revision_with_errors_stops_this_merchant_and_no_report(kept: Shop) -> None:
    """A newer version of the software may find errors in what an older one saved."""
    save(kept, **CARD)
    wrong = {"interfaces": {"srs_customers": {"mapping": {"custom_x": {"from": "No"}}}}}
    kept.store.execute(
        "INSERT INTO settings_revisions (merchant, revision, author, message, document)"
        " SELECT merchant, 2, author, message, %s FROM settings_revisions",
        (json.dumps(wrong),),
    )
    kept.store.commit()
    with pytest.raises(ConfigurationError, match="revision 2 of the settings"):
        kept.sense("manual__1")
    known = feeds(kept.store, [kept.merchant], datetime.now(UTC))
    assert [each.interface for each in known] == ["srs_customers"]


def test_reports_on_many_merchants_ask_the_store_as_often_as_on_one(
    kept: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    class Noted(psycopg.Cursor[Any]):
        def execute(self, query: Any, *values: Any, **more: Any) -> Self:
            asked.append(query)
            return super().execute(query, *values, **more)

    save(kept, **CARD)
    others = [kept.merchant.model_copy(update={"name": f"shop_{number}"}) for number in range(5)]
    monkeypatch.setattr(kept.store, "cursor_factory", Noted)
    numbers = []
    for merchants in ([kept.merchant], [*others, kept.merchant]):
        asked.clear()
        assert len(feeds(kept.store, merchants, datetime.now(UTC))) == len(merchants)
        metrics.measure(kept.store, merchants)
        inbox_scans.states(kept.store, [each.name for each in merchants])
        numbers.append(len(asked))
    assert numbers == [6, 6]
    found = merchant_settings.for_reports(kept.store, [*others, kept.merchant])
    assert [(each.name, each.revision) for each in found] == [
        *((each.name, None) for each in others),
        ("testshop", 1),
    ]


def test_settings_are_exported_imported_listed_and_reverted(
    kept: Shop, store_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchants = tmp_path / "merchants"
    merchants.mkdir()
    facts = facts_of(settings="store", interfaces={"srs_customers": {}})
    (merchants / "testshop.yaml").write_text(yaml.safe_dump(facts), "utf-8")
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(merchants))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, ["settings", *map(str, words)])

    document = tmp_path / "card.yaml"
    document.write_text(yaml.safe_dump({"interfaces": {"srs_customers": CARD}}), "utf-8")
    assert yaml.safe_load(run("export", "testshop").stdout) == {"interfaces": {"srs_customers": {}}}
    assert "revision 1 " in run("import", "testshop", document, "-m", "the card").stdout
    assert yaml.safe_load(run("export", "testshop").stdout) == {"interfaces": {"srs_customers": CARD}}
    document.write_text("interfaces:\n  srs_customers:\n    mapping:\n      phon: null\n", "utf-8")
    refused = run("import", "testshop", document)
    assert refused.exit_code == 1
    assert "card.yaml:4: interfaces.srs_customers.mapping.phon is no target" in refused.stderr
    assert run("revert", "testshop", 2).exit_code == 1
    document.write_text("interfaces:\n  srs_customers: {}\n", "utf-8")
    run("import", "testshop", document)
    assert json.loads(run("revert", "testshop", 1, "--json").stdout) == {
        "merchant": "testshop",
        "revision": 3,
    }
    listed = json.loads(run("history", "testshop", "--json").stdout)
    assert [(each["revision"], each["author"], each["message"]) for each in listed] == [
        (3, getpass.getuser(), "back to revision 1"),
        (2, getpass.getuser(), "import of card.yaml"),
        (1, getpass.getuser(), "the card"),
    ]
    assert 'srs_customers.mapping.custom_card: - → {"from": "Card"}' in run("history", "testshop").stdout
