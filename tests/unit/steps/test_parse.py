from __future__ import annotations

import io
import json
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_feeds.columns.arrow import table_of
from erp_feeds.errors import QuarantineError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample
from erp_feeds.steps.parse import raw_records
from erp_feeds.xml.surroundings import LONGEST_ROOT

CUSTOMERS = "srs_customers"
ERP = "erp_cache_customers"
ACCOUNT = "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName>"


def code_of(read, name, *members, **options):
    with pytest.raises(QuarantineError) as caught:
        read(name, *members, **options)
    return caught.value.code


@pytest.mark.parametrize("name", INTERFACES)
def test_the_sample_of_every_interface_is_read_without_a_reject(read, name):
    outcome = read(name, "".join(sample(INTERFACES[name], 30)))
    assert outcome.counts.read == len(outcome.frames["records"]) == 30
    assert outcome.counts.rejected == outcome.counts.warnings == {}


@pytest.mark.parametrize("name", INTERFACES)
def test_a_container_without_records_gives_frames_of_the_same_types(read, xml, name):
    full = read(name, "".join(sample(INTERFACES[name], 2))).frames
    empty = read(name, xml(name)).frames
    assert {key: table_of(frame).schema for key, frame in full.items()} == {
        key: table_of(frame).schema for key, frame in empty.items()
    }


def test_identifiers_stay_text(read, xml):
    frame = read(
        CUSTOMERS, xml(CUSTOMERS, "<CustomerNumber>00123</CustomerNumber><LastName>NA</LastName>")
    ).frames
    assert frame["records"]["customer_number"].tolist() == ["00123"]
    assert frame["records"]["last_name"].tolist() == ["NA"]
    assert frame["records"]["customer_number"].dtype.pyarrow_dtype == pa.string()


def test_missing_and_empty_elements_differ(read, xml):
    records = read(
        ERP,
        xml(
            ERP,
            f"{ACCOUNT}<CashBack/><InvoiceTo> </InvoiceTo>",
            ACCOUNT,
        ),
    ).frames["records"]
    assert records["cleared"].fillna("-").tolist() == [",invoice_to,cash_back,", "-"]
    assert records["cash_back"].isna().all()


def test_erp_cache_2_xsi_nil_is_empty(read, xml):
    text = xml(
        ERP, "<AccountNumber>1</AccountNumber><PriceListName>A</PriceListName><CashBack xsi:nil='true'/>"
    ).replace("<Import>", "<Import xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>")
    outcome = read(ERP, text)
    assert outcome.frames["records"]["cleared"].tolist() == [",cash_back,"]
    assert outcome.counts.warnings == {}


@pytest.mark.rule("files 14")
def test_unknown_elements_become_extras_and_are_counted(read, xml):
    inner = (
        '<CustomerNumber>1</CustomerNumber><Shoe>4"2\\</Shoe><Club>a=b  c</Club><Empty/>'
        "<Tag>x</Tag><Tag>y</Tag><Nested><A>1</A><B>2</B></Nested>"
    )
    outcome = read(CUSTOMERS, xml(CUSTOMERS, inner, "<CustomerNumber>2</CustomerNumber>"))
    records = outcome.frames["records"]
    assert json.loads(records["extras"][0]) == {
        "Shoe": '4"2\\',
        "Club": "a=b c",
        "Empty": "",
        "Tag": "y",
        "Nested": "12",
    }
    assert records["extras"].isna().tolist() == [False, True]
    assert outcome.counts.warnings == {"unknown_element": 6}
    assert outcome.counts.rejected == {}


def test_records_under_another_name_are_counted_as_unknown_elements(read):
    customer = "<Customer><CustomerNumber>1</CustomerNumber></Customer>"
    text = f"<Export><Customers><Klant/>{customer}<Klant/></Customers></Export>"
    for chunk in (5, 1 << 20):
        outcome = read(CUSTOMERS, text, chunk=chunk)
        assert outcome.counts.read == 1
        assert outcome.counts.warnings == {"unknown_element": 2}


