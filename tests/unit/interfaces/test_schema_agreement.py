"""XSD and line judge every record alike, but for the differences that are declared with their reasons."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from erp_feeds.codes import RejectCode
from erp_feeds.columns.convert import SCIENTIFIC
from erp_feeds.demo.testshop import ACCOUNTS_1_0, ACCOUNTS_1_1, ACCOUNTS_CASH_BACK, Record, erp_cache_xml
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Field, FieldType, Interface
from erp_feeds.publish.samples import checked_version, fields_since, sample, versions_of
from erp_feeds.publish.xsd import xsd
from erp_feeds.publish.xsd_differences import ONLY_THE_FEED_REFUSES, ONLY_THE_SCHEMA_REFUSES
from erp_feeds.steps.parse import parse
from support.merchants import merchant_of

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
MERCHANT = merchant_of()


@dataclass(frozen=True)
class Shape:
    """A form in which senders write an interface: its version, and the elements that they know."""

    name: str
    interface: Interface
    version: str
    fields: tuple[Field, ...]
    has_header: bool = True

    def __str__(self) -> str:
        return self.name

    def sample(self, records: int) -> etree._Element:
        """A sample export in this form."""
        root = etree.fromstring("".join(sample(self.interface, records, self.version)).encode())
        known = {field.element for field in self.fields}
        unknown = {field.element for field in self.interface.fields} - known
        for node in [each for each in root.iter() if each.tag in unknown]:
            node.getparent().remove(node)
        if not self.has_header:
            root.remove(root.find("ImportSettings"))
        return root


def _whole(interface: Interface) -> Shape:
    version = checked_version(interface, None)
    return Shape(interface.name, interface, version, fields_since(interface, version))


CACHE_INTERFACE = INTERFACES["erp_cache_customers"]
CASH_BACK = ("CumulativeSalesVolume", "CashBack", "CashBackCalculateToDate")


def _cache(name: str, version: str, *elements: str, has_header: bool = True) -> Shape:
    known = ("AccountNumber", "PriceListName", *elements)
    fields = tuple(field for field in CACHE_INTERFACE.fields if field.element in known)
    return Shape(name, CACHE_INTERFACE, version, fields, has_header)


CACHE_SHAPES = [
    _cache("cache-oldest", "1.0", has_header=False),
    _cache("cache-oldest-with-settings", "1.0"),
    _cache("cache-cash-back", "1.0", *CASH_BACK),
    _cache("cache-delivery-scheme", "1.1", *CASH_BACK, "DeliverySchemeCode"),
    _whole(CACHE_INTERFACE),
]
"""The four forms in which guides of several years describe two versions of the ERP cache."""
SHAPES = [*CACHE_SHAPES, *(_whole(each) for each in INTERFACES.values() if each is not CACHE_INTERFACE)]


@dataclass(frozen=True)
class Change:
    """What is done to one element of a sample record: `text` is set, or it is dropped, doubled and so on."""

    field: Field
    below: str
    """Path of the line, empty for an element of the record."""
    kind: str
    text: str = ""

    @property
    def value(self) -> str:
        """The text as XML sees it: its blanks collapsed, Unicode's others kept."""
        return re.sub("[ \t\r\n]+", " ", self.text).strip(" ")

    @property
    def has_text(self) -> bool:
        return self.kind in ("text", "added", "newer")

    def is_absent(self) -> bool:
        return self.kind in ("missing", "empty", "nil") or (self.has_text and not self.value.strip())


Changes = Mapping[str, Change]
"""Column -> its change; the others are as in the sample."""


def _lacks(changes: Changes, *columns: str) -> bool:
    """Tell whether one of some identifiers is absent, or none as the feed reads it."""
    given = [changes[column] for column in columns if column in changes]
    return any(each.is_absent() or _is_scientific(each) for each in given)


