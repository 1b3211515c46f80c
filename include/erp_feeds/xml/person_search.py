"""Whom XML mentions: rejected records and archived originals hold people who may have no profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import BinaryIO
from urllib.parse import unquote

from lxml import etree

from erp_feeds.interfaces.spec import Interface
from erp_feeds.merchant.values import matched_email
from erp_feeds.xml.elements import children
from erp_feeds.xml.rows import UNSEEN

NUMBER = "customer_number"
"""Column of the person's number, in every interface that is about people."""

_EMAIL = re.compile(r'[^@\s,;:<>()\[\]\\"]+@[^@\s,;:<>()\[\]\\"?&=/|%#]+')
"""In text, so that behind it a query may follow: mailto:a@x.nl?subject=y."""
_WITHOUT_UNSEEN = dict.fromkeys(map(ord, UNSEEN))
_MARKUP = re.compile(r"<[^>]*>|\s")
_BETWEEN_TAGS = re.compile(r">([^<]*)<")


@dataclass(frozen=True)
class PersonIdentifiers:
    """Identifiers as the rules write them: numbers trimmed, addresses in lower case (customers 7, 8)."""

    numbers: frozenset[str]
    emails: frozenset[str]

    def meets(self, others: PersonIdentifiers) -> bool:
        """Return whether both name a same person."""
        return bool(self.numbers & others.numbers or self.emails & others.emails)


def is_about_people(interface: Interface) -> bool:
    """Return whether the records of an interface bear a person's number."""
    return any(field.name == NUMBER for field in interface.fields)


def mentions(raw: str, interface: Interface) -> PersonIdentifiers:
    """Return the customer numbers and all e-mail addresses that a record mentions, wherever they stand in it.

    Args:
        raw: XML text of one record; one that is not well-formed is searched as text.
        interface: With the element names of the merchant; not about people, it has no customer numbers.
    """
    texts = [unescape(raw)]
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError:
        numbers = {_trimmed(text) for text in _BETWEEN_TAGS.findall(texts[0])}
    else:
        texts += ["".join(map(str, element.itertext())) for element in root.iter("{*}*")]
        named = [field.element for field in interface.fields if field.name == NUMBER]
        numbers = {
            _trimmed("".join(map(str, found.itertext())))
            for element in named
            for found in root.iter(f"{{*}}{element}")
        }
    if not is_about_people(interface):
        numbers = set()
    texts += [unquote(text) for text in texts if "%" in text]
    texts += [text.translate(_WITHOUT_UNSEEN) for text in texts if not text.isascii()]
    written = {email for text in texts for email in _EMAIL.findall(text)}
    # Stores of earlier versions hold some addresses with all of Unicode folded.
    emails = {form(email).strip("." + UNSEEN) for email in written for form in (matched_email, str.lower)}
    return PersonIdentifiers(frozenset(numbers - {""}), frozenset(emails))


def may_mention(raw: str, person: PersonIdentifiers) -> bool:
    """Return whether looking closer at a record can find a person; a hundred times cheaper than `mentions`.

    Where text could read otherwise than it stands (entities, percents, comments, Unicode, a lone bracket), it
    says yes.
    """
    is_plain = (
        raw.isascii()
        and "&" not in raw
        and "%" not in raw
        and "<!" not in raw
        and raw.count("<") == raw.count(">")
    )
    text = f"{_MARKUP.sub('', raw)} {''.join(raw.split())}".lower()  # an address may stand in an attribute
    return not is_plain or any(needle in text for needle in _needles(person))


def _needles(person: PersonIdentifiers) -> list[str]:
    """Return the identifiers without spaces, in lower case."""
    return ["".join(each.lower().split()) for each in (*person.numbers, *person.emails)]


def member_mentions(source: BinaryIO, interface: Interface, person: PersonIdentifiers) -> bool:
    """Return whether a record of an XML member mentions a person.

    Args:
        source: One member of a file.
        interface: With the element names of the merchant.
        person: By what they may be mentioned.

    Raises:
        QuarantineError: the member cannot be read to its end, and did not mention the person before.
    """
    for records in children(source, interface):
        for record in records:
            raw = str(etree.tostring(record, encoding="unicode", with_tail=False))
            if may_mention(raw, person) and mentions(raw, interface).meets(person):
                return True
    return False


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)


def _trimmed(text: str) -> str:
    return " ".join(text.split()).strip(UNSEEN)
