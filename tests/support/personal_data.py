"""A person whom nobody can mistake, in every place of a feed where data can stand, and the search for it."""

from __future__ import annotations

import base64
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import quote

from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.spec import Interface

EMAIL = "zzyzx.quux@privacy.example"
FIRST = "Zzyzxella"
LAST = "Quuxington"
STREET = "Xyzzyplein"
PHONE = "0697531246"
BIRTH = "1973-11-29"
POSTCODE = "9713ZQX"
TOKENS = ("zzyzx.quux", "privacy.example", FIRST, LAST, STREET, PHONE, BIRTH, POSTCODE)

CUSTOMERS = INTERFACES["srs_customers"]
PURCHASES = INTERFACES["srs_purchases"]
ERP_CACHE = INTERFACES["erp_cache_customers"]

PERSON = {
    "FirstName": FIRST,
    "LastName": LAST,
    "Street": STREET,
    "Phone": PHONE,
    "BirthDate": BIRTH,
    "PostalCode": POSTCODE,
}


def tokens_in(text: str) -> list[str]:
    """Return what of the person a text holds: plain, percent-encoded, escaped or in base64, in any case."""
    lowered = text.lower()
    return [token for token in TOKENS if any(form.lower() in lowered for form in _plain_forms(token))] + [
        f"{token} in base64" for token in TOKENS if any(form in text for form in _base64_forms(token))
    ]


def _plain_forms(token: str) -> set[str]:
    return {token, quote(token, safe=""), quote(token, safe="").replace("-", "%2D"), repr(token)[1:-1]}


def _base64_forms(token: str) -> Iterator[str]:
    """Yield what base64 makes of a token at each place within three bytes, without the signs it shares."""
    for before in range(3):
        for spelled in (token, token.lower()):
            text = base64.b64encode(bytes(before) + spelled.encode()).decode().rstrip("=")
            yield text[(before * 8 + 5) // 6 : -1]


def elements(**values: str) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in values.items())


def customer(inner: str = "", **values: str) -> str:
    return f"<Customer>{elements(**{**PERSON, **values})}{inner}</Customer>"


def line(**values: str) -> str:
    return f"<Line>{elements(**{'Sku': 'a1', 'Description': LAST, 'Amount': '1.00', **values})}</Line>"


def purchase(*lines: str, **values: str) -> str:
    return f"<Purchase>{elements(**values)}<Lines>{''.join(lines)}</Lines></Purchase>"


def customers_xml(*records: str) -> str:
    return f"<Export><Customers>{''.join(records)}</Customers></Export>"


def purchases_xml(*records: str) -> str:
    return f"<Export><Purchases>{''.join(records)}</Purchases></Export>"


def erp_xml(
    *records: str, importer: str = "ErpCache_Customers", version: str = "1.1", inner: str = ""
) -> str:
    header = f"<Importer>{importer}</Importer><Version>{version}</Version>{inner}"
    customers = f"<Customers>{''.join(records)}</Customers>"
    return f"<Import><ImportSettings>{header}</ImportSettings>{customers}</Import>"


def account(number: str, **values: str) -> str:
    return f"<Customer>{elements(**{'AccountNumber': number, 'PriceListName': 'A', **values})}</Customer>"


def export(interface: Interface, day: int, xml: str | bytes) -> Export:
    return packed(interface, "TestShop", index_of(day), xml if isinstance(xml, bytes) else xml.encode())


def index_of(day: int) -> str:
    """Return the index number of a day, counted from 1 January 2015 on."""
    return f"{date(2015, 1, 1) + timedelta(days=day):%Y%m%d}"


