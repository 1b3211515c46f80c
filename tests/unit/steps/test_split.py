from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample
from erp_feeds.records import KINDS
from erp_feeds.records.purchases import COLUMNS

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"
ERP = "erp_cache_customers"


def test_customers_4_neither_number_nor_email_is_skipped(process):
    outcome = process(
        CUSTOMERS,
        "<FirstName>Nobody</FirstName>",
        "<Email>a@b.nl</Email>",
        "<CustomerNumber>0</CustomerNumber>",
        "<CustomerNumber>2</CustomerNumber>",
    )
    assert outcome.frames["profiles"]["record"].tolist() == [2, 4]
    assert outcome.counts.skipped == {"no_identifier": 2}


def test_purchases_3_and_9_nobodys_purchases_and_empty_ones_are_skipped(process, purchase):
    outcome = process(
        PURCHASES,
        purchase(("a", "1.00"), CustomerNumber=None),
        purchase(OrderNumber="W1"),
        purchase(CustomerNumber=None, OrderNumber="W2"),
        purchase(("a", "1.00"), CustomerNumber=None, Email="a@b.nl", OrderNumber="W3"),
    )
    assert outcome.counts.skipped == {"no_identifier": 2, "no_lines": 1}
    assert outcome.frames["purchases"]["purchase_id"].tolist() == ["W3"]
    assert outcome.frames["lines"]["record"].tolist() == [4]


def test_the_frames_have_the_columns_that_are_loaded(process, purchase):
    profiles = process(CUSTOMERS, "<CustomerNumber>1</CustomerNumber>").frames["profiles"]
    assert list(profiles.columns) == [
        "record",
        "file",
        "key",
        "number",
        "email",
        "firstname",
        "lastname",
        "gender",
        "birthdate",
        "phone",
        "postcode",
        "city",
        "country",
        "newsletter",
        "cleared",
        "mapping_version",
        "custom",
    ]
    frames = process(PURCHASES, purchase(("a", "1.00"))).frames
    assert tuple(frames["orders"].columns) == COLUMNS == tuple(frames["returns"].columns)
    assert list(frames["lines"].columns) == ["record", "line_no", "sku", "description", "quantity", "amount"]
    accounts = process(ERP, "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName>").frames[
        "accounts"
    ]
    assert list(accounts.columns) == [
        "record", "file", *(field.name for field in INTERFACES[ERP].fields), "key", "cleared"
    ]  # fmt: skip


@pytest.mark.parametrize("name", INTERFACES)
def test_files_without_records_pass_every_step(process, name):
    frames = process(name).frames
    assert frames
    assert all(frame.empty for frame in frames.values())


FINAL = {CUSTOMERS: "profiles", PURCHASES: "purchases", ERP: "accounts"}
VALUE = st.sampled_from([None, "", "0", "1", "2", "1E+5", "a@b.nl", "oops", "2017-01-05T10:00", "2017-01-05"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(FINAL)), size=st.integers(0, 6))
def test_every_record_read_is_accounted_for(process, data, name, size):
    elements = [field.element for field in INTERFACES[name].fields][:6]
    lines = "<Lines><Line><Sku>1</Sku><Amount>1</Amount></Line></Lines>" if name == PURCHASES else ""
    records = []
    for _ in range(size):
        values = {element: data.draw(VALUE) for element in elements}
        inner = "".join(f"<{key}>{text}</{key}>" for key, text in values.items() if text is not None)
        records.append(inner + (lines if data.draw(st.booleans()) else ""))
    outcome = process(name, *records)
    counts = outcome.counts
    left = KINDS[name].count(outcome.frames[FINAL[name]])
    assert counts.read == size
    assert counts.read == left + counts.collapsed + sum(counts.skipped.values()) + sum(
        counts.rejected.values()
    )
    assert outcome.frames["rejects"]["record"].nunique() == sum(counts.rejected.values())


@pytest.mark.parametrize("name", INTERFACES)
def test_samples_pass_every_step(process, read, name):
    text = "".join(sample(INTERFACES[name], 20))
    assert len(read(name, text).frames["records"]) == 20