def _is_rewritten(text: str) -> bool:
    """Tell whether an identifier is none any more: scientific, with decimals, with odd digits or signs."""
    odd = any(unicodedata.category(sign) in {"Nd", "Cf"} and not sign.isascii() for sign in text)
    return odd or bool(re.fullmatch(rf"{SCIENTIFIC}|[0-9]+\.0+", text.strip()))


def _is_scientific(change: Change) -> bool:
    return change.has_text and _is_rewritten(change.value)


def _any(test: Callable[[Field, str], object], kind: FieldType | None = None) -> Callable[[Changes], bool]:
    """Make a test of some text out of a test of one."""

    def holds(changes: Changes) -> bool:
        texts = [each for each in changes.values() if each.has_text]
        return any(test(each.field, each.value) for each in texts if kind in (None, each.field.type))

    return holds


def _kind(*kinds: str) -> Callable[[Changes], bool]:
    return lambda changes: any(each.kind in kinds for each in changes.values())


def _number_spelled_freely(field: Field, text: str) -> bool:
    whole = text.lstrip("-").partition(".")[0].replace(",", "")
    limited = field.minimum is not None or field.maximum is not None
    too_wide = len(whole) > field.digits[0] - field.digits[1] and whole.startswith("0")
    return not whole or too_wide or (limited and ("," in text or text.startswith("-")))


def _moment_spelled_freely(_: Field, text: str) -> bool:
    strict = re.fullmatch(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-]([0-9]{2}:[0-9]{2}))?", text)
    return not strict or (strict[1] or "") > "14:00"


def _only_email(changes: Changes) -> bool:
    """An address that is none, and no number beside it (rule: customers 7)."""
    number = changes.get("customer_number")
    nobody = number and (number.is_absent() or number.value.strip() in MERCHANT.excluded_identifiers)
    email = changes.get("email")
    changed = email and email.has_text and not email.is_absent()
    return bool(nobody and changed and email and email.value.strip().lower() not in ADDRESSES)


def _line_total(changes: Changes) -> bool:
    """One amount fits its digits, and with that of the second line, as in the sample, it does not."""
    text = changes["amount"].value.strip().replace(",", "") if "amount" in changes else ""
    if not re.fullmatch(r"-?[0-9]*(\.[0-9]{0,2})?", text) or not re.search("[0-9]", text):
        return False
    lines = INTERFACES["srs_purchases"].lines
    assert lines
    (field,) = [each for each in lines.fields if each.name == "amount"]
    most = 10 ** (field.digits[0] - field.digits[1])
    amount = Decimal(text)
    return abs(amount) < most <= abs(amount + Decimal(field.example))


ADDRESSES = ("ada@example.com",)
"""Those of the texts to choose from that are e-mail addresses, in lower case."""
FEED: Mapping[str, Callable[[Changes], bool]] = {
    "scientific_identifier": _any(lambda _, text: _is_rewritten(text), FieldType.IDENTIFIER),
    "unicode_blanks": _any(lambda field, text: field.required and text and not text.strip()),
    "no_moment": _any(lambda _, text: text.startswith("0001-01-01"), FieldType.DATETIME),
    "till_parts": lambda changes: (
        _lacks(changes, "order_number") and _lacks(changes, "receipt_number", "branch")
    ),
    "only_email": _only_email,
    "line_total": _line_total,
}
"""Rule -> whether a changed record may meet it."""

CODES: Mapping[str, RejectCode] = {
    "scientific_identifier": RejectCode.MALFORMED_NUMBER,
    "unicode_blanks": RejectCode.MISSING_FIELD,
    "no_moment": RejectCode.INVALID_DATETIME,
    "till_parts": RejectCode.MISSING_FIELD,
    "only_email": RejectCode.INVALID_EMAIL,
    "line_total": RejectCode.OUT_OF_RANGE,
}
"""Rule -> the code under which the feed refuses what the schema takes; no other is a declared difference."""