@pytest.mark.rule("files 15")
def test_a_repeated_field_rejects_the_record_and_names_the_field(read, xml):
    outcome = read(
        CUSTOMERS,
        xml(
            CUSTOMERS,
            "<CustomerNumber>1</CustomerNumber><Email>a@b.nl</Email><Email>c@d.nl</Email><X/><X/>",
            "<CustomerNumber>2</CustomerNumber>",
        ),
    )
    assert outcome.frames["rejects"][["record", "code", "field"]].values.tolist() == [
        [1, "repeated_field", "email"]
    ]
    assert outcome.frames["records"]["record"].tolist() == [2]


@pytest.mark.parametrize(
    "inner",
    [
        "<Lines><Line><Sku>1</Sku><Sku>2</Sku><Amount>1</Amount></Line></Lines>",
        "<Lines><Line><Sku>1</Sku><Amount>1</Amount></Line></Lines><Lines/>",
    ],
)
def test_a_repeated_field_of_a_line_rejects_the_purchase(read, xml, inner):
    name = "srs_purchases"
    outcome = read(
        name, xml(name, f"<OrderNumber>W1</OrderNumber><DateTime>2017-01-05T11:53</DateTime>{inner}")
    )
    assert outcome.counts.rejected == {"repeated_field": 1}
    assert outcome.frames["rejects"]["field"].tolist() == ["lines"]
    assert outcome.frames["lines"].empty


def named(export: str, customers: str, customer: str, field: str, declaration: str) -> str:
    """Write one customer under these element names."""
    inner = f"<{customer}><{field}>1</{field}></{customer}>"
    return f"<{export} {declaration}><{customers}>{inner}</{customers}></{export}>"


SAFE_ERRORS = ("Export", "Customers", "Customer", "CustomerNumber")


def test_a_file_of_which_no_element_is_a_record_is_quarantined_with_their_name(read):
    good = "<Customer><CustomerNumber>1</CustomerNumber></Customer>"
    odd = "<Export><Customers><customer><CustomerNumber>1</CustomerNumber></customer></Customers></Export>"
    reason = r"no Export/Customers/Customer, but 1 of Export/Customers/customer; .* letter for letter"
    for members in ([odd], [odd.replace("customer>", "Customer>"), odd]):
        with pytest.raises(QuarantineError, match=reason) as caught:
            read(CUSTOMERS, *members, chunk=9)
        assert caught.value.code == "wrong_structure"
    assert read(CUSTOMERS, "<Export><Customers/></Export>").counts.read == 0
    assert read(CUSTOMERS, odd.replace("<customer>", f"{good}<customer>")).counts.read == 1


def test_files_18_customers_whose_identifiers_have_other_names_are_no_empty_file(read, xml):
    """Each record would be skipped, and a green run would have loaded nothing."""
    unnamed = "<Klantnummer>7</Klantnummer><Mail>a@example.com</Mail><City>Ede</City>"
    with pytest.raises(QuarantineError) as caught:
        read(CUSTOMERS, xml(CUSTOMERS, unnamed, unnamed))
    assert caught.value.code == "unknown_identifiers"
    assert caught.value.reason.endswith("no CustomerNumber or Email, but the unknown Klantnummer, Mail")
    many = "".join(f"<E{n}/>" for n in range(7))
    with pytest.raises(QuarantineError, match="the unknown E0, E1, E2, E3, E4 and 2 more"):
        read(CUSTOMERS, xml(CUSTOMERS, many))


@pytest.mark.parametrize(
    "records",
    [
        ["<City>Ede</City>"],  # nothing unknown: the record itself lacks it
        ["<Klant>7</Klant>", "<Email/>"],  # the ERP knows the name, and has no value
        ["<Klant>7</Klant>", "<CustomerNumber>7</CustomerNumber>"],
    ],
)
def test_files_18_records_that_name_nobody_are_skipped_one_by_one(read, xml, records):
    assert read(CUSTOMERS, xml(CUSTOMERS, *records)).counts.read == len(records)


def test_files_18_purchases_of_nobody_are_no_error(read, xml):
    inner = "<OrderNumber>1</OrderNumber><DateTime>2017-01-05T10:00:00</DateTime><Till>3</Till>"
    assert read("srs_purchases", xml("srs_purchases", inner)).counts.read == 1


