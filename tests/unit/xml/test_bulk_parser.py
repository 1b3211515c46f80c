"""Plain records that are read in bulk end as if they were read one by one, whatever lies between them."""

from __future__ import annotations

import io

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_feeds.columns.arrow import table_of
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.steps.parse import parse
from erp_feeds.steps.result import merged

SHAPES = {
    "erp_cache_customers": ("AccountNumber", "PriceListName", "InvoiceTo", "CashBack", "CashBackLong"),
    "srs_customers": ("CustomerNumber", "Email", "LastName", "FirstName", "Unheard"),
    "srs_purchases": ("ReceiptNumber", "DateTime", "CustomerNumber", "Lines", "Unheard"),
}
TEXTS = (
    "1", "2024-05-01", "a > b", "x=1", "Caf\u00e9", " \n two\t words ", "", "&amp;", "&#65;", "&amp;lt;&lt;",
    "<!-- - -->", "<?php ?>", "<![CDATA[<b>&]]>", "<b/>", "\r\n", "/", "\u00a0\u200b", "/>", "\"'", "\\",
)  # fmt: skip
ATTRIBUTES = (
    ' a="1"', " a='>'", ' a="/>"', " a = 'x' b='\"'", ' a="&lt;"', ' xmlns="urn:x"', " ", "\n",
    ' xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
)  # fmt: skip
BETWEEN = (
    "", "\n", "text", "<!-- </Customer> <Customer> -->", "<?pi </Purchase>?>", "<Other/>",
    "<Other><Customer/></Other>",
    "<![CDATA[</Customer>]]>", "<!-- ?> ]]> -->", "&amp;", "<p:Customer xmlns:p='urn:p'/>",
)  # fmt: skip
BROKEN = ("<", ">", "&", "</", "<!--", "]]>", "</Customer>", "\0", "<![CDATA[", "<x", '"', "<Customer>")


@st.composite
def elements(draw, names):
    name = draw(st.sampled_from((*names, "x:y", "N" * 30)))
    text = "".join(draw(st.lists(st.sampled_from(TEXTS), max_size=2)))
    attributes = draw(st.sampled_from(("",) * 8 + ATTRIBUTES))
    forms = (f"<{name}{attributes}>{text}</{name}>", f"<{name}{attributes}/>", f"<{name}>{text}</{name} >")
    return draw(st.sampled_from((*forms[:1] * 4, *forms[1:])))


def joined(parts):
    return st.lists(parts, max_size=5).map("".join)


def known(fields):
    return st.sampled_from(fields).map(lambda each: f"<{each.element}>7</{each.element}>")


@st.composite
def documents(draw):
    name = draw(st.sampled_from(sorted(SHAPES)))
    interface = INTERFACES[name]
    *above, record = interface.record_path
    fields = elements(SHAPES[name])
    plain = joined(known(interface.fields))
    if interface.lines:
        holder, line = interface.lines.path.split("/")
        odd_line = joined(elements(tuple(each.element for each in interface.lines.fields)[:4]))
        plain_lines, odd_lines = (
            st.lists(inner.map(lambda text: f"<{line}>{text}</{line}>") | more, max_size=3).map(
                lambda lines: f"<{holder}>{''.join(lines)}</{holder}>"
            )
            for inner, more in ((joined(known(interface.lines.fields)), st.nothing()), (odd_line, fields))
        )
        plain = st.tuples(plain, plain_lines, plain).map("".join)
        fields |= odd_lines | plain_lines
    one = st.tuples(st.sampled_from(("",) * 20 + ATTRIBUTES), plain | joined(fields)).map(
        lambda parts: f"<{record}{parts[0]}>{parts[1]}</{record}>"
    )
    records = draw(st.lists(st.tuples(one, st.sampled_from(("\n",) * 9 + BETWEEN)).map("".join), max_size=12))
    namespace = draw(st.sampled_from(("", "", ' xmlns="urn:feeds"'))) + ' xmlns:x="urn:y"'
    head = draw(st.sampled_from(("", '<?xml version="1.0" encoding="UTF-8"?>\n', "\ufeff", "<!-- head -->")))
    tail = "".join(f"</{each}>" for each in reversed(above)) + draw(st.sampled_from(("", "\n<!-- end -->")))
    text = (
        f"{head}<{above[0]}{namespace}>{''.join(f'<{each}>' for each in above[1:])}{''.join(records)}{tail}"
    )
    if draw(st.integers(0, 5)) == 0:
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(BROKEN)) + text[place + draw(st.integers(0, 2)) :]
    return name, text.encode()


def outcome(name, text, merchant, **options):
    """Return what a member gives: the rows and counts of all its blocks, or why it is quarantined."""
    try:
        blocks = list(parse({1: [io.BytesIO(text)]}, INTERFACES[name], merchant, **options))
    except QuarantineError as error:
        return error.code, error.reason
    frames = {
        key: pa.concat_tables(table_of(block.frames[key]) for block in blocks) for key in blocks[0].frames
    }
    return {key: table.to_pylist() for key, table in frames.items()}, merged(
        *(block.by_file for block in blocks)
    )


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents(), st.sampled_from((40, 200, 1 << 20)), st.sampled_from((3, 1_000)))
def test_records_read_in_bulk_end_as_if_read_one_by_one(make_merchant, document, chunk, fields):
    owner = make_merchant(limits={"fields": fields})
    alone = outcome(*document, owner, chunk=1 << 20, bulk=1 << 30)
    assert outcome(*document, owner, chunk=chunk, bulk=0) == alone