def odd_but_good(first: int) -> list[Export]:
    """Files that load: each of their records with something odd, most of them with a warning."""
    known = {"order": "W1", "when": "2017-01-05T10:00:00"}
    people = customers_xml(
        customer(CustomerNumber="1", Email=EMAIL, Gender="V", Country="NL", Newsletter="yes"),
        customer(CustomerNumber="2", Email=f"{LAST} (at) {EMAIL}", Gender=FIRST, Country=LAST),
        customer(CustomerNumber="3", Email=EMAIL.upper(), Newsletter=PHONE),
        customer(CustomerNumber="4", FirstName=f"{FIRST}Ã«", Street=f"{STREET}\ufffd"),
        customer(CustomerNumber="4", LastName=f"van {LAST}"),
        customer(f"<Note who='{EMAIL}'><![CDATA[{EMAIL} & {PHONE}]]></Note>", CustomerNumber="5"),
        customer(f"<!-- {LAST} --><?call {PHONE}?><Note><Deep>{STREET}</Deep></Note>", CustomerNumber="6"),
        customer(f"<n:Note xmlns:n='urn:{LAST}'>{EMAIL}</n:Note>", CustomerNumber="7"),
        customer(CustomerNumber="8", Email=f"other-{EMAIL}"),
        f"{LAST}<Remark for='{EMAIL}'>{PHONE}</Remark>",
        customer(),
    )
    baskets = purchases_xml(
        purchase(line(), OrderNumber=known["order"], DateTime=known["when"], CustomerNumber="1", Email=EMAIL),
        purchase(line(), ReceiptNumber="8", Branch="1", DateTime=known["when"], Currency=LAST, Email=EMAIL),
        purchase(line(Amount="2.00"), ReceiptNumber="8", Branch="1", DateTime=known["when"], Email=EMAIL),
        purchase(line(), ReceiptNumber="9", Branch="1", DateTime=known["when"], Email=f"{FIRST} {LAST}"),
        purchase(line(), OrderNumber="W2", DateTime=known["when"], CustomerNumber=EMAIL, Remark=PHONE),
        purchase(OrderNumber="W3", DateTime=known["when"], Email=EMAIL),
        purchase(line(), ReceiptNumber=PHONE, Branch=LAST, DateTime=known["when"], CustomerNumber="1"),
    )
    accounts = erp_xml(
        account("10", InvoiceTo="11", Contact=f"{FIRST} {LAST}, {EMAIL}"),
        account("10", DeliverySchemeCode=LAST),
        inner=f"<Operator>{EMAIL}</Operator><!-- {PHONE} -->",
    )
    owned = export(CUSTOMERS, first + 1, customers_xml(customer(CustomerNumber="8", Email=EMAIL)))
    texts = ((CUSTOMERS, people), (PURCHASES, baskets), (ERP_CACHE, accounts))
    return [*(export(interface, first, xml) for interface, xml in texts), owned]


def rejected(first: int) -> list[Export]:
    """Files of which records are rejected, for every code; the person stands in the offending value."""
    when = "2017-01-05T10:00:00"
    people = customers_xml(
        customer(Email=f"{EMAIL} of {LAST}"),
        customer(CustomerNumber=f"{PHONE}E+05"),
        customer(CustomerNumber=LAST * 30),
        customer(CustomerNumber=f"{EMAIL}\ufffd"),
        customer(CustomerNumber="21", BirthDate=f"{LAST} {BIRTH}"),
        customer(elements(LastName=f"{LAST}-{LAST}"), CustomerNumber="22"),
        customer(elements(Note=EMAIL) * 40, CustomerNumber="23"),
    )
    baskets = purchases_xml(
        purchase(line(), ReceiptNumber="1", Branch=LAST, DateTime=BIRTH, Email=EMAIL),
        purchase(line(), OrderNumber="W10", DateTime=f"{EMAIL}", CustomerNumber="1"),
        purchase(line(), DateTime=when, Email=EMAIL),
        purchase(line(Amount=f"{PHONE}x"), OrderNumber="W11", DateTime=when, Email=EMAIL),
        purchase(line(Amount=PHONE * 3), OrderNumber="W12", DateTime=when, Email=EMAIL),
        purchase(line(Sku=f"{LAST}\ufffd"), OrderNumber="W13", DateTime=when, Email=EMAIL),
        purchase(line(), line(Quantity=EMAIL), OrderNumber="W14", DateTime=when, CustomerNumber=LAST),
        purchase(line() + line(Note=EMAIL) + f"<Line>{elements(Sku=LAST) * 2}</Line>", OrderNumber=PHONE),
        purchase(line(Amount="-1.00"), ReceiptNumber=PHONE, Branch=LAST, DateTime=when, CustomerNumber="1"),
    )
    accounts = erp_xml(
        account("12", CashBack=f"{PHONE}, {EMAIL}", CumulativeSalesVolume=PHONE * 3),
        account("13", CashBackCalculateToDate=f"{FIRST} {LAST}", DiscountPercentage=PHONE),
        f"<Customer>{elements(AccountNumber='14', Contact=EMAIL)}</Customer>",
        f"<Customer>{elements(AccountNumber=LAST * 30, PriceListName=LAST)}</Customer>",
    )
    texts = ((CUSTOMERS, people), (PURCHASES, baskets), (ERP_CACHE, accounts))
    return [export(interface, first, xml) for interface, xml in texts]


def refused(first: int) -> list[Export]:
    """Files that are refused as a whole, each at a person or just behind one."""
    xmls = [export(CUSTOMERS, first + place, xml) for place, xml in enumerate(_refused_xml())]
    first += len(xmls)
    zips = [_bare(first + place, content) for place, content in enumerate(_refused_zips())]
    headers = [
        erp_xml(account("15"), importer=f"{FIRST} {LAST}"),
        erp_xml(account("15"), version=PHONE),
        erp_xml(account("15"), importer="", inner=f"<Operator>{EMAIL}</Operator>"),
    ]
    first += len(zips)
    return [*xmls, *zips, *(export(ERP_CACHE, first + place, xml) for place, xml in enumerate(headers))]


def cut(first: int) -> list[Export]:
    """Files that look as if their upload had not ended: fetched some times more, then refused."""
    return [_bare(first + place, content) for place, content in enumerate(_cut())]


def _bare(day: int, content: bytes) -> Export:
    return replace(export(CUSTOMERS, day, b""), content=content)


