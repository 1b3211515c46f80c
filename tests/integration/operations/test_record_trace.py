"""What became of one record: from its number in an archived file to the row that it led to."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from erp_feeds.batch import Replay
from erp_feeds.cli import app
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.operations.erasure import PersonQuery, forget
from erp_feeds.operations.record_trace import RecordTrace, trace_record
from erp_feeds.store import queries
from support.shop_files import account, basket, configure, export, person
from support.shop_fixtures import Shop

CUSTOMERS = "TestShop_SRS_Customers_{}.zip"
PURCHASES = "TestShop_SRS_Purchases_{}.zip"
ACCOUNTS = "TestShop_ErpCache_Customers_{}.zip"


def found(shop: Shop, name: str, record: int) -> RecordTrace:
    return trace_record(shop.store, shop.merchant, Replay(files=(name,)), record)


def test_a_loaded_customer_leads_to_the_profile_and_to_what_it_still_says(shop: Shop) -> None:
    shop.place(export("srs_customers", "20170101", person("1", "x", LastName="Lovelace", City="London")))
    shop.run_tasks("first")
    shop.place(export("srs_customers", "20170102", person("1", "x", City="Paris")))
    shop.run_tasks("second")
    profile = queries.profile(shop.store, "testshop", srs="1")
    assert profile is not None
    first, second = (found(shop, CUSTOMERS.format(day), 1) for day in (20170101, 20170102))
    assert (first.outcome, first.profile_id, first.line) == ("loaded", profile.profile_id, 1)
    assert "lastname" in first.fields
    assert "city" not in first.fields
    assert "city" in second.fields
    assert "Lovelace" in str(first.raw)


def test_of_two_revisions_of_a_file_the_one_that_is_named_by_its_id_is_read(shop: Shop) -> None:
    for minute, city in enumerate(("London", "Paris")):
        shop.place(export("srs_customers", "20170101", person("1", "x", City=city)), minute=minute)
        shop.run_tasks(city)
    ids = sorted(file.file_id for file in queries.files(shop.store, "testshop"))
    wanted = [Replay(file_ids=(file_id,)) for file_id in ids]
    first, second = (trace_record(shop.store, shop.merchant, each, 1) for each in wanted)
    assert ("London" in str(first.raw), "Paris" in str(second.raw)) == (True, True)
    assert ("city" in first.fields, "city" in second.fields) == (False, True)
    assert "Paris" in str(found(shop, CUSTOMERS.format(20170101), 1).raw)


def test_a_record_is_found_in_its_member_of_the_zip(shop: Shop) -> None:
    exports = [export("srs_customers", index, person(index, "x")) for index in ("20170101", "20170102")]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as both:
        for each in exports:
            with zipfile.ZipFile(io.BytesIO(each.content)) as one:
                (name,) = one.namelist()
                both.writestr(name, one.read(name))
    shop.place(replace(exports[0], content=content.getvalue()))
    shop.run_tasks("first")
    traces = [found(shop, CUSTOMERS.format(20170101), record) for record in (1, 2)]
    assert [trace.member for trace in traces] == [
        CUSTOMERS.format(index).replace("zip", "xml") for index in (20170101, 20170102)
    ]
    assert [trace.outcome for trace in traces] == ["loaded", "loaded"]


def test_a_purchase_leads_to_its_order_and_its_person_whoever_wrote_it_last(shop: Shop) -> None:
    till = basket("R1", "1.00")
    shop.place(export("srs_purchases", "20170101", till, till, basket("R2", "2.00", number="0")))
    shop.run_tasks("first")
    first, repeated, nobody = (found(shop, PURCHASES.format(20170101), number) for number in (1, 2, 3))
    assert (first.outcome, first.purchase_id) == ("loaded", "R1|1|2017-01-01T10:00:00")
    assert first.profile_id
    assert (repeated.outcome, repeated.into) == ("collapsed", 1)
    assert (nobody.outcome, nobody.code) == ("skipped", "no_identifier")
    changed, other = basket("R1", "3.00"), basket("R1", "4.00")
    shop.place(export("srs_purchases", "20170102", changed, other))
    shop.run_tasks("second")
    assert found(shop, PURCHASES.format(20170102), 1).purchase_id == first.purchase_id
    assert found(shop, PURCHASES.format(20170102), 2).purchase_id == f"{first.purchase_id}~2"
    assert found(shop, PURCHASES.format(20170101), 1) == first


def test_a_rejected_record_says_why_also_where_only_the_store_could_know(shop: Shop) -> None:
    shop.place(export("erp_cache_customers", "20170101", account("1"), account("2", CashBack="x")))
    shop.place(export("srs_purchases", "20170101", basket("R1", "1.00")))
    shop.run_tasks("first")
    shop.place(export("srs_purchases", "20170102", basket("R1", "-1.00", "-1.00")))
    shop.run_tasks("second")
    refused, flipped = found(shop, ACCOUNTS.format(20170101), 2), found(shop, PURCHASES.format(20170102), 1)
    assert (refused.outcome, [each.code for each in refused.errors]) == ("rejected", ["invalid_decimal"])
    assert (flipped.outcome, [each.code for each in flipped.errors]) == ("rejected", ["class_changed"])
    assert found(shop, ACCOUNTS.format(20170101), 1).account_number == "1"


def test_a_record_of_a_quarantined_file_and_one_of_somebody_suppressed(shop: Shop) -> None:
    configure(shop, "erp_cache_customers", max_reject_percent=0)
    shop.place(export("erp_cache_customers", "20170101", account("1"), account("2", CashBack="x")))
    shop.place(export("srs_customers", "20170101", person("1", "x")))
    shop.run_tasks("first")
    kept = found(shop, ACCOUNTS.format(20170101), 1)
    assert (kept.state, kept.outcome, kept.code) == ("quarantined", "not loaded", "too_many_rejects")
    forget(shop.store, "testshop", PersonQuery("srs", "1"), INTERFACES)
    gone = found(shop, CUSTOMERS.format(20170101), 1)
    assert (gone.outcome, gone.code, gone.profile_id) == ("skipped", "suppressed", None)


def test_what_is_not_there_is_said_plainly(shop: Shop) -> None:
    shop.place(export("erp_cache_customers", "20170101", account("1")))
    shop.run_tasks("first")
    with pytest.raises(FailError, match=r"\.zip has 1 record: there is no record 2"):
        found(shop, ACCOUNTS.format(20170101), 2)
    with pytest.raises(FailError, match=r"no archived original of x\.zip"):
        found(shop, "x.zip", 1)


def test_the_command_shows_the_record_as_delivered_only_where_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop.place(export("erp_cache_customers", "20170101", account("1", CashBack="x")))
    shop.run_tasks("first")
    (tmp_path / "testshop.yaml").write_text(
        json.dumps(shop.merchant.model_dump(mode="json", exclude_defaults=True))
    )
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")

    def said(*options: str) -> Any:
        result = CliRunner().invoke(app, ["record", "testshop", ACCOUNTS.format(20170101), "1", *options])
        assert result.exit_code == 0, result.output
        return result.output

    assert "invalid_decimal" in said()
    assert "<CashBack>" not in said()
    assert "<CashBack>x</CashBack>" in said("--raw")
    assert json.loads(said("--json"))["outcome"] == "rejected"
