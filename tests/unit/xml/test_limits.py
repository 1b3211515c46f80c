"""XML that would exhaust a reader, by mistake or on purpose: each gets a code, in bounded time and memory."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest

from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Limits
from erp_feeds.steps.parse import parse

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"
ATTRIBUTE = 'a{0}="1" '
FLOOD = "<X/>" * 2_100_000


def customers(inner: str, root: str = "") -> str:
    return f"<Export{root}><Customers>{inner}</Customers></Export>"


def nested(depth: int) -> str:
    return customers(f"<Customer><Email/>{'<a>' * depth}{'</a>' * depth}</Customer>")


def numbered(form: str, count: int) -> str:
    return "".join(form.format(n) for n in range(count))


@pytest.fixture
def limited(make_merchant):
    def make(**limits):
        return make_merchant(limits=limits)

    return make


def refusal(read, text, **options):
    with pytest.raises(QuarantineError) as caught:
        read(CUSTOMERS, text, **options)
    return caught.value


@pytest.mark.parametrize("chunk", [100, 1 << 20])
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("too_deep", nested(30)),
        ("too_deep", nested(1_000)),
        ("too_many_attributes", customers(f"<Customer {numbered(ATTRIBUTE, 101)}/>")),
        ("too_many_attributes", customers(f"<Customer {numbered(ATTRIBUTE, 20_000)}/>")),
        ("too_many_namespaces", customers("<Customer/>", numbered(' xmlns:n{0}="u{0}"', 101))),
        ("name_too_long", customers(f"<Customer><{'n' * 60_000}/></Customer>")),
        ("record_too_large", customers(f"<Customer><Email>{'x' * 11_000_000}</Email></Customer>")),
        ("record_too_large", customers(f"<Customer Email='{'x' * 11_000_000}'/>")),
        ("record_too_large", customers(f"<Customer>{FLOOD}</Customer>")),
        ("record_too_large", customers("<Customer/>").replace("</Export>", f"{FLOOD}</Export>")),
        ("record_too_large", f"<Export>{FLOOD}<Customers/></Export>"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)  # fmt: skip
def test_what_would_exhaust_a_reader_is_refused_with_its_own_code(read, code, text, chunk):
    if len(text) > 1_000_000:
        chunk = 2 << 20
    assert refusal(read, text, chunk=chunk).code == code


def test_what_is_within_the_limits_is_read(read):
    text = customers(
        f"<Customer {numbered(ATTRIBUTE, 100)}><Email/>{'<a>' * 29}{'</a>' * 29}</Customer>",
        numbered(' xmlns:n{0}="u{0}"', 99),
    )
    assert read(CUSTOMERS, text).counts.read == 1


def test_a_reason_names_the_limit_to_raise(read, limited):
    assert "limits.depth" in refusal(read, nested(3), owner=limited(depth=5)).reason
    assert read(CUSTOMERS, nested(2), owner=limited(depth=5)).counts.read == 1


def test_a_depth_beyond_any_limit_has_the_same_code(read, limited):
    assert refusal(read, nested(300), owner=limited(depth=255)).code == "too_deep"


@pytest.mark.parametrize("chunk", [10, 64 << 10])
def test_no_record_within_the_limit_is_quarantined(read, limited, chunk):
    record = f"<Customer><CustomerNumber>1</CustomerNumber><City>{'x' * 900}</City></Customer>"
    outcome = read(CUSTOMERS, customers(record * 20), owner=limited(record_bytes=len(record)), chunk=chunk)
    assert outcome.counts.read == 20


def test_an_endless_record_is_quarantined_before_it_fills_memory(merchant):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return (b"<Export><Customers><Customer>" + b"<X/>" * (size // 4))[:size]

    source = Endless()
    tracemalloc.start()
    with pytest.raises(QuarantineError) as caught:
        list(parse({1: [source]}, INTERFACES[CUSTOMERS], merchant))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code in {"record_too_large", "not_well_formed"}
    assert source.given <= 4 * merchant.limits.record_bytes
    assert peak < 50 << 20


def test_too_many_elements_reject_the_record_alone(read, xml, limited):
    crowd = numbered("<X{0}/>", 20)
    outcome = read(
        CUSTOMERS,
        xml(CUSTOMERS, f"<CustomerNumber>1</CustomerNumber>{crowd}", "<CustomerNumber>2</CustomerNumber>"),
        owner=limited(fields=20),
    )
    assert outcome.frames["rejects"][["record", "code", "field"]].values.tolist() == [
        [1, "too_many_fields", ""]
    ]
    assert "limits.fields" in outcome.frames["rejects"]["reason"][0]
    assert outcome.frames["records"]["customer_number"].tolist() == ["2"]


def test_too_many_elements_in_a_line_reject_its_purchase(read, xml, limited):
    line = f"<Line><Sku>1</Sku><Amount>1</Amount>{numbered('<X{0}/>', 20)}</Line>"
    record = f"<OrderNumber>W1</OrderNumber><DateTime>2017-01-05T11:53</DateTime><Lines>{line}</Lines>"
    outcome = read(PURCHASES, xml(PURCHASES, record), owner=limited(fields=20))
    assert outcome.frames["rejects"][["code", "field"]].values.tolist() == [["too_many_fields", "lines"]]


def test_many_elements_of_many_names_take_no_quadratic_time(read, xml):
    text = xml(CUSTOMERS, numbered("<X{0}/>", 300_000))
    assert read(CUSTOMERS, text).counts.rejected == {"too_many_fields": 1}


BILLION = "".join('<!ENTITY a{} "{}">'.format(n, f"&a{n - 1};" * 10) for n in range(1, 10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252"])
@pytest.mark.parametrize("chunk", [13, 1 << 20])
@pytest.mark.rule("files 11")
def test_a_billion_laughs_are_a_doctype(read, encoding, chunk):
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><?style x?><!-- <!DOCTYPE --> '
        f'<!DOCTYPE Export [<!ENTITY a0 "ha">{BILLION}]><Export x="&a9;"><Customers>&a9;</Customers></Export>'
    )
    assert refusal(read, text.encode(encoding), chunk=chunk).code == "doctype"


def test_a_comment_that_speaks_of_a_doctype_is_none(read):
    assert read(CUSTOMERS, f"<!-- <!DOCTYPE a> -->{customers('<Customer/>')}").counts.read == 1


def test_xinclude_and_instructions_are_never_followed(read, xml):
    include = (
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    )
    within = f"<CustomerNumber>1</CustomerNumber><City>{include}</City>"
    text = xml(CUSTOMERS, f"<CustomerNumber>1</CustomerNumber>{include}", within)
    text = '<?xml-stylesheet href="file:///etc/passwd"?>' + text.replace("<Export>", "<Export><?php x?>")
    outcome = read(CUSTOMERS, text)
    assert outcome.counts.rejected == {"invalid_value": 1}
    assert json.loads(outcome.frames["records"]["extras"][0]) == {"include": ""}
    assert outcome.counts.unknown == {"include": 1, "include/@href": 2, "include/@parse": 2}


def test_the_limits_have_their_documented_defaults():
    assert Limits().model_dump(include={"record_bytes", "depth", "fields", "attributes", "namespaces"}) == {
        "record_bytes": 4_000_000,
        "depth": 32,
        "fields": 1_000,
        "attributes": 100,
        "namespaces": 100,
    }
