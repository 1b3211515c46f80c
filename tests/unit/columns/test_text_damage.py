from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_feeds.columns.text_damage import damage_of

CUSTOMERS = "srs_customers"


def found(*texts):
    damage = damage_of(pa.array(texts, pa.string()))
    return None if damage is None else (damage.mojibake.to_pylist(), damage.lost.to_pylist())


@pytest.mark.parametrize(
    "text", ["Zoë", "Köln", "Château", "5 €", "O\u2019Brien", "“quote”", "naïve", "Łódź", "😀", "à"]
)
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1"])
def test_utf_8_read_as_something_else_is_found(text, wrong):
    broken = b"".join(
        bytes([each]) if bytes([each]).decode(wrong, "ignore") else b"?" for each in text.encode()
    ).decode(wrong)
    mojibake, _ = found("Ada", broken, None)
    assert mojibake[1]
    assert not mojibake[0]


@pytest.mark.parametrize(
    "text",
    ["Zoë", "CAFÉ”", "«ÉTÉ»", "Spaß»", "São Paulo", "Ångström", "Ærø", "Þór", "Ð", "ÃO", "Łódź", "5 €", "ÇA",
     "Ünal…"],
)  # fmt: skip
def test_what_people_write_is_not_taken_for_damage(text):
    assert found(text, None) is None


@pytest.mark.parametrize("sign", ["\x7f", "\x80", "\x85x", "\x9f", "\ufffd"])
def test_signs_that_stand_for_lost_ones_are_found(sign):
    assert found("Ada", f"5 {sign}", "Zoë") == ([False, False, False], [False, True, False])


def test_plain_text_costs_no_look():
    assert found("Ada", "", None) is None
    assert found() is None


@given(st.text(st.characters(codec="ascii", exclude_characters="\x7f")))
def test_ascii_is_never_damaged(text):
    assert found(text) is None


@given(st.text(st.characters(min_codepoint=0xE8, max_codepoint=0xEF), min_size=1))
def test_any_accented_word_that_was_converted_twice_is_found(text):
    assert found(text) is None
    mojibake, _ = found(text.encode().decode("cp1252"))
    assert mojibake == [True]


def test_a_damaged_value_is_counted_and_a_damaged_identifier_rejected(read, xml):
    outcome = read(
        CUSTOMERS,
        xml(
            CUSTOMERS,
            "<CustomerNumber>1</CustomerNumber><LastName>Zo\ufffd</LastName><City>K&#150;ln</City>",
            "<CustomerNumber>2\ufffd</CustomerNumber><LastName>Zo\ufffd</LastName>",
            "<CustomerNumber>3</CustomerNumber><Email>zo\ufffd@example.com</Email>",
            "<Email>zo\x85x@example.com</Email>",
        ),
    )
    assert outcome.frames["records"]["customer_number"].tolist() == ["1", "3"]
    assert outcome.frames["rejects"][["record", "code", "field"]].values.tolist() == [
        [2, "damaged_text", "customer_number"],
        [4, "invalid_email", "email"],
    ]
    assert outcome.counts.warnings == {"damaged_text": 3, "invalid_email_dropped": 1}
    assert not outcome.frames["rejects"]["reason"].str.contains("zo").any()


def test_a_damaged_sku_rejects_its_purchase_and_a_damaged_description_is_counted(read, xml, purchase):
    name = "srs_purchases"
    good = purchase(("a", "1.00"), OrderNumber="W1").replace("<Sku>", "<Description>CafÃ©</Description><Sku>")
    outcome = read(name, xml(name, good, purchase(("a\ufffd", "1.00"), OrderNumber="W2")))
    assert outcome.frames["rejects"][["record", "code", "field"]].values.tolist() == [
        [2, "damaged_text", "lines.sku"]
    ]
    assert outcome.counts.warnings == {"mojibake": 1}


def test_an_identifier_that_was_converted_twice_still_names_one_thing_and_is_told(read, xml):
    outcome = read(CUSTOMERS, xml(CUSTOMERS, "<CustomerNumber>JosÃ©-1</CustomerNumber>"))
    assert outcome.frames["records"]["customer_number"].tolist() == ["JosÃ©-1"]
    assert outcome.counts.warnings["mojibake"] == 1
