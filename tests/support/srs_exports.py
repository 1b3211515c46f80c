"""Small SRS exports, written record by record."""

from __future__ import annotations

from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES
from support.shop_fixtures import Shop

Values = dict[str, str]


def record(values: Values, inner: str = "") -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in values.items()) + inner


def customers(index: str, *people: Values) -> Export:
    xml = "".join(f"<Customer>{record(person)}</Customer>" for person in people)
    text = f"<Export><Customers>{xml}</Customers></Export>"
    return packed(INTERFACES["srs_customers"], "TestShop", index, text.encode())


def purchases(index: str, *baskets: tuple[Values, str]) -> Export:
    """Each basket is its values and the amount of its one line."""
    xml = ""
    for values, amount in baskets:
        lines = f"<Lines><Line><Sku>a{amount}</Sku><Amount>{amount}</Amount></Line></Lines>"
        xml += f"<Purchase>{record(values, lines)}</Purchase>"
    text = f"<Export><Purchases>{xml}</Purchases></Export>"
    return packed(INTERFACES["srs_purchases"], "TestShop", index, text.encode())


def person(number: str, email: str = "", name: str = "Ada") -> Values:
    return {"CustomerNumber": number, "FirstName": name} | ({"Email": email} if email else {})


def numbers(shop: Shop) -> set[str]:
    return {row[0] for row in shop.store.execute("SELECT value FROM identifiers")}
