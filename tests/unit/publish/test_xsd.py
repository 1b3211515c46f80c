"""The schemas accept samples, refuse what breaks a rule, and never promise more than the line keeps."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from lxml import etree

from erp_feeds.columns.convert import read_values
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface
from erp_feeds.publish.samples import sample, versions_of
from erp_feeds.publish.xsd import file_names, merchant_schema, xsd
from support.merchants import facts_of

CACHE = INTERFACES["erp_cache_customers"]
VERSIONS = [(each, version) for each in INTERFACES.values() for version in versions_of(each)]
IDS = [f"{each.name}-{version}" for each, version in VERSIONS]


def schema_of(interface: Interface, version: str | None = None) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(xsd(interface, version).encode()))


def changed(interface: Interface, old: str, new: str) -> etree._Element:
    text = "".join(sample(interface, 1))
    assert old in text
    return etree.fromstring(text.replace(old, new).encode())


@pytest.mark.parametrize(("interface", "version"), VERSIONS, ids=IDS)
def test_samples_are_valid(interface: Interface, version: str) -> None:
    schema = schema_of(interface, version)
    document = etree.fromstring("".join(sample(interface, 200, version)).encode())
    assert schema.validate(document), schema.error_log.last_error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<AccountNumber>100001</AccountNumber>", ""),
        ("<AccountNumber>100001<", "<AccountNumber> <"),
        ("<PriceListName>WHOLESALE<", "<PriceListName><"),
        ("12,345.67", "12.345,67"),
        ("12,345.67", "12,34.5"),
        ("12,345.67", "1e3"),
        ("12,345.67", "NaN"),
        ("12,345.67", "12345678901234567.00"),
        ("2017-01-31", "31-01-2017"),
        ("2017-01-31", "2017-02-29"),
        ("<DiscountPercentage>2.50<", "<DiscountPercentage>100.01<"),
        ("<DiscountPercentage>2.50<", "<DiscountPercentage>-1<"),
        ("<Version>1.1</Version>", ""),
        ("<Version>1.1<", "<Version>2.0<"),
        ("ErpCache_Customers</Importer>", "Authorization</Importer>"),
        ("<InvoiceTo>100000</InvoiceTo>", "<InvoiceTo>1</InvoiceTo><InvoiceTo>2</InvoiceTo>"),
        ("<InvoiceTo>100000</InvoiceTo>", "<Unknown>1</Unknown>"),
    ],
)
def test_a_broken_rule_is_invalid(old: str, new: str) -> None:
    assert not schema_of(CACHE).validate(changed(CACHE, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("12,345.67", "1,234,567.80"),
        ("12,345.67", "-12345.6"),
        ("12,345.67", ""),
        ("2017-01-31", ""),
        ("2017-01-31", " 2017-01-31\n"),
        ("<DiscountPercentage>2.50</DiscountPercentage>", ""),
        ("<DiscountPercentage>2.50<", "<DiscountPercentage>100<"),
        (
            "<CashBack>123.45</CashBack>",
            '<CashBack xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>',
        ),
    ],
)
def test_every_documented_form_is_valid(old: str, new: str) -> None:
    schema = schema_of(CACHE)
    assert schema.validate(changed(CACHE, old, new)), schema.error_log.last_error


def test_element_order_is_free() -> None:
    document = etree.fromstring("".join(sample(CACHE, 1)).encode())
    record = document.find("Customers/Customer")
    assert record is not None
    record[:] = list(reversed(record))
    assert schema_of(CACHE).validate(document)


PROBES = [
    "1",
    "0",
    "-1",
    "+1",
    ".5",
    "5.",
    "1.2",
    "1.25",
    "1.255",
    "1,000",
    "1,00",
    "12,345.6",
    "1234567890123456",
    "9999999999999999.99",
    "1,234,567,890,123,456",
    "100",
    "100.00",
    "100.01",
    "-0.01",
    "1e3",
    "NaN",
    "INF",
    "1_0",
    "2017-02-28",
    "2017-02-29",
    "0000-01-01",
    "2017-1-1",
    "20170101",
    "2017-01-01Z",
    "2017-01-05T11:53:26",
    "2017-01-05T24:00:00",
    "2017-01-05T23:59:60",
    "2017-01-05T11:53",
    "2017-01-05T11:53:26+14:00",
    "2017-01-05T11:53:26+14:30",
    "2017-01-05T11:53:26Z",
    "2017-02-30T11:53:26",
    "yes",
    "no",
    "YES",
    "ja",
    "maybe",
]


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES)
def test_what_the_schema_accepts_the_pipeline_accepts(interface: Interface) -> None:
    schema = schema_of(interface)
    fields = [*((field, "") for field in interface.fields)]
    fields += (
        [(field, f"{interface.lines.path}/") for field in interface.lines.fields] if interface.lines else []
    )
    container = "/".join(interface.record_path[1:])
    for field, below in fields:
        document = etree.fromstring("".join(sample(interface, 1)).encode())
        node = document.find(f"{container}/{below}{field.element}")
        assert node is not None
        for probe in PROBES:
            node.text = probe
            if schema.validate(document) and field.type.value not in ("email", "identifier"):
                errors = read_values(field, pa.array([probe])).errors
                assert not any(error.mask[0].as_py() for error in errors), (field.name, probe)


def test_each_version_has_its_file() -> None:
    assert file_names(CACHE) == {"1.0": "erp_cache_customers_1.0.xsd", "1.1": "erp_cache_customers_1.1.xsd"}
    assert file_names(INTERFACES["srs_customers"]) == {"1.0": "srs_customers.xsd"}


def test_the_merchant_schema_knows_interfaces_and_columns() -> None:
    interfaces = merchant_schema()["properties"]["interfaces"]
    assert set(interfaces["properties"]) == set(INTERFACES)
    assert interfaces["additionalProperties"] is False
    elements = interfaces["properties"]["srs_purchases"]["properties"]["elements"]
    assert tuple(elements["properties"]) == INTERFACES["srs_purchases"].field_names()


LINKS = {
    "lastname": {"join": ["infix", "last_name"]},
    "custom_loyalty": {"from": "LoyaltyCard", "transform": "phone"},
    "birthdate": {"from": "birth_date", "date_form": "%d-%m-%Y"},
    "city": {"from": "city", "empty": "clear"},
    "phone": None,
}


@pytest.mark.parametrize(
    ("interface", "wrong"),
    [
        ("srs_customers", {"citty": {"from": "city"}}),
        ("srs_customers", {"custom_Loyalty": {"from": "city"}}),
        ("srs_customers", {"city": {"from": "city", "transform": "gendre"}}),
        ("srs_customers", {"city": {"from": "city", "emtpy": "clear"}}),
        ("srs_customers", {"email": {"from": "city"}}),
        ("srs_customers", {"lastname": {"join": ["last_name"]}}),
        ("srs_purchases", {"custom_a": {"from": "branch", "empty": "clear"}}),
        ("erp_cache_customers", {}),
    ],
)
def test_the_merchant_schema_knows_what_a_mapping_may_say(interface: str, wrong: dict[str, object]) -> None:
    from jsonschema import Draft202012Validator

    schema = merchant_schema()
    known = schema["properties"]["interfaces"]["properties"]
    good = Draft202012Validator({**known["srs_customers"], "$defs": schema["$defs"]})
    assert not list(good.iter_errors({"extra_elements": ["LoyaltyCard"], "mapping": LINKS}))
    strict = Draft202012Validator({**known[interface], "$defs": schema["$defs"]})
    assert list(strict.iter_errors({"mapping": wrong}))


def test_the_merchant_files_of_the_project_fit_the_schema(tmp_path: Path) -> None:
    import json

    import yaml
    from jsonschema import Draft202012Validator

    from erp_feeds.settings import INCLUDE

    validator = Draft202012Validator(merchant_schema())
    for path in sorted((INCLUDE / "merchants").glob("*.yaml")):
        data = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
        assert not list(validator.iter_errors(data)), path.name
    assert list(validator.iter_errors({"name": "x", "colour": 1}))


def test_the_merchant_schema_takes_no_interface_only_where_the_pages_choose_them() -> None:
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(merchant_schema())
    assert validator.is_valid(facts_of(interfaces={}, settings="store"))
    assert not validator.is_valid(facts_of(interfaces={}, settings="file"))
    assert not validator.is_valid(facts_of(interfaces={}))
    assert validator.is_valid(facts_of())