@pytest.mark.parametrize("inner", ["<Id>10</Id><Kind>x</Kind>", "1<b/>", "<Id/>"])
def test_a_field_that_holds_elements_rejects_its_record_alone(read, xml, inner):
    odd = f"<AccountNumber>{inner}</AccountNumber><PriceListName>A</PriceListName>"
    good = "<AccountNumber>2</AccountNumber><PriceListName>A<!-- b -->C</PriceListName><X><Y/></X>"
    outcome = read(ERP, xml(ERP, odd, good))
    found = outcome.frames["rejects"]
    assert ("invalid_value", "account_number") in found[["code", "field"]].itertuples(index=False, name=None)
    assert outcome.frames["records"]["price_list_name"].tolist() == ["AC"]


@pytest.mark.parametrize(
    "text",
    [
        named(*SAFE_ERRORS, 'xmlns="urn:x"'),
        named("x:Export", "x:Customers", "x:Customer", "x:CustomerNumber", 'xmlns:x="urn:x"'),
        named("Export", "Customers", "x:Customer", "CustomerNumber", 'xmlns:x="urn:x"'),
        named("Export", "Customers", "Customer", "x:CustomerNumber", 'xmlns:x="urn:x"'),
    ],
    ids=["default", "prefix", "record", "field"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.rule("files 13")
def test_namespaces_are_ignored_with_one_warning(read, text, encoding):
    data = (f'<?xml version="1.0" encoding="{encoding}"?>' + text).encode(encoding)
    outcome = read(CUSTOMERS, data, data, chunk=7)
    assert outcome.frames["records"]["customer_number"].tolist() == ["1", "1"]
    assert outcome.counts.warnings == {"unknown_namespace": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16", "iso-8859-15"])
@pytest.mark.parametrize("chunk", [1, 1 << 20])
@pytest.mark.rule("files 12")
def test_declared_encodings_are_read(read, encoding, chunk):
    name = encoding.removesuffix("-sig")
    text = (
        f'<?xml version="1.0" encoding="{name}"?>'
        "<Export><Customers><Customer><CustomerNumber>1</CustomerNumber><LastName>Zoë €</LastName></Customer>"
        "</Customers></Export>"
    )
    assert read(CUSTOMERS, text.encode(encoding), chunk=chunk).frames["records"]["last_name"].tolist() == [
        "Zoë €"
    ]


@pytest.mark.rule("files 16")
def test_cdata_comments_and_blanks_are_read_as_xml_says(read):
    text = (
        "<Export><!-- a --><Customers><!-- b --><Customer>"
        "<CustomerNumber>\n 1<!-- c -->2\t3 </CustomerNumber>"
        "<LastName><![CDATA[A & <B>]]>&#10;C\u00a0</LastName>"
        "</Customer><?pi?><!-- d --></Customers><!-- e --></Export>"
    )
    for chunk in (1, 3, 1 << 20):
        records = read(CUSTOMERS, text, chunk=chunk).frames["records"]
        assert records["customer_number"].tolist() == ["12 3"]
        assert records["last_name"].tolist() == ["A & <B> C"]


DOCTYPE = '<!DOCTYPE Export [<!ENTITY e "secret"><!ENTITY f SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "text",
    [
        DOCTYPE
        + "<Export><Customers><Customer><CustomerNumber>&e;</CustomerNumber></Customer></Customers></Export>",
        DOCTYPE + "<Other/>",
        DOCTYPE + "<Export><Customers>&nope;",
        "<!DOCTYPE Export SYSTEM 'http://example.invalid/x.dtd'><Export><Customers/></Export>",
        "<!--" + " " * 100_000 + "-->" + DOCTYPE + "<Export><Customers/></Export>",
    ],
    ids=["entity", "other_root", "broken", "external", "late"],
)
@pytest.mark.parametrize("chunk", [11, 1 << 20])
@pytest.mark.rule("files 11")
def test_a_doctype_quarantines_the_file(read, text, chunk):
    assert code_of(read, CUSTOMERS, text, chunk=chunk) == "doctype"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"  ",
        b"hello",
        b"<Export><Customers><Customer>",
        b"<Export><Customers><Customer></Customers></Export>",
        b"<Export><Customers><Customer><Email>&nope;</Email></Customer></Customers></Export>",
        b"<Export><Customers/></Export><Export/>",
        b"<Export><Customers>\x01</Customers></Export>",
        b"<Export><Customers><x:Customer/></Customers></Export>",
    ],
)
@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.rule("files 12")
def test_broken_xml_quarantines_the_file(read, text, chunk):
    assert code_of(read, CUSTOMERS, text, chunk=chunk) == "not_well_formed"