SCHEMA: Mapping[str, Callable[[Changes], bool]] = {
    "unknown_element": _kind("unknown", "newer"),
    "namespace": _kind("namespaced"),
    "blanks": _any(lambda field, text: text != text.strip() and (text.strip() or not field.required)),
    "consent": _any(lambda _, text: text not in ("yes", "no"), FieldType.YES_NO),
    "day": lambda changes: any(
        each.has_text and each.field.name == "birth_date" for each in changes.values()
    ),
    "moment": _any(_moment_spelled_freely, FieldType.DATETIME),
    "number": _any(_number_spelled_freely, FieldType.DECIMAL),
}


@cache
def _schema(interface: str, version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(xsd(INTERFACES[interface], version).encode()))


def _document(shape: Shape, changes: Changes) -> etree._Element:
    interface = shape.interface
    root = shape.sample(1)
    record = root.find("/".join(interface.record_path[1:]))
    if interface.lines:  # a second line, so that there is something to add up
        line = record.find(interface.lines.path)
        line.addnext(deepcopy(line))
    for change in changes.values():
        if change.kind in ("added", "newer"):
            etree.SubElement(record, change.field.element).text = change.text
            continue
        node = record.find(f"{change.below}{change.field.element}")
        _apply(change, node, node.getparent())
    return root


def _apply(change: Change, node: etree._Element, parent: etree._Element) -> None:
    match change.kind:
        case "missing":
            parent.remove(node)
        case "empty":
            node.text = None
        case "nil":
            node.text = None
            node.set(NIL, "true")
        case "repeated":
            node.addnext(deepcopy(node))
        case "unknown":
            etree.SubElement(parent, "NeverHeardOf").text = "1"
        case "namespaced":
            node.tag = f"{{urn:x}}{node.tag}"
        case "markup":
            node.text, inner = None, node.text
            etree.SubElement(node, "b").text = inner
        case _:
            node.text = change.text


def verdicts(shape: Shape, changes: Changes) -> tuple[bool, set[str]]:
    """Return whether the schema accepts a record, and the codes under which the feed refuses it."""
    root = _document(shape, changes)
    read, codes = _fed(shape.interface, root)
    assert read == 1
    return _schema(shape.interface.name, shape.version).validate(root), codes


def _fed(interface: Interface, root: etree._Element) -> tuple[int, set[str]]:
    """Return how many records the feed reads, and the codes under which it refuses some."""
    blocks = list(parse([io.BytesIO(etree.tostring(root, encoding="utf-8"))], interface, MERCHANT))
    codes = {code for block in blocks for code in block.frames["rejects"]["code"]}
    return sum(block.counts.read for block in blocks), codes


DIGITS = st.from_regex(r"-?[0-9]{0,18}(,[0-9]{3}){0,3}(\.[0-9]{0,4})?", fullmatch=True)
DAY = st.from_regex(r"(000[01]|1[89]|20|99)[0-9]{2}-[0-3][0-9]-[0-3][0-9]", fullmatch=True) | st.dates().map(
    str
)
TIME = st.from_regex(
    r"[T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?(\.[0-9]{1,3})?(Z|[+-][01][0-9]:?[0-6]0)?", fullmatch=True
)
BLANK = st.text(" \t\n\u00a0\u2003\u3000", max_size=2)
ANY = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), max_size=8
)
TEXTS: Mapping[FieldType, st.SearchStrategy[str]] = {
    FieldType.TEXT: ANY,
    FieldType.IDENTIFIER: st.sampled_from(["1.23E+05", "1E5", "00123", "9" * 200, "9" * 201, "\u00e9" * 200])
    | DIGITS,
    FieldType.EMAIL: st.sampled_from(
        ["ada@example.com", "ADA@EXAMPLE.COM", "ada@", "ada", "a b@c.nl", "a@b"]
    ),
    FieldType.DATE: st.one_of(DAY, DAY, DAY.map(lambda day: day.replace("-", "")), DIGITS),
    FieldType.DATETIME: st.one_of(
        st.builds("".join, st.tuples(DAY, TIME)),
        st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat()),
        DAY,
    ),
    FieldType.DECIMAL: st.one_of(
        DIGITS,
        st.decimals(-1000, 1000, places=2).map(str),
        st.sampled_from(["100.01", "100.00", "-0", "-0.01", "1e3", "NaN", "INF", "+1", ".5", "5.", "1_0"]),
    ),
    FieldType.YES_NO: st.sampled_from(["yes", "no", "YES", "ja", "nee", "1", "maybe"]),
}
KINDS = ("missing", "empty", "nil", "repeated", "unknown", "namespaced", "markup")


