"""Whom a rejected record mentions, wherever and however it is written."""

from __future__ import annotations

import pytest

from erp_feeds.interfaces import INTERFACES
from erp_feeds.xml.person_search import PersonIdentifiers, is_about_people, may_mention, mentions

CUSTOMERS = INTERFACES["srs_customers"]


@pytest.mark.parametrize(
    ("raw", "numbers", "emails"),
    [
        ("<Customer><CustomerNumber> 1001 </CustomerNumber></Customer>", {"1001"}, set()),
        ("<C><CustomerNumber>A\n 1</CustomerNumber><Age>7</Age></C>", {"A 1"}, set()),
        ("<C><CustomerNumber>1<!-- x -->0</CustomerNumber><CustomerNumber/></C>", {"10"}, set()),
        ('<n:C xmlns:n="urn:x"><n:CustomerNumber>1</n:CustomerNumber></n:C>', {"1"}, set()),
        ("<C><CustomerNumber>\ufeff1001\u200b</CustomerNumber></C>", {"1001"}, set()),
        ("<C><Email> Ada@Example.COM </Email></C>", set(), {"ada@example.com"}),
        ("<C><Email>\u200bada@example.com\u00ad</Email></C>", set(), {"ada@example.com"}),
        ("<C><Email>a&amp;b@x.nl</Email></C>", set(), {"a&b@x.nl"}),
        ("<C><Note>write to a@x.nl, or b@x.nl.</Note></C>", set(), {"a@x.nl", "b@x.nl"}),
        ("<C><Email>a@<!-- split -->x.nl</Email></C>", set(), {"a@x.nl", "a@"}),
        ('<C mail="mailto:a@x.nl"><!-- b@x.nl --></C>', set(), {"a@x.nl", "b@x.nl"}),
        ("<C><Note>mailto:a@x.nl?subject=b</Note></C>", set(), {"a@x.nl"}),
        ("<C><Note>?to=1&amp;mail:a%40x.nl</Note></C>", set(), {"a@x.nl"}),
        ("<C><Email>ada@exam\u00adple.com</Email></C>", set(), {"ada@example.com", "ada@exam\u00adple.com"}),
        ("<C><CustomerNumber>1</CustomerNumber><Email>a@x.nl</Broken>", {"1", "a@x.nl"}, {"a@x.nl"}),
    ],
)
def test_numbers_and_addresses_are_found(raw: str, numbers: set[str], emails: set[str]) -> None:
    found = mentions(raw, CUSTOMERS)
    assert found.numbers == numbers
    assert found.emails - {"a@"} == emails - {"a@"}
    for identifier in numbers:
        assert may_mention(raw, PersonIdentifiers(frozenset({identifier}), frozenset()))
    for identifier in emails:
        assert may_mention(raw, PersonIdentifiers(frozenset(), frozenset({identifier})))
    if found.numbers and raw.isascii() and "<!" not in raw:
        assert not may_mention(raw, PersonIdentifiers(frozenset({"4711"}), frozenset({"z@x.nl"})))


def test_an_account_number_is_no_customer_number_and_an_address_is_found_in_any_interface() -> None:
    raw = "<Customer><AccountNumber>1</AccountNumber><CustomerNumber>1</CustomerNumber><Mail>a@x.nl</Mail>"
    for each in (raw, f"{raw}</Customer>"):
        found = mentions(each, INTERFACES["erp_cache_customers"])
        assert not found.numbers
        assert "a@x.nl" in found.emails


def test_the_element_names_of_the_merchant_count() -> None:
    theirs = CUSTOMERS.with_elements({"customer_number": "KlantNr"})
    raw = "<C><KlantNr>1</KlantNr><CustomerNumber>2</CustomerNumber></C>"
    assert mentions(raw, theirs).numbers == {"1"}


def test_an_address_within_a_longer_one_is_another() -> None:
    assert mentions("<C><Email>ba@x.nl.example</Email></C>", CUSTOMERS).emails == {"ba@x.nl.example"}


def test_interfaces_about_people() -> None:
    about = {name for name, interface in INTERFACES.items() if is_about_people(interface)}
    assert about == {"srs_customers", "srs_purchases"}
