"""Purchases 1 to 12 in plain Python, record by record: what the store must hold, whatever files have come.

Slow and simple on purpose, without any code of the product: two independent readings of docs/rules.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
ABSENT = {"", "0", "000", "-1"}

Buyer = tuple[str | None, str | None]
"""Number and address."""
Line = tuple[str | None, Decimal]
Basket = tuple[str, str, tuple[Line, ...]]
"""Moment as delivered, currency, lines."""
Person = tuple[frozenset[str], str | None]
"""Numbers, address."""


@dataclass(eq=False)
class Profile:
    """A person."""

    numbers: set[str] = field(default_factory=set)
    email: str | None = None

    def person(self) -> Person:
        return frozenset(self.numbers), self.email


@dataclass(frozen=True)
class Record:
    """A purchase of a file."""

    place: int
    order_number: str | None
    id: str
    kind: str
    basket: Basket
    buyer: Buyer

    @property
    def is_order(self) -> bool:
        """Whether its number alone says which purchase it is."""
        return self.order_number is not None and self.kind == "order"


@dataclass(frozen=True)
class Stored:
    """A purchase of the store, with the file that wrote it last."""

    record: Record
    buyer: Buyer
    owner: Profile
    index: int


@dataclass(frozen=True)
class Sold:
    """A purchase in the words of a comparison."""

    kind: str
    is_online: bool
    owner: Person
    occurred_at: datetime
    currency: str
    lines: tuple[Line, ...]
    return_of: str | None


class Purchases:
    """The orders, returns and people of one merchant."""

    def __init__(self) -> None:
        self._profiles: list[Profile] = []
        self._stored: dict[str, Stored] = {}
        self._led: dict[tuple[int, int, str], Profile] = {}
        """Index, place, address -> to whom a record without a number led when it came first."""

    def know(self, number: str | None, email: str | None) -> None:
        """Take somebody in whom a customers file brought."""
        self._profiles.append(Profile({number} if number else set(), email))

    def people(self) -> set[Person]:
        """Everybody; no two are alike, since each has a number or an address of its own."""
        found = {each.person() for each in self._profiles}
        assert len(found) == len(self._profiles)
        return found

    def sold(self) -> dict[str, Sold]:
        """Every order and return by its id."""
        return {id_: self._sold(each) for id_, each in self._stored.items()}

    def load(self, index: int, delivered: list[dict[str, Any]], excluded: frozenset[str]) -> Counter[str]:
        """Take a file in, for the first time or again; return how often what was found, by code."""
        found: Counter[str] = Counter()
        records = []
        for place, each in enumerate(delivered, 1):
            record = read(place, each, excluded)
            if isinstance(record, str):
                found[record] += 1
            else:
                records.append(record)
        standing = _one_a_purchase(records, found)
        loading = self._without_conflicts(index, standing, found)
        known = [replace(each, buyer=self._known_buyer(each)) for each in loading]
        owners = self._resolve(index, known)
        kept = {each.id for each in known}
        for id_ in [id_ for id_, each in self._stored.items() if each.index == index and id_ not in kept]:
            del self._stored[id_]
        for each in known:
            old = self._stored.get(each.id)
            if old is None or index >= old.index:
                self._stored[each.id] = Stored(each, each.buyer, owners[each.place], index)
        found["loaded"] = len(known)
        return found

    def _sold(self, each: Stored) -> Sold:
        record = each.record
        original = self._stored.get(record.order_number or "")
        linked = record.kind == "return" and original is not None and original.record.is_order
        text, currency, lines = record.basket
        return Sold(
            record.kind,
            record.order_number is not None,
            each.owner.person(),
            moment(text),
            currency,
            lines,
            record.order_number if linked else None,
        )

    def _without_conflicts(self, index: int, records: list[Record], found: Counter[str]) -> list[Record]:
        """Reject what would take another's id, or change its class (purchases 6 and 11)."""
        first: dict[str, Record] = {}
        good = []
        for each in records:
            old = self._stored.get(each.id)
            others = old if old and old.index != index else None
            holder = others.record if others else first.setdefault(each.id, each)
            if (holder.order_number is None, holder.order_number) != (
                each.order_number is None,
                each.order_number,
            ):
                found["id_taken"] += 1
            elif others and each.order_number is None and others.record.kind != each.kind:
                found["class_changed"] += 1
            else:
                good.append(each)
        return good

    def _known_buyer(self, record: Record) -> Buyer:
        """Add what the stored purchase of the same basket knows of its buyer (purchases 7)."""
        old = self._stored.get(record.id)
        if old is None or old.record.basket != record.basket:
            return record.buyer
        return _together([old.buyer, record.buyer])

    def _resolve(self, index: int, records: list[Record]) -> dict[int, Profile]:
        """Find or make the person behind each record (purchases 3, 4 and 12)."""
        owners: dict[int, Profile] = {}
        latest = {number: email for each in records for number, email in [each.buyer] if number and email}
        unknown = []
        for each in records:
            number, email = each.buyer
            again = self._led.get((index, each.place, email or "")) if not number else None
            owner = again or self._of_number(number)
            if owner:
                owners[each.place] = owner
            else:
                unknown.append(each)
        for each in unknown:
            number, email = each.buyer
            wanted = latest.get(number, email) if number else email
            owner = self._of_number(number) or self._of_email(wanted) or self._create(wanted)
            if number:
                owner.numbers.add(number)
            owners[each.place] = owner
        for each in records:
            number, email = each.buyer
            owner = owners[each.place]
            if email and not owner.email and not self._of_email(email):
                owner.email = email
            if not number:
                self._led[index, each.place, email or ""] = owner
        return owners

    def _of_number(self, number: str | None) -> Profile | None:
        return next((each for each in self._profiles if number in each.numbers), None)

    def _of_email(self, email: str | None) -> Profile | None:
        return next((each for each in self._profiles if email and each.email == email), None)

    def _create(self, email: str | None) -> Profile:
        self._profiles.append(Profile(email=email))
        return self._profiles[-1]


