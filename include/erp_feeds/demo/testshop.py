"""A B2B shop's deliveries: every version of the ERP cache file, a broken one, and a small SRS till."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lxml import etree

from erp_feeds.demo.exports import LINES, Export, packed
from erp_feeds.interfaces.accounts import ERP_CACHE_CUSTOMERS
from erp_feeds.interfaces.customers import SRS_CUSTOMERS
from erp_feeds.interfaces.purchases import SRS_PURCHASES
from erp_feeds.interfaces.spec import Interface

Record = Mapping[str, str]
"""Column name -> text; an empty text is an empty element, an absent column an absent element."""
Line = tuple[str, str, str, str]
"""Sku, description, quantity, amount."""

BROKEN_INDEX = "20170124060000"
"""The file that is cut in the middle on purpose: it must end in quarantine, and nothing else may."""

ACCOUNTS_1_0: Sequence[Record] = (
    {"account_number": "100000", "price_list_name": "WHOLESALE"},
    {"account_number": "100001", "price_list_name": "RETAIL"},
    {"account_number": "100002", "price_list_name": "RETAIL"},
    {"account_number": "00123", "price_list_name": "STAFF"},
)
ACCOUNTS_CASH_BACK: Sequence[Record] = (
    {
        "account_number": "100000",
        "price_list_name": "WHOLESALE",
        "cumulative_sales_volume": "1,012,345.67",
        "cash_back": "10,123.45",
        "cash_back_calculate_to_date": "2017-01-04",
    },
    {
        "account_number": "100002",
        "price_list_name": "RETAIL",
        "cumulative_sales_volume": "980.00",
        "cash_back": "9.80",
        "cash_back_calculate_to_date": "2017-01-04",
    },
)
ACCOUNTS_1_1: Sequence[Record] = (
    {"account_number": "100000", "price_list_name": "WHOLESALE", "delivery_scheme_code": "DAILY"},
    {
        "account_number": "100001",
        "invoice_to": "100000",
        "price_list_name": "RETAIL",
        "delivery_scheme_code": "WEEKLY",
        "cumulative_sales_volume": "12,345.67",
        "cash_back": "123.45",
        "cash_back_calculate_to_date": "2017-01-09",
        "discount_percentage": "2.50",
    },
    {"account_number": "100003", "price_list_name": "EXPORT", "discount_percentage": "10"},
)
ACCOUNTS_UPDATE: Sequence[Record] = (
    {"account_number": "100002", "price_list_name": "WHOLESALE", "cash_back": ""},
    {"account_number": "100003", "price_list_name": "EXPORT", "discount_percentage": "12.50"},
)
ACCOUNTS_AFTER: Sequence[Record] = (
    {"account_number": "100004", "invoice_to": "100000", "price_list_name": "RETAIL"},
)

CUSTOMERS: Sequence[Record] = (
    {
        "customer_number": "1001",
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "infix": "van",
        "last_name": "Dijk",
        "gender": "V",
        "birth_date": "1985-04-12",
        "phone": "+31 20 5550100",
        "street": "Kerkstraat",
        "house_number": "12a",
        "postal_code": "1017 GC",
        "city": "Amsterdam",
        "country": "NL",
        "newsletter": "yes",
    },
    {
        "customer_number": "1002",
        "email": "bram@example.com",
        "first_name": "Bram",
        "gender": "M",
        "country": "NL",
    },
    {"customer_number": "00123", "email": "carla@example.com", "first_name": "Carla", "newsletter": ""},
    {"email": "dirk@example.com", "first_name": "Dirk", "last_name": "Smit", "country": "NLD"},
)
ONLINE = {
    "order_number": "W-20170106-1",
    "date_time": "2017-01-06T09:15:00",
    "customer_number": "1001",
    "email": "ada@example.com",
    "currency": "EUR",
}
TILL = {
    "receipt_number": "5001",
    "branch": "12",
    "date_time": "2017-01-06T10:02:11",
    "customer_number": "1002",
}
PURCHASES: Sequence[tuple[Record, Sequence[Line]]] = (
    (ONLINE, [("A-100", "Rye bread", "2", "3.98"), ("A-200", "Butter", "1", "2.49")]),
    (TILL, [("A-100", "Rye bread", "1", "1.99")]),
    (  # only negative amounts: a return
        {
            "receipt_number": "5002",
            "branch": "12",
            "date_time": "2017-01-06T11:30:00",
            "customer_number": "1002",
        },
        [("A-100", "Rye bread", "-1", "-1.99")],
    ),
    (  # plus and minus: an exchange, which is a new order
        {
            "receipt_number": "5003",
            "branch": "12",
            "date_time": "2017-01-06T12:00:45",
            "email": "dirk@example.com",
        },
        [("A-200", "Butter", "-1", "-2.49"), ("A-300", "Cheese & herbs", "1", "6.75")],
    ),
    (  # nobody to book it on: skipped
        {
            "receipt_number": "5004",
            "branch": "12",
            "date_time": "2017-01-06T12:10:00",
            "customer_number": "0",
        },
        [("A-300", "Cheese & herbs", "1", "6.75")],
    ),
)


def testshop_exports(shop_name: str) -> list[Export]:
    """Return every file of the shop, oldest first."""
    cache = [
        ("20170102060000", erp_cache_xml(ACCOUNTS_1_0)),
        ("20170105060000", erp_cache_xml(ACCOUNTS_CASH_BACK, "1.0")),
        ("20170110060000", erp_cache_xml(ACCOUNTS_1_1, "1.1")),
        ("20170117060000", erp_cache_xml(ACCOUNTS_UPDATE, "1.1")),
        (BROKEN_INDEX, cut(erp_cache_xml(ACCOUNTS_1_1, "1.1"))),
        ("20170131060000", erp_cache_xml(ACCOUNTS_AFTER, "1.1")),
    ]
    srs = [(SRS_CUSTOMERS, customers_xml()), (SRS_PURCHASES, purchases_xml())]
    everything = [(ERP_CACHE_CUSTOMERS, index, xml) for index, xml in cache]
    everything += [(interface, "20170106235900", xml) for interface, xml in srs]
    everything.sort(key=lambda entry: entry[1])
    return [packed(interface, shop_name, index, xml) for interface, index, xml in everything]


def erp_cache_xml(accounts: Sequence[Record], version: str = "") -> bytes:
    """Return an ERP cache file; without a version it has no settings node, as the oldest senders write it."""
    interface = ERP_CACHE_CUSTOMERS
    root = etree.Element(interface.record_path[0])
    if version and interface.header:
        settings = etree.SubElement(root, interface.header.element)
        etree.SubElement(settings, interface.header.importer_element).text = interface.header.importer
        etree.SubElement(settings, interface.header.version_element).text = version
    container = _containers(root, interface)
    for account in accounts:
        _record(container, interface, account)
    return _text(root)


def customers_xml(customers: Sequence[Record] = CUSTOMERS) -> bytes:
    """Return a file of customers, by default the till's."""
    root = etree.Element(SRS_CUSTOMERS.record_path[0])
    container = _containers(root, SRS_CUSTOMERS)
    for customer in customers:
        _record(container, SRS_CUSTOMERS, customer)
    return _text(root)


def purchases_xml() -> bytes:
    """Return one purchase of each class: online, till, return, exchange, and one of nobody."""
    names = [field.element for field in LINES.fields]
    root = etree.Element(SRS_PURCHASES.record_path[0])
    container = _containers(root, SRS_PURCHASES)
    for head, lines in PURCHASES:
        outer, inner = LINES.path.split("/")
        parent = etree.SubElement(_record(container, SRS_PURCHASES, head), outer)
        for line in lines:
            element = etree.SubElement(parent, inner)
            for name, value in zip(names, line, strict=True):
                etree.SubElement(element, name).text = value
    return _text(root)


def cut(xml: bytes) -> bytes:
    """Return the first half: an ERP that died while it wrote."""
    return xml[: len(xml) // 2]


def _containers(root: etree._Element, interface: Interface) -> etree._Element:
    """Add the elements between the root and the records; return the last."""
    parent = root
    for tag in interface.record_path[1:-1]:
        parent = etree.SubElement(parent, tag)
    return parent


def _record(container: etree._Element, interface: Interface, values: Record) -> etree._Element:
    record = etree.SubElement(container, interface.record_path[-1])
    for name, value in values.items():
        etree.SubElement(record, interface.field(name).element).text = value
    return record


def _text(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))