def test_the_reason_has_line_and_column_but_no_text_of_the_file(read):
    inner = b"<Customer><Email>ada@example.com\xe9\xe9</Email></Customer>"
    text = b"<Export>\n<Customers>" + inner + b"</Customers></Export>"
    with pytest.raises(QuarantineError) as caught:
        read(CUSTOMERS, text)
    assert "line 2, column " in caught.value.reason
    assert "ada" not in caught.value.reason
    assert "0xE9" not in caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "<Import><Customers/></Import>",
        "<Export/>",
        "<Export><Purchases/></Export>",
        "<Export><Customers/><Customers/></Export>",
        "<Export><Deep><Customers/></Deep></Export>",
    ],
)
def test_another_structure_quarantines_the_file(read, text):
    assert code_of(read, CUSTOMERS, text) == "wrong_structure"


def test_data_that_was_written_as_the_name_of_the_root_is_clipped(read):
    with pytest.raises(QuarantineError) as caught:
        read(CUSTOMERS, f"<{'x' * 5_000}/>")
    assert caught.value.reason.endswith(f"; the root is {'x' * LONGEST_ROOT}")


def erp(settings: str, inner: str = "", after: str = "") -> str:
    record = f"<Customer><AccountNumber>1</AccountNumber><PriceListName>A</PriceListName>{inner}</Customer>"
    return f"<Import>{settings}<Customers>{record * 3}</Customers>{after}</Import>"


def header(importer: str | None, version: str | None) -> str:
    first = "" if importer is None else f"<Importer>{importer}</Importer>"
    second = "" if version is None else f"<Version>{version}</Version>"
    return f"<ImportSettings>{first}{second}</ImportSettings>"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (header(None, "1.1"), "missing_importer"),
        (header("", "1.1"), "missing_importer"),
        (header("Authorization", "1.1"), "wrong_importer"),
        (header("Other", "1.0"), "wrong_importer"),
        (header("Other", None), "wrong_importer"),
        (header("ErpCache_Customers", "2.0"), "unsupported_version"),
    ],
)
def test_erp_cache_4_a_wrong_header_quarantines_the_file_wherever_it_is(read, settings, code):
    assert code_of(read, ERP, erp(settings)) == code
    assert code_of(read, ERP, erp("", after=settings), chunk=10) == code


def test_erp_cache_4_the_slip_of_the_documentation_is_accepted_by_configuration(read, make_merchant):
    owner = make_merchant({ERP: {"accepted_importers": ["Authorization"]}})
    assert read(ERP, erp(header("Authorization", "1.1")), owner=owner).counts.warnings == {}


@pytest.mark.parametrize("settings", ["", header("ErpCache_Customers", None), header(None, " ")])
def test_erp_cache_4_no_version_is_the_oldest_with_a_warning(read, settings):
    assert read(ERP, erp(settings), chunk=20).counts.warnings == {"no_version": 1}


def test_erp_cache_4_newer_elements_are_applied_with_a_warning_for_each_element_name(read):
    inner = "<DiscountPercentage>2</DiscountPercentage><InvoiceTo/><CashBack>1</CashBack>"
    outcome = read(ERP, erp(header(None, "1.0"), inner), chunk=20)
    assert outcome.counts.warnings == {"newer_element": 2}
    assert outcome.frames["records"]["discount_percentage"].notna().all()
    assert read(ERP, erp(header("ErpCache_Customers", "1.1"), inner)).counts.warnings == {}


@pytest.mark.parametrize("chunk", [20, 1 << 20])
@pytest.mark.parametrize("other", [header(None, "1.0"), header("Other", None)])
def test_files_8_settings_that_contradict_each_other_quarantine_the_file(read, other, chunk):
    good = header("ErpCache_Customers", "1.1")
    assert code_of(read, ERP, erp(good + other), chunk=chunk) == "wrong_structure"
    assert code_of(read, ERP, erp(good, after=other), chunk=chunk) == "wrong_structure"
    assert read(ERP, erp(good, after=good), chunk=chunk).counts.warnings == {}


