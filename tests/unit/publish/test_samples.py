"""Samples are made of the declaration, and what they hold passes the line's own checks."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest

from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface
from erp_feeds.publish.samples import fields_since, sample, versions_of
from erp_feeds.steps.parse import parse
from support.merchants import merchant_of

VERSIONS = [(each, version) for each in INTERFACES.values() for version in versions_of(each)]
IDS = [f"{each.name}-{version}" for each, version in VERSIONS]
MERCHANT = merchant_of()


def records_of(interface: Interface, count: int, version: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring("".join(sample(interface, count, version)))
    return root.findall("/".join([".", *interface.record_path[1:]]))


@pytest.mark.parametrize(("interface", "version"), VERSIONS, ids=IDS)
def test_the_pipeline_accepts_every_record_of_a_sample(interface: Interface, version: str) -> None:
    source = io.BytesIO("".join(sample(interface, 300, version)).encode())
    counts = [outcome.counts for outcome in parse({1: [source]}, interface, MERCHANT)]
    assert sum(each.read for each in counts) == 300
    assert not any(each.rejected for each in counts)
    assert not any(each.warnings for each in counts)


@pytest.mark.parametrize(("interface", "version"), VERSIONS, ids=IDS)
def test_the_first_record_is_the_declarations_examples(interface: Interface, version: str) -> None:
    (record,) = records_of(interface, 1, version)
    for field in fields_since(interface, version):
        assert record.findtext(field.element) == field.example
    for field in interface.lines.fields if interface.lines else ():
        assert record.findtext(f"{interface.lines.path}/{field.element}") == field.example  # type: ignore[union-attr]


def test_a_version_knows_only_its_own_elements() -> None:
    interface = INTERFACES["erp_cache_customers"]
    (old,) = records_of(interface, 1, "1.0")
    (new,) = records_of(interface, 1, "1.1")
    assert {child.tag for child in new} - {child.tag for child in old} == {
        "InvoiceTo",
        "DeliverySchemeCode",
        "DiscountPercentage",
    }


def test_records_vary_and_required_elements_stay() -> None:
    interface = INTERFACES["erp_cache_customers"]
    records = records_of(interface, 50, "1.1")
    assert len({record.findtext("AccountNumber") for record in records}) == 50
    assert all(record.findtext("PriceListName") for record in records)
    assert any(record.find("InvoiceTo") is None for record in records)


def test_purchases_hold_orders_returns_and_exchanges() -> None:
    signs = set()
    for record in records_of(INTERFACES["srs_purchases"], 40, "1.0"):
        amounts = [float(node.text or "") for node in record.iterfind("Lines/Line/Amount")]
        signs.add((any(amount > 0 for amount in amounts), any(amount < 0 for amount in amounts)))
    assert signs == {(True, False), (False, True), (True, True)}


def test_an_unknown_version_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"has no version '1\.2'; did you mean '1\.1'\?|valid"):
        list(sample(INTERFACES["erp_cache_customers"], 1, "1.2"))
