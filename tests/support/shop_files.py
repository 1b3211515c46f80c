"""Files as an ERP party places them, and settings as the person on call changes them."""

from __future__ import annotations

from typing import Any

from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import InterfaceSettings
from support.shop_fixtures import Shop


def export(interface: str, index: str, *records: str) -> Export:
    spec = INTERFACES[interface]
    container, record = spec.record_path[-2:]
    inner = "".join(f"<{record}>{text}</{record}>" for text in records)
    root = spec.record_path[0]
    head = "<ImportSettings><Importer>ErpCache_Customers</Importer><Version>1.1</Version></ImportSettings>"
    xml = f"<{root}>{head if spec.header else ''}<{container}>{inner}</{container}></{root}>"
    return packed(spec, "TestShop", index, xml.encode())


def account(number: str, **fields: str) -> str:
    values = {"AccountNumber": number, "PriceListName": "A", **fields}
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


def person(number: str, name: str, **fields: str) -> str:
    values = {"CustomerNumber": number, "Voornaam": name, **fields}
    return "".join(f"<{element}>{value}</{element}>" for element, value in values.items())


def basket(receipt: str, deposit: str, amount: str = "1.00", number: str = "1") -> str:
    skus = {"a": amount, "d": deposit}
    lines = "".join(f"<Line><Sku>{sku}</Sku><Amount>{text}</Amount></Line>" for sku, text in skus.items())
    return (
        f"<ReceiptNumber>{receipt}</ReceiptNumber><Branch>1</Branch><DateTime>2017-01-01T10:00:00</DateTime>"
        f"<CustomerNumber>{number}</CustomerNumber><Lines>{lines}</Lines>"
    )


def configure(shop: Shop, interface: str, **settings: Any) -> None:
    """Change the merchant file as the person on call does."""
    interfaces = {**shop.merchant.interfaces, interface: InterfaceSettings(**settings)}
    shop.merchant = shop.merchant.model_copy(update={"interfaces": interfaces})