@st.composite
def changed_records(draw: st.DrawFn) -> tuple[Shape, dict[str, Change]]:
    shape = draw(st.sampled_from(SHAPES))
    interface = shape.interface
    fields = [(field, "") for field in interface.fields]
    if interface.lines:
        fields += [(field, f"{interface.lines.path}/") for field in interface.lines.fields]
    chosen = draw(
        st.lists(st.sampled_from(fields), min_size=1, max_size=3, unique_by=lambda each: each[0].name)
    )
    changes = {}
    for field, below in chosen:
        kind = draw(st.sampled_from(KINDS) | st.just("text") | st.just("text"))
        if not below and field not in shape.fields:
            is_known = field in fields_since(interface, shape.version)
            kind = "added" if is_known else "newer"
        has_text = kind in ("text", "added", "newer")
        text = draw(st.one_of(TEXTS[field.type], TEXTS[field.type], ANY)) if has_text else ""
        if draw(st.integers(0, 5)) == 0:
            text = f"{draw(BLANK)}{text}{draw(BLANK)}"
        changes[field.name] = Change(field, below, kind, text)
    return shape, changes


@settings(max_examples=500, deadline=None)
@given(changed_records())
def test_schema_and_line_judge_alike_but_for_the_declared_differences(
    case: tuple[Shape, dict[str, Change]],
) -> None:
    shape, changes = case
    schema, refused = verdicts(shape, changes)
    if schema:
        declared = {CODES[rule].value for rule, applies in FEED.items() if applies(changes)}
        assert refused <= declared, "only the feed refuses"
    if not schema and not refused:
        assert any(applies(changes) for applies in SCHEMA.values()), "only the schema refuses"


def test_every_declared_difference_has_its_test() -> None:
    assert FEED.keys() == CODES.keys() == ONLY_THE_FEED_REFUSES.keys()
    assert SCHEMA.keys() == ONLY_THE_SCHEMA_REFUSES.keys()


PURCHASES, CUSTOMERS, CACHE = "srs_purchases", "srs_customers", "erp_cache_customers"
EXAMPLES: list[tuple[str, str, dict[str, tuple[str, str]]]] = [
    ("scientific_identifier", CACHE, {"account_number": ("text", "1.23E+05")}),
    ("unicode_blanks", CACHE, {"account_number": ("text", "\u00a0")}),
    ("no_moment", PURCHASES, {"date_time": ("text", "0001-01-01T00:00:00")}),
    ("till_parts", PURCHASES, {"order_number": ("missing", ""), "branch": ("empty", "")}),
    ("only_email", CUSTOMERS, {"customer_number": ("missing", ""), "email": ("text", "ada@")}),
    ("line_total", PURCHASES, {"amount": ("text", "999999999999.99")}),
    ("unknown_element", CUSTOMERS, {"city": ("unknown", "")}),
    ("namespace", CUSTOMERS, {"city": ("namespaced", "")}),
    ("blanks", CACHE, {"cash_back": ("text", "1.00\u00a0")}),
    ("moment", PURCHASES, {"date_time": ("text", "2017-01-05 11:53")}),
    ("number", CACHE, {"discount_percentage": ("text", "-0")}),
]


def _changes(interface: Interface, parts: Mapping[str, tuple[str, str]]) -> dict[str, Change]:
    places = {field.name: (field, "") for field in interface.fields}
    if interface.lines:
        places |= {field.name: (field, f"{interface.lines.path}/") for field in interface.lines.fields}
    return {column: Change(*places[column], *part) for column, part in parts.items()}


