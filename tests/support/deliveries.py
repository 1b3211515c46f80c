"""Deliveries drawn by hypothesis: files of all interfaces, with records from small pools that collide.

`any_delivery` draws whatever an ERP may send. `settled_delivery` draws only what ends in the same rows in any
order of arrival; its docstring says what it leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from erp_feeds.demo.exports import Export, packed
from erp_feeds.interfaces import INTERFACES

CUSTOMERS, PURCHASES, ACCOUNTS = "srs_customers", "srs_purchases", "erp_cache_customers"

Record = dict[str, Any]
"""Element -> its text; `Lines` -> a list of such."""


@dataclass(frozen=True)
class File:
    """A file as the ERP names and fills it; another one of its index is a revision, or the same again."""

    interface: str
    index: int
    records: tuple[Record, ...]
    version: str | None = "1.1"

    @cached_property
    def export(self) -> Export:
        """The zip."""
        return packed(INTERFACES[self.interface], "TestShop", f"201701{self.index:02}", self._xml().encode())

    def _xml(self) -> str:
        spec = INTERFACES[self.interface]
        root, container, record = spec.record_path
        head = (
            f"<Importer>ErpCache_Customers</Importer><Version>{self.version}</Version>"
            if self.version
            else ""
        )
        settings = f"<ImportSettings>{head}</ImportSettings>" if spec.header and head else ""
        inner = "".join(f"<{record}>{_elements(each)}</{record}>" for each in self.records)
        return f"<{root}>{settings}<{container}>{inner}</{container}></{root}>"


Delivery = tuple[File, ...]
"""Files in index order; those of one name in the order in which they can only come."""


def _elements(record: Record) -> str:
    return "".join(
        f"<{name}>{value if isinstance(value, str) else _lines(value)}</{name}>"
        for name, value in record.items()
    )


def _lines(lines: Iterable[Record]) -> str:
    return "".join(f"<Line>{_elements(line)}</Line>" for line in lines)


def _some_of(pools: dict[str, Sequence[str]]) -> st.SearchStrategy[Record]:
    """Records in which any element may be missing."""
    return st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in pools.items()}
    )


def _merged(*parts: st.SearchStrategy[Record]) -> st.SearchStrategy[Record]:
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


fields = _some_of(
    {
        "FirstName": ("Ada", "Bea", ""),
        "LastName": ("Dijk", ""),
        "City": ("Delft", "Oss", ""),
        "Gender": ("V", "?"),
        "BirthDate": ("1985-04-12", "", "1985-02-30"),
        "Newsletter": ("yes", "no", ""),
    }
)
accounts = _merged(
    _some_of(
        {
            "AccountNumber": ("1", "2", "3", "3", "1.5E+3"),
            "PriceListName": ("A", "B", "A", "B", ""),
            "InvoiceTo": ("", "1", "2", "9"),
            "DeliverySchemeCode": ("", "D", "E"),
            "CumulativeSalesVolume": ("", "1,234.50", "7", "1.234,50"),
            "CashBackCalculateToDate": ("", "2017-01-31", "31-01-2017"),
            "DiscountPercentage": ("", "2.50", "100", "101"),
        }
    ),
    st.sampled_from([{}, {"PriceListName": "C"}, {"AccountNumber": "1", "PriceListName": "D"}]),
)

AMOUNTS = {"order": ("1.00", "2.50", "0.00", "3.00 -4.00"), "return": ("-1.00", "-2.50 0.00")}
ODD = ("", "NaN", "1,23")
"""Amounts that make no line, and such as are refused."""


def _basket(amounts: str) -> Record:
    lines = [{"Sku": f"s{place}", "Amount": amount} for place, amount in enumerate(amounts.split(), 1)]
    return {"Lines": lines}


baskets = st.sampled_from([*AMOUNTS["order"], *AMOUNTS["return"], *ODD]).map(_basket)
receipts = _merged(
    st.sampled_from(
        [
            {"OrderNumber": "W1"},
            {"OrderNumber": "W2"},
            {"ReceiptNumber": "7", "Branch": "3"},
            {"ReceiptNumber": "8", "Branch": "3"},
            {"ReceiptNumber": "8"},
        ]
    ),
    st.sampled_from(["2017-01-05T11:53:26"] * 5 + ["2017-10-29T02:30:00", "2017-01-05", ""]).map(
        lambda text: {"DateTime": text}
    ),
    _some_of({"Currency": ("EUR", "usd", "")}),
    baskets,
)

anybody = _some_of(
    {
        "CustomerNumber": ("1", "2", "0012", "0", "", "1.23E+05"),
        "Email": ("a@x.nl", "b@x.nl", "B@x.nl ", "c@x.nl", "no mail", ""),
    }
)
NOBODY: tuple[Record, ...] = (
    {},
    {"CustomerNumber": "0", "Email": ""},
    {"CustomerNumber": "1.23E+05", "Email": "a@x.nl"},
    {"Email": "no mail"},
)
SETTLED = {
    CUSTOMERS: (
        *({"CustomerNumber": "1", "Email": email} for email in ("a@x.nl", "A2@x.nl", "no mail", "")),
        {"CustomerNumber": "0012"},
        *({"CustomerNumber": number, "Email": "b@x.nl"} for number in ("3", "4", "0", "")),
        {"Email": "B@x.nl"},
        {"CustomerNumber": "5", "Email": "c@x.nl"},
        *NOBODY,
    ),
    PURCHASES: (
        {"CustomerNumber": "1"},
        {"CustomerNumber": "1", "Email": "no mail"},
        {"CustomerNumber": "0012"},
        {"Email": "b@x.nl"},
        {"CustomerNumber": "0", "Email": "B@x.nl"},
        {"CustomerNumber": "5", "Email": "c@x.nl"},
        {"CustomerNumber": "6"},
        *NOBODY,
    ),
}
"""Who may be named how: 1 and 0012 always by number, b@x.nl always by address, 5 by both."""


def _files(
    interface: str, records: st.SearchStrategy[Record], most: int, longest: int = 4
) -> st.SearchStrategy[list[File]]:
    version = st.sampled_from(["1.0", "1.1", None]) if interface == ACCOUNTS else st.just("1.1")
    file = st.builds(
        File,
        st.just(interface),
        st.integers(1, 3),
        st.lists(records, max_size=longest).map(tuple),
        version,
    )
    # A file sent twice is drawn as such: two equal ones would hardly ever come by chance.
    return st.lists(file, max_size=most).flatmap(
        lambda files: st.sampled_from([[], *([file] for file in files)]).map(lambda again: [*files, *again])
    )


def _delivery(
    customers: st.SearchStrategy[Record], buyers: st.SearchStrategy[Record], most: int = 2
) -> st.SearchStrategy[Delivery]:
    kinds = (
        _files(CUSTOMERS, _merged(customers, fields), most),
        _files(PURCHASES, _merged(buyers, receipts), most),
        _files(ACCOUNTS, accounts, most),
    )
    return st.tuples(*kinds).map(
        lambda drawn: tuple(sorted((file for files in drawn for file in files), key=_place))
    )


def _place(file: File) -> tuple[str, int]:
    return file.interface, file.index


any_delivery = _delivery(anybody, anybody)


def one_id(record: Record) -> tuple[str, ...]:
    """Tell which purchases share an id unless they are orders of one number: till receipts, and returns."""
    return tuple(record.get(name, "") for name in ("OrderNumber", "ReceiptNumber", "Branch", "DateTime"))


def is_return(record: Record) -> bool:
    return record["Lines"] in [_basket(amounts)["Lines"] for amounts in AMOUNTS["return"]]


def _without(delivery: Delivery, refused: Callable[[File, Record], bool]) -> Delivery:
    return tuple(
        replace(file, records=tuple(each for each in file.records if not refused(file, each)))
        if file.interface == PURCHASES
        else file
        for file in delivery
    )


def without_collisions(delivery: Delivery) -> Delivery:
    """Leave each receipt to one class, and those that collide in some file to that file."""
    bought = [file for file in delivery if file.interface == PURCHASES]
    classes: dict[tuple[str, ...], bool] = {}
    for file in bought:
        for each in file.records:
            classes.setdefault(one_id(each), is_return(each))
    owners = {
        receipt: file
        for file in bought
        for receipt, number in Counter(map(one_id, file.records)).items()
        if number > 1
    }

    def refused(file: File, record: Record) -> bool:
        receipt = one_id(record)
        if record.get("OrderNumber") and not is_return(record):
            return False
        flips = not record.get("OrderNumber") and classes[receipt] != is_return(record)
        return flips or owners.get(receipt, file) != file

    return _without(delivery, refused)


settled_delivery = _delivery(st.sampled_from(SETTLED[CUSTOMERS]), st.sampled_from(SETTLED[PURCHASES])).map(
    without_collisions
)
"""Deliveries that end in the same rows in whatever order they come.

