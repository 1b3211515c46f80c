"""Small files that pass the steps in groups end in what each would end in by itself, whatever is in them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import psycopg
import pytest

from erp_feeds import stages, tasks
from erp_feeds.batch import Batch, FeedFile, Replay
from erp_feeds.demo.exports import zipped
from erp_feeds.interfaces import INTERFACES
from erp_feeds.steps import pieces as steps_pieces
from erp_feeds.storage import archive
from erp_feeds.storage import pieces as storage_pieces
from erp_feeds.store import ledger
from erp_feeds.store.suppression import EMAIL, SRS, remember, suppression_of
from support.homes import home  # noqa: F401 - a fixture
from support.merchants import merchant_of
from support.store_feed import emptied
from support.store_rows import rows

SHOP = merchant_of(
    interfaces={name: {"max_reject_percent": 60, "index": "sequence"} for name in INTERFACES},
    ftps={"connection": "ftps_testshop"},
)
FILES = 8
"""Of each interface, in each of two runs."""
ACCOUNTS = [f"A{number}" for number in range(9)]
NUMBERS = [f"{number}" for number in range(101, 109)]
PEOPLE = [f"{name}@example.com" for name in "abcdef"]
LIKE_OTHERS = ("O1-R20170105105326", "O2-R20170105105326~2", "R1|7|2017-01-05 10:53:26~2")
"""Order numbers that read like ids of a return and of a second receipt."""
SUPPRESSED = ((SRS, NUMBERS[0]), (EMAIL, PEOPLE[0]))


def element(name: str, *values: str | None) -> Callable[[random.Random], str]:
    """Write an element with one of some values; None leaves it out, and once in a while it comes twice."""

    def write(chance: random.Random) -> str:
        value = chance.choice(values)
        found = "" if value is None else f"<{name}>{value}</{name}>"
        return found * (2 if chance.random() < 0.01 else 1)

    return write


def line(chance: random.Random) -> str:
    amount = chance.choice(["10.00", "4.50", "-4.50", "0", "-10.00"])
    return (
        f"<Line><Sku>s{chance.randrange(3)}</Sku><Description>é</Description><Amount>{amount}</Amount></Line>"
    )


def lines(chance: random.Random) -> str:
    return f"<Lines>{''.join(line(chance) for _ in range(chance.randrange(3)))}</Lines>"


RECORDS: dict[str, tuple[Callable[[random.Random], str], ...]] = {
    "erp_cache_customers": (
        element("AccountNumber", *ACCOUNTS, *ACCOUNTS, None),
        element("PriceListName", *["RETAIL"] * 5, *["EXPORT"] * 5, ""),
        element("InvoiceTo", *ACCOUNTS[4:], "A99", "", None),
        element("CashBack", "1,234.50", "1,234.50", "10", "10", "", None, None, "1.234,50"),
        element("Shoe", "1", None, None),
    ),
    "srs_customers": (
        element("CustomerNumber", *NUMBERS, *NUMBERS, None, "1E5"),
        element("Email", *PEOPLE, None, "no address"),
        element("FirstName", "An", "Bé", "", None),
        element("Gender", "V", "M", "?", None),
    ),
    "srs_purchases": (
        element("OrderNumber", "O1", "O2", "O3", None, None),
        element("ReceiptNumber", "R1", "R2", None),
        element("Branch", "7", "8"),
        element("DateTime", "2017-01-05 10:53:26", "2017-10-29 02:30:00", "2017-01-05"),
        element("CustomerNumber", *NUMBERS, None),
        element("Email", *PEOPLE, None),
        lines,
    ),
}


def content(interface: str, index: int, chance: random.Random, most: int) -> bytes:
    """Write a file of some records; some files are cut, broken, of another structure, or mostly rejected."""
    *containers, record = INTERFACES[interface].record_path
    settings = (
        "<ImportSettings><Importer>ErpCache_Customers</Importer><Version>1.1</Version></ImportSettings>"
    )
    head = f"<{containers[0]}>{settings if interface.startswith('erp') else ''}<{containers[1]}>"
    tail = f"</{containers[1]}></{containers[0]}>"
    kind = chance.choice(
        ["good"] * 6 + ["cut", "broken", "doctype", "empty", "no records", "rejected", "latin"]
    )
    number = 0 if kind == "empty" else chance.randint(1, most)
    written = [
        f"<{record}>{''.join(write(chance) for write in RECORDS[interface])}</{record}>"
        for _ in range(number)
    ]
    if kind == "rejected":
        written = [f"<{record}><CustomerNumber>1E5</CustomerNumber><Branch/></{record}>"] * 3
    if kind == "no records":
        written = ["<Other/>"]
    text = head + "".join(written) + (tail if kind != "broken" else "")
    text = ("<!DOCTYPE a>" if kind == "doctype" else "") + text
    encoding = "ISO-8859-1" if kind == "latin" else "utf-8"
    xml = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)
    found = zipped(INTERFACES[interface].file_name(SHOP.shop_name, str(index), "xml"), xml, date(2017, 1, 1))
    return found[:-30] if kind == "cut" else found


class Delivery:
    """Files that arrive in two runs.

    Older and newer ones come in both, and the second takes some again; or they come in order, and nobody is
    suppressed: then small files of different people load at once.
    """

    def __init__(self, seed: int, most: int = 6, *, in_order: bool = False) -> None:
        chance = random.Random(seed)
        self.suppressed = () if in_order else SUPPRESSED
        self.files: list[list[tuple[str, int, bytes]]] = [[], []]
        for interface in INTERFACES:
            indexes = chance.sample(range(1, 3 * FILES), 2 * FILES)
            if in_order:
                older, newer = sorted(indexes)[:FILES], sorted(indexes)[FILES:]
                indexes = [index for both in zip(older, newer, strict=True) for index in both]
            for place, index in enumerate(indexes):
                found = content(interface, index, chance, most)
                self.files[place % 2].append((interface, index, found))
                if chance.random() < 0.1:  # a second revision, beside the first
                    self.files[place % 2].append((interface, index, content(interface, index, chance, most)))
        self.again = [] if in_order else chance.sample(self.files[0], len(self.files[0]) // 3)

    def load(self, store: psycopg.Connection) -> list[Any]:
        """Take both runs into an emptied store; return what became of each file, and all rows."""
        emptied(store, SHOP)
        store.execute("TRUNCATE suppressed")
        store.execute("ALTER SEQUENCE profile_ids RESTART")
        remember(store, suppression_of(store, SHOP.name), self.suppressed)
        store.commit()
        first = run(store, "run1", self.files[0], self.files[0])
        second = run(store, "run2", self.files[1], [*self.files[1], *self.again])
        found = rows(store)
        found["files"] = [re.sub(r'"modified": "[^"]*"', "", row) for row in found["files"]]
        return [first, second, found]


def run(
    store: psycopg.Connection,
    name: str,
    arriving: Sequence[tuple[str, int, bytes]],
    taken: Sequence[tuple[str, int, bytes]],
) -> list[Any]:
    for interface, index, found in arriving:
        title = INTERFACES[interface].file_name(SHOP.shop_name, str(index))
        kept = archive.save([found], SHOP.name, interface, title)
        facts = {"interface": interface, "name": title, "index_number": str(index), "day": date(2017, 1, 1)}
        facts |= {"size": kept.size, "sha256": kept.sha256, "url": kept.url}
        ledger.import_original(store, SHOP.name, facts)
    names = {INTERFACES[interface].file_name(SHOP.shop_name, str(index)) for interface, index, _ in taken}
    files = ledger.archived(store, SHOP.name, list(INTERFACES), Replay(files=tuple(sorted(names))))
    batch = Batch(merchant=SHOP.name, run=name, files=tuple(files))
    for task in (tasks.unzip, tasks.parse, tasks.deduplicate, tasks.split, tasks.load):
        batch = task(SHOP, batch)
    return [(file.name, file.sequence, file.counts, file.rows) for file in batch.files]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.rule("ERP cache 6")
def test_groups_of_files_end_in_what_each_file_would_end_in_by_itself(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    delivery = Delivery(seed)
    together = delivery.load(store)
    monkeypatch.setattr(stages, "GROUP_FILES", 1)
    alone = delivery.load(store)
    same(together, alone)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.rule("customers 6")
def test_files_of_different_people_load_at_once_as_one_after_the_other(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    number, buyer = (element("CustomerNumber", *map(str, range(100, 160)), last) for last in ("1E5", None))
    email = element("Email", *(f"{place}@example.com" for place in range(60)), None, "no address")
    receipt = element("ReceiptNumber", *(f"R{place}" for place in range(20)), None)
    order = element("OrderNumber", *(f"O{place}" for place in range(10)), *LIKE_OTHERS, *[None] * 9)
    _, _, *others = RECORDS["srs_customers"]
    monkeypatch.setitem(RECORDS, "srs_customers", (number, email, *others))
    _, _, branch, moment, *_ = RECORDS["srs_purchases"]
    monkeypatch.setitem(RECORDS, "srs_purchases", (order, receipt, branch, moment, buyer, email, lines))
    delivery = Delivery(seed, most=3, in_order=True)
    together = delivery.load(store)
    monkeypatch.setattr(stages, "GROUP_FILES", 1)
    same(together, delivery.load(store))


def same(one: list[Any], other: list[Any]) -> None:
    for found, wanted in zip(one[:2], other[:2], strict=True):
        assert found == wanted
    for table, wanted in other[2].items():
        found = one[2][table]
        assert (set(found) - set(wanted), set(wanted) - set(found)) == (set(), set()), table


@pytest.mark.parametrize("seed", [5])
def test_a_file_in_pieces_ends_in_what_it_ends_in_as_a_whole(
    store: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(stages, "GROUP_FILES", 1)
    _, *others = RECORDS["srs_purchases"]
    order_number = element("OrderNumber", "O1", "O2", *LIKE_OTHERS, None, None)
    monkeypatch.setitem(RECORDS, "srs_purchases", (order_number, *others))
    delivery = Delivery(seed, most=40)
    whole = delivery.load(store)
    monkeypatch.setattr(steps_pieces, "PIECE_BYTES", 3_000)
    monkeypatch.setattr(storage_pieces, "BUFFER", 2_000)
    same(delivery.load(store), whole)


def test_a_group_has_limits_and_holds_one_interface_in_load_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "GROUP_FILES", 2)
    monkeypatch.setattr(stages, "GROUP_BYTES", 10)
    small = [file_of("erp_cache_customers", index) for index in (3, 10, 2)]
    large = [file_of("srs_customers", 1, 11), file_of("srs_customers", 2), file_of("srs_customers", 4, 9)]
    found = [[file.file_id for file in group] for group in stages.groups([*small, *large])]
    assert found == [[2, 3], [10], [1], [2, 4]]
    packed = [file.model_copy(update={"members": ()}) for file in small]
    assert [len(group) for group in stages.groups(packed)] == [1, 1, 1]
    staged = [file.model_copy(update={"staged": {"records": "a"}}) for file in small]
    assert [len(group) for group in stages.groups(staged)] == [3]


def file_of(interface: str, index: int, unzipped: int = 1) -> FeedFile:
    facts = {"file_id": index, "interface": interface, "name": f"{index}", "index_number": f"{index}"}
    return FeedFile.model_validate({**facts, "size": 1, "members": ("a",), "unzipped": unzipped})
