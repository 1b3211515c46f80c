from __future__ import annotations

import pytest

from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample
from erp_feeds.xml.schema_drift import LONGEST_NAME, MOST_NAMES, OTHERS, Drift

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"
ERP = "erp_cache_customers"


@pytest.mark.parametrize("name", INTERFACES)
def test_a_sample_carries_known_elements_only(read, name):
    counts = read(name, "".join(sample(INTERFACES[name], 5))).counts
    assert counts.unknown == {}
    assert {field.element for field in INTERFACES[name].fields if field.required} <= counts.elements.keys()
    assert set(counts.elements.values()) == {5} or max(counts.elements.values()) >= 5


def test_known_elements_count_once_a_record_empty_or_not(read, xml):
    text = xml(CUSTOMERS, "<CustomerNumber>1</CustomerNumber><Email/>", "<CustomerNumber>2</CustomerNumber>")
    assert read(CUSTOMERS, text).counts.elements == {"CustomerNumber": 2, "Email": 1}


@pytest.mark.parametrize("chunk", [9, 1 << 20])
def test_unknown_elements_are_named_wherever_they_stand(read, chunk):
    purchase = (
        "<Purchase><OrderNumber>W{}</OrderNumber><DateTime>2017-01-05T11:53</DateTime><Till>7</Till><Till/>"
        "<Lines><Line><Sku>1</Sku><Amount>1</Amount><Colour>a=b</Colour></Line><Gift/></Lines></Purchase>"
    )
    text = (
        f"<Export><Stores/><Purchases>{purchase.format(1)}<Koop/>{purchase.format(2)}</Purchases>"
        "<Stores/></Export>"
    )
    counts = read(PURCHASES, text, chunk=chunk).counts
    assert counts.unknown == {
        "Till": 4,
        "Lines/Line/Colour": 2,
        "Lines/Gift": 2,
        "Export/Purchases/Koop": 1,
        "Export/Stores": 2,
    }
    assert counts.warnings == {"unknown_element": 11}
    assert counts.read == 2
    assert {"Lines/Line/Sku", "Lines/Line/Amount"} <= counts.elements.keys()


def test_unknown_elements_of_the_settings_are_named(read, xml):
    record = "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName>"
    text = xml(ERP, record).replace("<Version>", "<Release>9</Release><Version>")
    assert read(ERP, text).counts.unknown == {"Import/ImportSettings/Release": 1}


def test_names_without_values(read, xml):
    text = xml(CUSTOMERS, "<CustomerNumber>1</CustomerNumber><Club>ada@example.com =x</Club>")
    counts = read(CUSTOMERS, text).counts
    assert counts.unknown == {"Club": 1}
    assert "ada" not in counts.model_dump_json()


def test_data_written_as_names_is_cut_short():
    drift = Drift()
    drift.note_unknown({"n" * 1_000: 1})
    drift.note_unknown({f"person{n}": 1 for n in range(500)})
    drift.note_unknown({"person3": 1, "another": 1})
    unknown = drift.counts(0).unknown
    assert len(unknown) == MOST_NAMES + 1
    assert unknown["n" * LONGEST_NAME + OTHERS] == 1
    assert unknown["person3"] == 2
    assert sum(unknown.values()) == 503


@pytest.mark.parametrize("chunk", [1, 40, 1 << 20])
def test_attributes_that_no_field_reads_are_named_and_counted(read, chunk):
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    one = '<Customer action="delete"><CustomerNumber kind="a" x:kind="b">1</CustomerNumber></Customer>'
    other = '<Customer action="delete"><CustomerNumber>2</CustomerNumber><City xsi:nil="true"/></Customer>'
    text = f'<Export {xsi} xmlns:x="urn:x"><Customers n="2">{one}{other}<Customer/></Customers></Export>'
    counts = read("srs_customers", text, chunk=chunk).counts
    assert counts.unknown == {"@action": 2, "CustomerNumber/@kind": 2}
    assert counts.warnings["unknown_element"] == 4