Left out is what the first arrival decides:

- people named by a number here and by an address there, so that either may make the profile (customers 2 to
  6, purchases 3 and 4): here everybody has a way of being named that each record of theirs holds;
- receipts of which one file brings several baskets and another file brings some (purchases 7);
- till receipts whose class flips (purchases 6).
"""

Runs = tuple[tuple[int, ...], ...]
"""Which files of a delivery each run takes, by their place in it."""


@st.composite
def arrivals(draw: st.DrawFn, delivery: Delivery) -> Runs:
    """Any order, cut into runs anywhere, some files again.

    Files of one name come as they were made: a revision is by definition what comes later under its name.
    """
    order = _names_in_order(delivery, draw(st.permutations(range(len(delivery)))))
    if order:
        order += draw(st.lists(st.sampled_from(order), max_size=2))
    cuts = [0, *sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=3))), len(order)]
    return tuple(tuple(order[start:end]) for start, end in pairwise(cuts) if start < end)


def _names_in_order(delivery: Delivery, order: Sequence[int]) -> list[int]:
    """Let the files of each name take the places that the order gives to that name, by their own order."""
    waiting: dict[tuple[str, int], list[int]] = {}
    for place, file in enumerate(delivery):
        waiting.setdefault(_place(file), []).append(place)
    return [waiting[_place(delivery[place])].pop(0) for place in order]


one_receipt = _files(
    PURCHASES,
    st.sampled_from(["1.00", "2.50", "3.00 -4.00", "-1.00"]).map(
        lambda amounts: {
            "ReceiptNumber": "7",
            "Branch": "3",
            "DateTime": "2017-01-05T11:53:26",
            "CustomerNumber": "1",
            **_basket(amounts),
        }
    ),
    most=3,
    longest=3,
).map(lambda files: tuple(sorted(files, key=_place)))
"""Files of nothing but baskets under one till receipt."""


one_person = _files(
    CUSTOMERS,
    _merged(
        st.sampled_from([{"CustomerNumber": "3"}, {"CustomerNumber": "4"}, {}]),
        st.just({"Email": "b@x.nl"}),
        _some_of({"FirstName": ("Ada", "Bea"), "LastName": ("Dijk", "Old"), "City": ("Delft", "")}),
    ),
    most=2,
).map(tuple)
"""Records of one person, who goes by two numbers and an address."""

orders_and_accounts = st.tuples(
    _files(
        PURCHASES,
        _merged(
            st.sampled_from([{"OrderNumber": "W1"}, {"OrderNumber": "W2"}]),
            st.just({"DateTime": "2017-01-05T11:53:26"}),
            st.sampled_from([{"CustomerNumber": "1"}, {"Email": "b@x.nl"}, {}]),
            st.sampled_from(["1.00", "2.50", "-1.00", ""]).map(_basket),
        ),
        most=2,
    ),
    _files(ACCOUNTS, accounts, most=2),
).map(lambda drawn: tuple(file for files in drawn for file in files))
"""Orders of two numbers, of which some are of nobody or empty; and accounts."""


def one_file_a_record(delivery: Delivery) -> Delivery:
    """Give each record of a delivery a file of its own, in the order of the files."""
    counts: Counter[str] = Counter()
    cut = []
    for file in delivery:
        for each in file.records:
            counts[file.interface] += 1
            cut.append(replace(file, index=counts[file.interface], records=(each,)))
    return tuple(cut)


def one_file_an_interface(delivery: Delivery) -> Delivery:
    """Lay the records of all files of each interface into one file."""
    joined: dict[str, File] = {}
    for file in delivery:
        first = joined.setdefault(file.interface, replace(file, index=1, records=()))
        joined[file.interface] = replace(first, records=(*first.records, *file.records))
    return tuple(joined.values())


delivery_and_arrivals = any_delivery.flatmap(lambda each: st.tuples(st.just(each), arrivals(each)))
receipt_and_arrivals = one_receipt.flatmap(lambda each: st.tuples(st.just(each), arrivals(each)))
settled_and_arrivals = settled_delivery.flatmap(lambda each: st.tuples(st.just(each), arrivals(each)))
