"""Customers 1 to 10 in plain Python, record by record: what the store must hold, whatever files have come.

Slow and simple on purpose, without any code of the product: two independent readings of docs/rules.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Text = str | None
"""What a record says of one field: None where the element is missing, "" where it is empty."""

FIELDS = {"FirstName": "firstname", "City": "city"}
CLEARED_WHEN_EMPTY = {"city"}


@dataclass
class Record:
    """A record of a file that identifies somebody."""

    place: int
    number: str | None
    email: str | None
    said: dict[str, str]


@dataclass(eq=False)
class Profile:
    """A person; each value with the index of the file that brought it."""

    numbers: set[str] = field(default_factory=set)
    email: str | None = None
    email_index: int = 0
    values: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Warnings:
    """How often a file was warned of."""

    email_owned_by_other: int
    no_email: int


Person = tuple[frozenset[str], str | None, str | None, str | None]
"""Numbers, address, first name, city."""


class Customers:
    """The profiles of one merchant."""

    def __init__(self) -> None:
        self._profiles: list[Profile] = []

    def people(self) -> set[Person]:
        """Everybody; no two are alike, since each has a number or an address of its own."""
        found = {
            (frozenset(each.numbers), each.email, *(_value(each, name) for name in FIELDS.values()))
            for each in self._profiles
        }
        assert len(found) == len(self._profiles)
        return found

    def load(self, index: int, delivered: list[dict[str, str]]) -> Warnings:
        """Take a file in: first the known numbers move, then the others are looked up (customers 9)."""
        records = [record for place, each in enumerate(delivered) if (record := _read(place, each))]
        latest = _latest_addresses(records)
        known = {record.place: owner for record in records if (owner := self._of_number(record.number))}
        refused = self._move(index, records, known)
        silent = 0
        of_record = dict(known)
        for record in records:
            if record.place not in known:
                email = latest.get(record.number, record.email) if record.number else record.email
                owner = self._of_number(record.number) or self._of_email(email)
                silent += record.number is not None and email is None and owner is None
                of_record[record.place] = owner or self._create(email)
                if record.number:
                    of_record[record.place].numbers.add(record.number)
        for record in records:
            _fill(of_record[record.place], index, record)
        return Warnings(refused, silent)

    def _of_number(self, number: str | None) -> Profile | None:
        return next((each for each in self._profiles if number in each.numbers), None)

    def _of_email(self, email: str | None) -> Profile | None:
        return next((each for each in self._profiles if email and each.email == email), None)

    def _create(self, email: str | None) -> Profile:
        self._profiles.append(Profile(email=email))
        return self._profiles[-1]

    def _move(self, index: int, records: list[Record], known: dict[int, Profile]) -> int:
        """Give the known their new addresses; return how many do not get theirs (customers 5 and 9)."""
        last = {known[each.place]: each for each in records if each.place in known and each.email}
        wanting = [
            profile
            for profile in sorted(last, key=lambda profile: last[profile].place)
            if profile.email != last[profile].email
            and (profile.email is None or profile.email_index <= index)
        ]
        moving = list(wanting)
        while stuck := [each for each in moving if self._is_taken(each, last, moving)]:
            moving.remove(stuck[-1])
        for profile in moving:
            profile.email = last[profile].email
        return len(wanting) - len(moving)

    def _is_taken(self, profile: Profile, last: dict[Profile, Record], moving: list[Profile]) -> bool:
        """Whether, if all these move, somebody stays at the wanted address or an earlier record wants it."""
        wanted = last[profile].email
        stays = any(each.email == wanted and each not in moving for each in self._profiles)
        earlier = moving[: moving.index(profile)]
        return stays or any(last[each].email == wanted for each in earlier)


def _read(place: int, delivered: dict[str, str]) -> Record | None:
    """Read a record; None where it is rejected or skipped (customers 4, 7 and 8)."""
    number: str | None = delivered.get("CustomerNumber", "").strip()
    if number in {"", "0", "000", "-1"}:
        number = None
    if number and not number.isdigit():
        return None
    email: str | None = delivered.get("Email", "").strip().lower()
    if not email or "@" not in email:
        email = None
    if not number and not email:
        return None
    said = {name: delivered[element] for element, name in FIELDS.items() if element in delivered}
    return Record(place, number, email, said)


def _latest_addresses(records: list[Record]) -> dict[str, str]:
    """Keep of each number its last address; those before it count for nothing (customers 6)."""
    latest: dict[str, str] = {}
    for record in records:
        if record.number and record.email:
            latest[record.number] = record.email
    for record in records:
        if record.number in latest and record.email != latest[record.number]:
            record.email = None
    return latest


def _fill(profile: Profile, index: int, record: Record) -> None:
    """Lay a record over its profile; an older file leaves what a newer one brought (customers 10)."""
    for name, text in record.said.items():
        brings = text or name in CLEARED_WHEN_EMPTY
        if brings and profile.values.get(name, (0, ""))[0] <= index:
            profile.values[name] = (index, text)
    if record.email and record.email == profile.email:
        profile.email_index = max(profile.email_index, index)


def _value(profile: Profile, name: str) -> str | None:
    return profile.values.get(name, (0, ""))[1] or None