@pytest.mark.parametrize(("rule", "name", "parts"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_a_declared_difference_is_one(rule: str, name: str, parts: dict[str, tuple[str, str]]) -> None:
    interface = INTERFACES[name]
    changes = _changes(interface, parts)
    assert [each for each, applies in {**FEED, **SCHEMA}.items() if applies(changes)] == [rule]
    accepted, refused = verdicts(_whole(interface), changes)
    assert (accepted, refused) == ((True, {CODES[rule].value}) if rule in FEED else (False, set()))


NEAR_MISSES: list[tuple[str, dict[str, tuple[str, str]]]] = [
    (CUSTOMERS, {"customer_number": ("missing", ""), "email": ("text", "ADA@example.com")}),
    (CUSTOMERS, {"customer_number": ("missing", ""), "email": ("empty", "")}),
    (CUSTOMERS, {"customer_number": ("text", "7"), "email": ("text", "ada@")}),
    (PURCHASES, {"amount": ("text", "999999999996.00")}),
    (PURCHASES, {"amount": ("text", "-999999999999.99")}),
]
"""Records beside those of only_email and line_total, which both judge alike."""


@pytest.mark.parametrize(("name", "parts"), NEAR_MISSES)
def test_a_record_beside_a_declared_difference_is_none(name: str, parts: dict[str, tuple[str, str]]) -> None:
    changes = _changes(INTERFACES[name], parts)
    assert not any(applies(changes) for applies in {**FEED, **SCHEMA}.values())
    accepted, refused = verdicts(_whole(INTERFACES[name]), changes)
    assert accepted == (not refused)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_form_of_an_interface_is_taken_by_its_schema_and_the_feed(shape: Shape) -> None:
    root = shape.sample(200)
    schema = _schema(shape.interface.name, shape.version)
    assert schema.validate(root), schema.error_log.last_error
    assert _fed(shape.interface, root) == (200, set())


@pytest.mark.parametrize(
    ("accounts", "declared", "version"),
    [
        (ACCOUNTS_1_0, "", "1.0"),
        (ACCOUNTS_1_0, "1.0", "1.0"),
        (ACCOUNTS_CASH_BACK, "1.0", "1.0"),
        (ACCOUNTS_1_1, "1.1", "1.1"),
    ],
)
def test_what_the_demo_exports_is_taken_by_its_schema_and_the_feed(
    accounts: list[Record], declared: str, version: str
) -> None:
    root = etree.fromstring(erp_cache_xml(accounts, declared))
    schema = _schema(CACHE, version)
    assert schema.validate(root), schema.error_log.last_error
    assert _fed(CACHE_INTERFACE, root) == (len(accounts), set())


@pytest.mark.parametrize("version", versions_of(CACHE_INTERFACE))
@pytest.mark.parametrize("left_out", ["", "ImportSettings", "Importer", "Version"])
@pytest.mark.parametrize("importer", ["ErpCache_Customers", "Authorization"])
def test_erp_cache_4_schema_and_feed_judge_the_settings_alike(
    version: str, left_out: str, importer: str
) -> None:
    """A file without a version counts as the oldest one, so the schema of that one judges it."""
    root = _whole(CACHE_INTERFACE).sample(1) if version == "1.1" else CACHE_SHAPES[2].sample(1)
    root.find("ImportSettings/Importer").text = importer
    for node in list(root.iter(left_out)) if left_out else ():
        node.getparent().remove(node)
    counts_as = version if root.find("ImportSettings/Version") is not None else "1.0"
    newer = counts_as != version  # of elements that came after the version it counts as
    try:
        taken = not _fed(CACHE_INTERFACE, root)[1]
    except QuarantineError:
        taken = False
    assert _schema(CACHE, counts_as).validate(root) == (taken and not newer)
