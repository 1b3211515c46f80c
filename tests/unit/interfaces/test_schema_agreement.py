"""XSD and line judge every record alike, but for the differences that are declared with their reasons."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.differences import ONLY_THE_FEED_REFUSES, ONLY_THE_SCHEMA_REFUSES
from erp_feeds.interfaces.samples import sample
from erp_feeds.interfaces.schemas import xsd
from erp_feeds.interfaces.spec import Field, FieldType, Interface
from erp_feeds.merchant import Merchant
from erp_feeds.steps.parse import parse
from erp_feeds.steps.values import SCIENTIFIC

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
MERCHANT = Merchant.model_validate(
    {
        "name": "shop",
        "shop_name": "Shop",
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "ftps": {"connection": "none"},
        "interfaces": {name: {} for name in INTERFACES},
    }
)


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

    def is_absent(self) -> bool:
        return self.kind in ("missing", "empty", "nil") or (self.kind == "text" and not self.value.strip())


Changes = Mapping[str, Change]
"""Column -> its change; the others are as in the sample."""


def _absent(changes: Changes, *columns: str) -> bool:
    return any(column in changes and changes[column].is_absent() for column in columns)


def _any(test: Callable[[Field, str], object], kind: FieldType | None = None) -> Callable[[Changes], bool]:
    """Make a test of some text out of a test of one."""

    def holds(changes: Changes) -> bool:
        texts = [each for each in changes.values() if each.kind == "text"]
        return any(test(each.field, each.value) for each in texts if kind in (None, each.field.type))

    return holds


def _kind(kind: str) -> Callable[[Changes], bool]:
    return lambda changes: any(each.kind == kind for each in changes.values())


def _number_spelled_freely(field: Field, text: str) -> bool:
    whole = text.lstrip("-").partition(".")[0].replace(",", "")
    limited = field.minimum is not None or field.maximum is not None
    too_wide = len(whole) > field.digits[0] - field.digits[1] and whole.startswith("0")
    return not whole or too_wide or (limited and ("," in text or text.startswith("-")))


def _moment_spelled_freely(_: Field, text: str) -> bool:
    strict = re.fullmatch(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-]([0-9]{2}:[0-9]{2}))?", text)
    return not strict or (strict[1] or "") > "14:00"


def _amount(changes: Changes) -> bool:
    text = changes["amount"].value.replace(",", "") if "amount" in changes else "0"
    return bool(re.fullmatch(r"-?[0-9]*\.?[0-9]+", text)) and abs(Decimal(text)) > Decimal("999999999990")


FEED: Mapping[str, Callable[[Changes], bool]] = {
    "scientific_identifier": _any(
        lambda _, text: re.fullmatch(SCIENTIFIC, text.strip()), FieldType.IDENTIFIER
    ),
    "unicode_blanks": _any(lambda field, text: field.required and text and not text.strip()),
    "no_moment": _any(lambda _, text: text.startswith("0001-01-01"), FieldType.DATETIME),
    "till_parts": lambda changes: (
        _absent(changes, "order_number") and _absent(changes, "receipt_number", "branch")
    ),
    "only_email": lambda changes: _absent(changes, "customer_number") and "email" in changes,
    "line_total": _amount,
}
"""Rule -> whether a changed record may meet it."""

SCHEMA: Mapping[str, Callable[[Changes], bool]] = {
    "unknown_element": _kind("unknown"),
    "namespace": _kind("namespaced"),
    "markup": _kind("markup"),
    "blanks": _any(lambda field, text: text != text.strip() and (text.strip() or not field.required)),
    "consent": _any(lambda _, text: text not in ("yes", "no"), FieldType.YES_NO),
    "moment": _any(_moment_spelled_freely, FieldType.DATETIME),
    "number": _any(_number_spelled_freely, FieldType.DECIMAL),
}


@cache
def _schema(interface: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(xsd(INTERFACES[interface]).encode()))


def _document(interface: Interface, changes: Changes) -> etree._Element:
    root = etree.fromstring("".join(sample(interface, 1)).encode())
    record = root.find("/".join(interface.record_path[1:]))
    if interface.lines:  # a second line, so that there is something to add up
        line = record.find(interface.lines.path)
        line.addnext(deepcopy(line))
    for change in changes.values():
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


def verdicts(interface: Interface, changes: Changes) -> tuple[bool, bool]:
    """Return whether the schema and the feed accept a record."""
    root = _document(interface, changes)
    blocks = list(parse([io.BytesIO(etree.tostring(root, encoding="utf-8"))], interface, MERCHANT))
    assert sum(block.counts.read for block in blocks) == 1
    return _schema(interface.name).validate(root), not any(block.counts.rejected for block in blocks)


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
def changed_records(draw: st.DrawFn) -> tuple[Interface, dict[str, Change]]:
    interface = draw(st.sampled_from(list(INTERFACES.values())))
    fields = [(field, "") for field in interface.fields]
    if interface.lines:
        fields += [(field, f"{interface.lines.path}/") for field in interface.lines.fields]
    chosen = draw(
        st.lists(st.sampled_from(fields), min_size=1, max_size=3, unique_by=lambda each: each[0].name)
    )
    changes = {}
    for field, below in chosen:
        kind = draw(st.sampled_from(KINDS) | st.just("text") | st.just("text"))
        text = draw(st.one_of(TEXTS[field.type], TEXTS[field.type], ANY)) if kind == "text" else ""
        if draw(st.integers(0, 5)) == 0:
            text = f"{draw(BLANK)}{text}{draw(BLANK)}"
        changes[field.name] = Change(field, below, kind, text)
    return interface, changes


@settings(max_examples=300, deadline=None)
@given(changed_records())
def test_schema_and_line_judge_alike_but_for_the_declared_differences(
    case: tuple[Interface, dict[str, Change]],
) -> None:
    interface, changes = case
    schema, feed = verdicts(interface, changes)
    if schema and not feed:
        assert any(applies(changes) for applies in FEED.values()), "only the feed refuses"
    if feed and not schema:
        assert any(applies(changes) for applies in SCHEMA.values()), "only the schema refuses"


def test_every_declared_difference_has_its_test() -> None:
    assert FEED.keys() == ONLY_THE_FEED_REFUSES.keys()
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
    ("markup", CUSTOMERS, {"city": ("markup", "")}),
    ("blanks", CACHE, {"cash_back": ("text", "1.00\u00a0")}),
    ("moment", PURCHASES, {"date_time": ("text", "2017-01-05 11:53")}),
    ("number", CACHE, {"discount_percentage": ("text", "-0")}),
]


@pytest.mark.parametrize(("rule", "name", "parts"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_a_declared_difference_is_one(rule: str, name: str, parts: dict[str, tuple[str, str]]) -> None:
    interface = INTERFACES[name]
    of_lines = {field.name for field in interface.lines.fields} if interface.lines else set()
    fields = {
        field.name: field
        for field in (*interface.fields, *(interface.lines.fields if interface.lines else ()))
    }
    changes = {
        column: Change(fields[column], f"{interface.lines.path}/" if column in of_lines else "", *part)
        for column, part in parts.items()
    }
    only_feed = rule in FEED
    assert [each for each, applies in {**FEED, **SCHEMA}.items() if applies(changes)] == [rule]
    assert verdicts(interface, changes) == (only_feed, not only_feed)
