"""XSD and feed judge samples and broken samples alike, but for the declared differences."""

from __future__ import annotations

import io
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

import pytest
from lxml import etree

from erp_feeds.codes import RejectCode
from erp_feeds.demo.testshop import ACCOUNTS_1_0, ACCOUNTS_1_1, ACCOUNTS_CASH_BACK, Record, erp_cache_xml
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface
from erp_feeds.publish.samples import checked_version, sample, versions_of
from erp_feeds.publish.xsd import xsd
from erp_feeds.publish.xsd_differences import ONLY_THE_FEED_REJECTS, ONLY_THE_SCHEMA_REJECTS
from erp_feeds.steps.parse import parse
from support.merchants import merchant_of

CACHE, CUSTOMERS, PURCHASES = (
    INTERFACES[name] for name in ("erp_cache_customers", "srs_customers", "srs_purchases")
)
MERCHANT = merchant_of()
OLDEST = ("AccountNumber", "PriceListName")
CASH_BACK = ("CumulativeSalesVolume", "CashBack", "CashBackCalculateToDate")


@dataclass(frozen=True)
class Form:
    """How senders write an interface: the version, and how many of its elements they know."""

    interface: Interface
    version: str
    elements: tuple[str, ...] = ()
    has_header: bool = True

    def sample(self, records: int) -> etree._Element:
        root = etree.fromstring("".join(sample(self.interface, records, self.version)).encode())
        known = self.elements or tuple(field.element for field in self.interface.fields)
        for field in self.interface.fields:
            for node in [*root.iter(field.element)] if field.element not in known else ():
                node.getparent().remove(node)
        if not self.has_header:
            root.remove(root.find("ImportSettings"))
        return root


def newest(interface: Interface) -> Form:
    return Form(interface, checked_version(interface, None))


FORMS = {
    "cache-oldest": Form(CACHE, "1.0", OLDEST, has_header=False),
    "cache-oldest-with-settings": Form(CACHE, "1.0", OLDEST),
    "cache-cash-back": Form(CACHE, "1.0", (*OLDEST, *CASH_BACK)),
    "cache-delivery-scheme": Form(CACHE, "1.1", (*OLDEST, *CASH_BACK, "DeliverySchemeCode")),
    **{interface.name: newest(interface) for interface in INTERFACES.values()},
}
"""The four forms in which guides of several years describe two versions of the ERP cache, and the others."""


@cache
def schema_of(interface: str, version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(xsd(INTERFACES[interface], version).encode()))


def feed(interface: Interface, root: etree._Element) -> tuple[int, set[str]]:
    """Return how many records the feed reads, and the codes under which it rejects some."""
    blocks = list(parse({1: [io.BytesIO(etree.tostring(root, encoding="utf-8"))]}, interface, MERCHANT))
    codes = {code for block in blocks for code in block.frames["rejects"]["code"]}
    return sum(block.counts.read for block in blocks), codes


def changed(interface: Interface, changes: dict[str, str | None]) -> etree._Element:
    """Return a sample of one record in which some elements have another text, or are dropped (None)."""
    root = newest(interface).sample(1)
    record = root.find("/".join(interface.record_path[1:]))
    if interface.lines:  # a second line, so that there is something to add up
        line = record.find(interface.lines.path)
        line.addnext(deepcopy(line))
    for element, text in changes.items():
        node = next(record.iter(element))
        if text is None:
            node.getparent().remove(node)
        else:
            node.text = text
    return root


def judged(interface: Interface, root: etree._Element) -> tuple[bool, set[str]]:
    """Return whether the schema accepts a record, and the codes under which the feed rejects it."""
    read, codes = feed(interface, root)
    assert read == 1
    return schema_of(interface.name, checked_version(interface, None)).validate(root), codes


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_schema_and_feed_accept_every_form_of_an_interface(form: Form) -> None:
    root = form.sample(200)
    schema = schema_of(form.interface.name, form.version)
    assert schema.validate(root), schema.error_log.last_error
    assert feed(form.interface, root) == (200, set())


@pytest.mark.parametrize(
    ("accounts", "declared", "version"),
    [
        (ACCOUNTS_1_0, "", "1.0"),
        (ACCOUNTS_1_0, "1.0", "1.0"),
        (ACCOUNTS_CASH_BACK, "1.0", "1.0"),
        (ACCOUNTS_1_1, "1.1", "1.1"),
    ],
)
def test_schema_and_feed_accept_what_the_demo_exports(
    accounts: list[Record], declared: str, version: str
) -> None:
    root = etree.fromstring(erp_cache_xml(accounts, declared))
    schema = schema_of(CACHE.name, version)
    assert schema.validate(root), schema.error_log.last_error
    assert feed(CACHE, root) == (len(accounts), set())


def broken_samples() -> list[tuple[Interface, dict[str, str | None]]]:
    """Every required element missing and empty, and every typed one with texts of no such value."""
    wrong = {
        "DECIMAL": ("1e3", "NaN", "1.234,50", "12,34.5", "ten", "9" * 40),
        "DATE": ("2026-02-30", "20260101", "soon"),
        "DATETIME": ("2026-13-01T10:00:00", "2026-01-01T25:00:00", "soon"),
        "IDENTIFIER": ("9" * 201,),
    }
    found: list[tuple[Interface, dict[str, str | None]]] = []
    for interface in INTERFACES.values():
        lines = interface.lines.fields if interface.lines else ()
        for field in (*interface.fields, *lines):
            texts = () if field.name == "birth_date" else wrong.get(field.type.name, ())
            found += [(interface, {field.element: text}) for text in (*texts, *([None, ""] * field.required))]
    return [*found, (CACHE, {"DiscountPercentage": "100.01"}), (CACHE, {"DiscountPercentage": "-0.01"})]


