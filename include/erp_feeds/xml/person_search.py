"""Whom XML mentions: refused records and archived originals hold people who may have no profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import BinaryIO

from lxml import etree

from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant import matched_email
from erp_feeds.xml.elements import children
from erp_feeds.xml.rows import UNSEEN

NUMBER = "customer_number"
"""Column of the person's number, in every interface that is about people."""

_EMAIL = re.compile(r'[^@\s,;:<>()\[\]\\"]+@[^@\s,;:<>()\[\]\\"]+')
_BETWEEN_TAGS = re.compile(r">([^<]*)<")


@dataclass(frozen=True)
class Mentions:
    """Identifiers as the rules write them: numbers trimmed, addresses in lower case (customers 7, 8)."""

    numbers: frozenset[str]
    emails: frozenset[str]

    def meets(self, others: Mentions) -> bool:
        """Tell whether both name a same person."""
        return bool(self.numbers & others.numbers or self.emails & others.emails)


def is_about_people(interface: Interface) -> bool:
    """Tell whether the records of an interface bear a person's number."""
    return any(field.name == NUMBER for field in interface.fields)


def mentions(raw: str, interface: Interface) -> Mentions:
    """Return the customer numbers and all e-mail addresses that a record mentions, wherever they stand in it.

    Args:
        raw: XML text of one record; one that is not well-formed is searched as text.
        interface: About people, with the element names of the merchant.
    """
    texts = [unescape(raw)]
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError:
        numbers = {_trimmed(text) for text in _BETWEEN_TAGS.findall(texts[0])}
    else:
        texts += ["".join(map(str, element.itertext())) for element in root.iter("{*}*")]
        element = interface.field(NUMBER).element
        numbers = {_trimmed("".join(map(str, found.itertext()))) for found in root.iter(f"{{*}}{element}")}
    written = {email for text in texts for email in _EMAIL.findall(text)}
    # Stores of earlier versions hold some addresses with all of Unicode folded.
    emails = {form(email).strip("." + UNSEEN) for email in written for form in (matched_email, str.lower)}
    return Mentions(frozenset(numbers - {""}), frozenset(emails))


def member_mentions(source: BinaryIO, interface: Interface, person: Mentions) -> bool:
    """Tell whether a record of an XML member mentions a person.

    Args:
        source: One member of a file.
        interface: About people, with the element names of the merchant.
        person: By what they may be mentioned.

    Raises:
        QuarantineError: the member cannot be read to its end, and did not mention the person before.
    """
    signs = ["".join(each.lower().split()) for each in (*person.numbers, *person.emails)]
    for records in children(source, interface):
        texts = (etree.tostring(each, method="text", encoding="unicode", with_tail=False) for each in records)
        text = "".join("".join(map(str, texts)).lower().split())
        if not any(sign in text for sign in signs):  # far cheaper than searching each record
            continue
        for record in records:
            raw = str(etree.tostring(record, encoding="unicode", with_tail=False))
            if mentions(raw, interface).meets(person):
                return True
    return False


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)


def _trimmed(text: str) -> str:
    return " ".join(text.split()).strip(UNSEEN)