@pytest.mark.parametrize("truth", ["true", "1"])
def test_files_9_content_beside_xsi_nil_rejects_its_record_alone(read, xml, truth):
    namespace = "http://www.w3.org/2001/XMLSchema-instance"
    odd = f"{ACCOUNT}<CashBack xmlns:x='{namespace}' x:nil='{truth}'>1</CashBack>"
    outcome = read(
        ERP, xml(ERP, odd, odd.replace(f"'{truth}'", "'false'"), odd.replace(">1</Cash", "> </Cash"))
    )
    assert outcome.frames["rejects"][["record", "code", "field"]].values.tolist() == [
        [1, "invalid_value", "cash_back"]
    ]
    assert outcome.frames["records"]["record"].tolist() == [2, 3]


def test_files_9_lines_beside_xsi_nil_reject_their_record_alone(read, xml):
    namespace = "xmlns:x='http://www.w3.org/2001/XMLSchema-instance'"
    line = "<Line><Sku>a</Sku><Amount>1</Amount></Line>"
    lines = f"<Lines {{}}>{line}{line}</Lines>"
    begin = "<OrderNumber>1</OrderNumber><DateTime>2017-01-01T10:00:00</DateTime>"
    nil, not_nil = (f"{begin}{lines.format(f'{namespace} x:nil={truth}')}" for truth in ("'true'", "'false'"))
    empty = f"{begin}<Lines {namespace} x:nil='true'/>"
    outcome = read("srs_purchases", xml("srs_purchases", not_nil, nil, not_nil, empty))
    assert outcome.frames["rejects"][["record", "code", "field"]].values.tolist() == [
        [2, "invalid_value", "lines"]
    ]
    assert outcome.frames["lines"]["record"].tolist() == [1, 1, 3, 3]


def test_element_names_can_be_those_of_another_erp(read, make_merchant):
    owner = make_merchant({CUSTOMERS: {"elements": {"customer_number": "Klantnr"}}})
    text = "<Export><Customers><Customer><Klantnr>7</Klantnr></Customer></Customers></Export>"
    assert read(CUSTOMERS, text, owner=owner).frames["records"]["customer_number"].tolist() == ["7"]


SAMPLES = {name: "".join(sample(interface, 12)).encode() for name, interface in INTERFACES.items()}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(INTERFACES)), chunk=st.integers(1, 6_000))
def test_any_block_size_gives_the_same_frames(read, name, chunk):
    text = SAMPLES[name].replace(b"2.50", b"oops").replace(b"3.98", b"oops")
    whole, parts = read(name, text), read(name, text, chunk=chunk)
    assert parts.counts == whole.counts
    for key, frame in whole.frames.items():
        assert table_of(parts.frames[key]).equals(table_of(frame))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 8), max_size=3))
def test_any_split_of_the_records_over_members_gives_the_same_frames(read, xml, purchase, cuts):
    name = "srs_purchases"
    records = [purchase(("a", "1.00"), ("b", "-2.00"), OrderNumber=f"W{n}") for n in range(7)] + ["<Oops/>"]
    edges = [0, *sorted(cuts), len(records)]
    members = [xml(name, *records[first:last]) for first, last in pairwise(edges)]
    whole, parts = read(name, xml(name, *records)), read(name, *members)
    assert parts.counts == whole.counts
    for key, frame in whole.frames.items():
        assert table_of(parts.frames[key]).equals(table_of(frame))


@pytest.mark.parametrize("chunk", [3, 50, 1 << 20])
def test_raw_records_gives_line_and_text_of_the_records_asked_for(chunk):
    first = "<Export>\n<Customers>\n<Customer><Email>a &amp; b</Email></Customer>\n"
    members = [
        first + "<!-- x --><Klant/>\n<Customer/></Customers></Export>",
        "<Export><Customers>\n<Customer>\n<X/><!-- y --></Customer></Customers></Export>",
    ]
    sources = [io.BytesIO(text.encode()) for text in members]
    found = raw_records(sources, INTERFACES[CUSTOMERS], [1, 2, 3, 9], chunk=chunk)
    assert list(found) == [
        (1, 3, "<Customer><Email>a &amp; b</Email></Customer>"),
        (2, 5, "<Customer/>"),
        (3, 2, "<Customer>\n<X/><!-- y --></Customer>"),
    ]