@pytest.mark.parametrize(("interface", "changes"), broken_samples())
def test_schema_and_feed_refuse_broken_samples(interface: Interface, changes: dict[str, str | None]) -> None:
    accepted, codes = judged(interface, changed(interface, changes))
    assert not accepted
    assert codes


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES)
def test_schema_and_feed_refuse_repeated_and_nested_elements(interface: Interface) -> None:
    for field in interface.fields:
        root = changed(interface, {})
        node = next(root.iter(field.element))
        node.addnext(deepcopy(node))
        assert judged(interface, root) == (False, {RejectCode.REPEATED_FIELD.value})
        root = changed(interface, {field.element: ""})
        etree.SubElement(next(root.iter(field.element)), "b").text = "1"
        accepted, codes = judged(interface, root)
        assert not accepted
        assert RejectCode.INVALID_VALUE.value in codes


DIFFERENCES: list[tuple[str, Interface, dict[str, str | None], RejectCode | None]] = [
    ("scientific_identifier", CACHE, {"AccountNumber": "1.23E+05"}, RejectCode.MALFORMED_NUMBER),
    ("unicode_spaces", CACHE, {"AccountNumber": "\u00a0"}, RejectCode.MISSING_FIELD),
    ("no_moment", PURCHASES, {"DateTime": "0001-01-01T00:00:00"}, RejectCode.INVALID_DATETIME),
    ("till_parts", PURCHASES, {"OrderNumber": None, "Branch": ""}, RejectCode.MISSING_FIELD),
    ("only_email", CUSTOMERS, {"CustomerNumber": None, "Email": "ada@"}, RejectCode.INVALID_EMAIL),
    ("line_total", PURCHASES, {"Amount": "999999999999.99"}, RejectCode.OUT_OF_RANGE),
    ("spaces", CACHE, {"CashBack": "1.00\u00a0"}, None),
    ("consent", CUSTOMERS, {"Newsletter": "ja"}, None),
    ("day", CUSTOMERS, {"BirthDate": "2026-02-30"}, None),
    ("moment", PURCHASES, {"DateTime": "2017-01-05 11:53"}, None),
    ("number", CACHE, {"DiscountPercentage": "-0"}, None),
]
"""Difference, an example, and the code under which only the feed rejects it; None: only the schema does."""


@pytest.mark.parametrize(("name", "interface", "changes", "code"), DIFFERENCES)
def test_a_declared_difference_is_one(
    name: str, interface: Interface, changes: dict[str, str | None], code: RejectCode | None
) -> None:
    assert name in (ONLY_THE_FEED_REJECTS if code else ONLY_THE_SCHEMA_REJECTS)
    assert judged(interface, changed(interface, changes)) == (bool(code), {code.value} if code else set())


@pytest.mark.parametrize("tag", ["NeverHeardOf", "{urn:x}City"])
def test_only_the_schema_refuses_unknown_elements_and_namespaces(tag: str) -> None:
    root = changed(CUSTOMERS, {"City": None})
    etree.SubElement(root.find("Customers/Customer"), tag).text = "1"
    assert judged(CUSTOMERS, root) == (False, set())


def test_every_declared_difference_has_its_example() -> None:
    declared = {*ONLY_THE_FEED_REJECTS, *ONLY_THE_SCHEMA_REJECTS}
    assert declared == {each[0] for each in DIFFERENCES} | {"unknown_element", "namespace"}


@pytest.mark.parametrize(
    ("interface", "changes"),
    [
        (CUSTOMERS, {"CustomerNumber": None, "Email": "ADA@example.com"}),
        (CUSTOMERS, {"CustomerNumber": None, "Email": ""}),
        (CUSTOMERS, {"CustomerNumber": "7", "Email": "ada@"}),
        (PURCHASES, {"Amount": "999999999996.00"}),
        (PURCHASES, {"Amount": "-999999999999.99"}),
    ],
)
def test_records_beside_a_declared_difference_are_judged_alike(
    interface: Interface, changes: dict[str, str | None]
) -> None:
    accepted, codes = judged(interface, changed(interface, changes))
    assert accepted == (not codes)


@pytest.mark.parametrize("version", versions_of(CACHE))
@pytest.mark.parametrize("left_out", ["", "ImportSettings", "Importer", "Version"])
@pytest.mark.parametrize("importer", ["ErpCache_Customers", "Authorization"])
def test_erp_cache_4_schema_and_feed_judge_the_settings_alike(
    version: str, left_out: str, importer: str
) -> None:
    """A file without a version counts as the oldest one, so the schema of that one judges it."""
    root = (newest(CACHE) if version == "1.1" else FORMS["cache-cash-back"]).sample(1)
    root.find("ImportSettings/Importer").text = importer
    for node in list(root.iter(left_out)) if left_out else ():
        node.getparent().remove(node)
    counts_as = version if root.find("ImportSettings/Version") is not None else "1.0"
    newer = counts_as != version  # of elements that came after the version it counts as
    try:
        taken = not feed(CACHE, root)[1]
    except QuarantineError:
        taken = False
    assert schema_of(CACHE.name, counts_as).validate(root) == (taken and not newer)