def read(place: int, delivered: dict[str, Any], excluded: frozenset[str]) -> Record | str:
    """Read a record; the code where it is rejected or skipped (purchases 1, 2, 3, 5, 8 and 9)."""
    number = delivered.get("CustomerNumber", "").strip() or None
    email = delivered.get("Email", "").strip().lower() or None
    number = None if number in ABSENT else number
    order, text = delivered.get("OrderNumber") or None, delivered["DateTime"]
    if number and not number.isdigit():
        return "malformed_number"
    if email and "@" not in email:
        if not number:
            return "invalid_email"
        email = None
    if not order and len(text) <= len("2017-01-05"):
        return "missing_time"
    if not number and not email:
        return "no_identifier"
    lines = tuple((each.get("Sku"), Decimal(each["Amount"])) for each in delivered["Lines"])
    if not lines:
        return "no_lines"
    kind = _kind(lines, excluded)
    basket = (text, delivered.get("Currency", "").upper() or "EUR", lines)
    return Record(place, order, _id(delivered, order, kind, text), kind, basket, (number, email))


def _kind(lines: tuple[Line, ...], excluded: frozenset[str]) -> str:
    counting = [amount for sku, amount in lines if sku not in excluded] or [amount for _, amount in lines]
    return "return" if min(counting) < 0 and max(counting) <= 0 else "order"


def _id(delivered: dict[str, Any], order: str | None, kind: str, text: str) -> str:
    if not order:
        return f"{delivered['ReceiptNumber']}|{delivered['Branch']}|{text}"
    if kind == "order":
        return order
    digits = "".join(each for each in text if each.isdigit())
    return f"{order}-R{digits:0<14}"


def moment(text: str) -> datetime:
    """Return the UTC moment of a local time of the merchant (purchases 5)."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZONE)
    forward = local.astimezone(UTC).astimezone(ZONE)
    if forward.replace(tzinfo=None) != local.replace(
        tzinfo=None
    ):  # in the gap: its end, the first hour that exists
        forward = forward.replace(minute=0, second=0)
    return forward.astimezone(UTC)


def _together(buyers: list[Buyer]) -> Buyer:
    """Fill what is missing; where two are named, the last one bought it, by the last number (purchases 7)."""
    numbers, emails = ([each[place] for each in buyers if each[place]] for place in (0, 1))
    number = numbers[-1] if numbers else None
    one = len(set(numbers)) <= 1 and len(set(emails)) <= 1
    return number, emails[-1] if one and emails else buyers[-1][1]


def _one_a_purchase(records: list[Record], found: Counter[str]) -> list[Record]:
    """Leave one record of each purchase: of an order number the last, of a receipt one a basket (6 and 7)."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for each in records:
        basket = () if each.is_order else each.basket
        groups.setdefault((each.order_number, each.id, basket), []).append(each)
    standing = []
    for same in groups.values():
        chosen = same[-1] if same[0].is_order else same[0]
        buyers = [each.buyer for each in same if each.basket == chosen.basket]
        standing.append(replace(chosen, buyer=_together(buyers)))
        found["collapsed"] += len(same) - 1
    baskets: Counter[tuple[Any, ...]] = Counter()
    suffixed = []
    for each in sorted(standing, key=lambda each: each.place):
        baskets[each.order_number, each.id] += 1
        rank = baskets[each.order_number, each.id]
        found["receipt_collision"] += rank > 1
        suffixed.append(replace(each, id=f"{each.id}~{rank}") if rank > 1 else each)
    return suffixed