def _refused_xml() -> Iterable[str | bytes]:
    whole = customers_xml(customer(CustomerNumber="30", Email=EMAIL))
    start = f"<Export><Customers><Customer>{elements(**PERSON)}"
    end = "</Customer></Customers></Export>"
    for broken in (
        f"<LastName>{LAST}</{FIRST}>",
        f"<{LAST}>{EMAIL}</{FIRST}>",
        f"<LastName>&{LAST};</LastName>",
        f"<LastName>{EMAIL} &{PHONE};</LastName>",
        f"<LastName>&#x{LAST};</LastName>",
        f"<Phone>&#{PHONE};</Phone>",
        f"<Note who={EMAIL}/>",
        f"<Note who='{LAST}<'/>",
        f"<Note {LAST}='{FIRST}' {LAST}='{PHONE}'/>",
        f"<{LAST}:Note>{EMAIL}</{LAST}:Note>",
        f"<{PHONE}>{EMAIL}</{PHONE}>",
        f"<!-- {LAST} -- {EMAIL} -->",
        f"<?xml {LAST}?>",
        f"<![CDATA[{EMAIL}",
        f"<Note>{LAST}]]>{EMAIL}</Note>",
        f"<Note>{LAST}\x01{EMAIL}</Note>",
        "<a>" * 40 + EMAIL + "</a>" * 40,
        "<Note " + " ".join(f"{LAST}{number}='{PHONE}'" for number in range(150)) + "/>",
        f"<{LAST * 6_000}/>",
        f"<Note>{EMAIL * 5_000}</Note>",
    ):
        yield start + broken + end
    namespaces = " ".join(f"xmlns:{LAST}{number}='urn:{EMAIL}'" for number in range(150))
    yield whole.replace("<Customers>", f"<Customers {namespaces}>")
    yield start
    yield f"{whole}{LAST}"
    yield f"{whole}<{LAST}>{EMAIL}</{LAST}>"
    yield f"<!DOCTYPE Export [<!ENTITY {LAST} '{EMAIL}'>]>{whole}"
    yield f"<!DOCTYPE Export SYSTEM 'file:///home/{LAST}'>{whole}"
    yield f"<!-- {LAST} --><!DOCTYPE {LAST}>{whole}"
    yield f"<?xml version='1.0' encoding='{LAST}'?>{whole}"
    yield f"<?xml version='{LAST}'?>{whole}"
    yield f"<?xml version='1.0' encoding='utf-16{LAST}'?>{whole}"
    yield f"\ufeff<?xml version='1.0' encoding='{LAST}'?>".encode() + whole.replace(LAST, f"{LAST}é").encode(
        "cp1252"
    )
    yield f"<?xml version='1.0' encoding='UTF-8'?>{whole}".replace(LAST, f"{LAST}é").encode("cp1252")
    yield f"<?xml version='1.0' encoding='UTF-16'?>{whole}"
    yield f"<Letter><To>{EMAIL}</To></Letter>"
    yield customers_xml(f"<Customer><Mail>{EMAIL}</Mail><Name>{LAST}</Name></Customer>")
    yield f"<Export><Customers/><Customers>{customer(CustomerNumber='1')}</Customers></Export>"


def _refused_zips() -> Iterable[bytes]:
    xml = customers_xml(customer(CustomerNumber="30")).encode()
    own = "TestShop_SRS_Customers_1.xml"
    person = f"{FIRST} {LAST} {PHONE}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Duplicate name")
        yield zipped((f"letter to {person}.pdf", xml))
        yield zipped((f"{person}.xml", xml), (f"{EMAIL}.xml", xml))
        yield zipped((f"{LAST}/OtherShop_SRS_Customers_1.xml", xml))
        yield zipped((f"../{person}.xml", xml))
        yield zipped((f"C:\\{LAST}\\{own}", xml))
        yield zipped((own, xml), (f"{person}.xml", xml), (f"{person}.xml", xml))
        yield zipped((own, xml), (f"{person}.zip", xml))
        yield zipped((f"{person}.xml", zipped((f"{EMAIL}.xml", xml))))
    stored = zipped((f"{person}.xml", xml))
    encrypted = bytearray(stored)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(signature) + offset] |= 1
    yield bytes(encrypted)
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr(f"{person}.xml", xml)
        yield file.getvalue()
    yield f"{EMAIL};{LAST};{PHONE}".encode()


def _cut() -> Iterable[bytes]:
    xml = customers_xml(customer(CustomerNumber="30")).encode()
    stored = zipped((f"{FIRST} {LAST}.xml", xml))
    yield stored.replace(FIRST.encode(), b"Zzyzxellb", 1)  # the directory has another name than the member
    yield stored.replace(STREET.encode(), b"Xyzzyplaza", 1)  # the checksum is wrong
    yield stored.replace(struct.pack("<L", zlib.crc32(xml)), b"\0\0\0\0")
    yield stored[:-30]
    yield f"<Export><Customers><Customer><Email>{EMAIL}".encode()


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = EMAIL.encode()
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()
