"""People: found by number, address, phone or name; what set each field; orders and returns; forgetting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
from fastapi import Depends, Form, Path, Request, Response
from pydantic import BaseModel, Field

from erp_feeds.columns.convert import ZONE
from erp_feeds.columns.meanings import MEANINGS
from erp_feeds.errors import FailError
from erp_feeds.interfaces import known_interfaces
from erp_feeds.operations import erasure
from erp_feeds.store import audit, queries
from erp_feeds.store.rows import Identifier, Profile, ProfileField, Purchase, PurchaseLine
from erp_feeds.web.configuration import configured, good_or_none
from erp_feeds.web.connections import Store
from erp_feeds.web.guards import PeopleEditor
from erp_feeds.web.rendering import page
from erp_feeds.web.routes import Routes

MOST = 50
ProfileId = Annotated[int, Path(ge=1, le=2**62, examples=[12])]


class SearchField(StrEnum):
    """What a person is searched by."""

    NUMBER = "srs"
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"


HINTS = {
    SearchField.NUMBER: "A number counts with the zeros before it: 03002 and 3002 are two people.",
    SearchField.EMAIL: "The whole address is compared, whatever the case.",
    SearchField.PHONE: "The whole number is compared, with or without its country code as the file has it.",
    SearchField.NAME: "A last name begins with its infix: van Dijk, and not Dijk.",
}
"""What to try next where nobody was found."""


class Search(BaseModel):
    """Search terms; sent in the body, since URLs are logged."""

    by: SearchField
    value: str = Field(min_length=1, max_length=200)

    model_config = {"json_schema_extra": {"examples": [{"by": "srs", "value": "100001"}]}}


class Forgetting(BaseModel):
    """Whether a person is forgotten, or it is only shown what that would erase."""

    dry_run: bool = Field(default=True, examples=[True])


@dataclass(frozen=True)
class PurchaseWithLines:
    """An order or return with its lines, and the returns of that order."""

    purchase: Purchase
    lines: list[PurchaseLine]
    returns: list[PurchaseWithLines]


@dataclass(frozen=True)
class ProfilePage:
    """One person, as the store knows the person."""

    profile: Profile
    fields: list[ProfileField]
    purchases: list[PurchaseWithLines]
    """The latest first; a return stands at its order, where that is among them."""
    identifiers: list[Identifier]


def search(caller: PeopleEditor, store: Store, wanted: Search) -> list[Profile]:
    """Find people by customer number, e-mail address, phone number, or the beginning of a name."""
    audit.note(store, caller.name, caller.merchant, "profiles searched", f"by {wanted.by}")
    value = wanted.value.strip()
    if wanted.by == SearchField.PHONE:
        return queries.people(store, caller.merchant, phones=_spellings(value), limit=MOST)
    if wanted.by == SearchField.NAME:
        return queries.people(store, caller.merchant, name=value, limit=MOST)
    found = queries.profile(store, caller.merchant, **{wanted.by.value: value})  # type: ignore[arg-type]
    return [found] if found else []


def _spellings(phone: str) -> list[str]:
    """Return a phone number as it was typed, as a load writes it, and without its hyphens."""
    (written,) = MEANINGS["phone"](pa.array([phone], pa.string())).to_pylist()
    return [phone, *([written, written.replace("-", "")] if written else [])]


def profile(caller: PeopleEditor, store: Store, profile_id: ProfileId) -> ProfilePage:
    """Return a person: what set each field, orders and returns, external identifiers and what linked them."""
    found = queries.profile(store, caller.merchant, profile_id=profile_id)
    if found is None:
        raise FailError(f"{caller.merchant} has no profile {profile_id}", "not_found")
    audit.note(store, caller.name, caller.merchant, "profile seen", f"profile {profile_id}")
    return ProfilePage(
        found,
        queries.profile_fields(store, caller.merchant, profile_id),
        _baskets(store, caller.merchant, profile_id),
        queries.identifiers(store, caller.merchant, profile_id),
    )


def receipt_time(bought: Purchase, timezone: str | None) -> str:
    """Return when a purchase was made as the receipt says it; in UTC where nobody knows the merchant's zone.

    A clerk compares it with the receipt, which also has times that clocks left out (rule: purchases 5).
    """
    written = bought.local_time or ""
    if timezone and written and not (len(written) > 10 and re.search(f"(?:{ZONE})$", written)):
        return written[:19].replace("T", " ")
    at = bought.occurred_at
    return f"{at.astimezone(ZoneInfo(timezone or 'UTC')):%Y-%m-%d %H:%M:%S}" if at else written


def forget(caller: PeopleEditor, store: Store, profile_id: ProfileId, body: Forgetting) -> erasure.Receipt:
    """Forget a person for good, or show what that would erase."""
    names = queries.identifiers(store, caller.merchant, profile_id)
    found = queries.profile(store, caller.merchant, profile_id=profile_id)
    numbers = [erasure.PersonQuery("srs", each.value) for each in names if each.type == "srs"]
    addresses = [erasure.PersonQuery("email", found.email)] if found and found.email else []
    if not numbers and not addresses:
        raise FailError(f"{caller.merchant} has no profile {profile_id}", "not_found")
    interfaces = known_interfaces(configured(caller.merchant))
    named = (numbers + addresses)[0]
    action = "forget tried" if body.dry_run else "person forgotten"
    audit.note(store, caller.name, caller.merchant, action, f"profile {profile_id}")
    return erasure.forget(store, caller.merchant, named, interfaces, dry_run=body.dry_run)


def _baskets(store: psycopg.Connection, merchant: str, profile_id: int) -> list[PurchaseWithLines]:
    bought = queries.purchases(store, merchant, profile_id=profile_id, limit=MOST)
    lines = queries.lines(store, merchant, [each.purchase_id for each in bought])
    baskets = {
        each.purchase_id: PurchaseWithLines(each, lines.get(each.purchase_id, []), []) for each in bought
    }
    alone: list[PurchaseWithLines] = []
    for each in baskets.values():
        order = baskets.get(each.purchase.return_of or "")
        (order.returns if order else alone).append(each)
    return alone


def _search_form(request: Request, _: PeopleEditor) -> Response:
    return page(request, "profiles.html", {"found": None, "wanted": None})


def _search_page(
    request: Request, caller: PeopleEditor, store: Store, wanted: Annotated[Search, Form()]
) -> Response:
    found = search(caller, store, wanted)
    return page(request, "profiles.html", {"found": found, "wanted": wanted, "hint": HINTS[wanted.by]})


def _profile_page(
    request: Request, caller: PeopleEditor, found: Annotated[ProfilePage, Depends(profile)]
) -> Response:
    owner = good_or_none(caller.merchant)
    zone = owner.timezone if owner else None
    values = {"found": found, "zone": zone or "UTC", "receipt_time": lambda each: receipt_time(each, zone)}
    return page(request, "profile.html", values)


def _forget_page(
    request: Request,
    *,
    caller: PeopleEditor,
    store: Store,
    profile_id: ProfileId,
    body: Annotated[Forgetting, Form()],
) -> Response:
    person = queries.profile(store, caller.merchant, profile_id=profile_id) if body.dry_run else None
    found = forget(caller, store, profile_id, body)
    return page(request, "forget.html", {"found": found, "profile_id": profile_id, "person": person})


PROFILE = {
    "profile_id": 12,
    "email": "jane@example.com",
    "firstname": "Jane",
    "lastname": "Doe",
    "gender": "F",
    "birthdate": "1980-02-29",
    "phone": "+31612345678",
    "postcode": "1011 AB",
    "city": "Amsterdam",
    "country": "NL",
    "language": None,
    "currency": None,
    "newsletter": True,
    "service": None,
    "marketing": None,
    "custom": {"custom_srs_customer_number": "100001"},
    "mapping_version": "2f1a",
    "file": "TestShop_SRS_Customers_20260131060000.zip",
    "record": 1,
    "created_at": "2026-01-31T06:00:07Z",
    "updated_at": "2026-01-31T06:00:07Z",
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}/profiles"
    one = path + "/{profile_id}"
    routes.post("/merchants/{merchant}/profile-searches", search, example=[PROFILE], tag="Profiles")
    routes.pages.get(path)(_search_form)
    routes.pages.post(path)(_search_page)
    whole = {"profile": PROFILE, "fields": [], "purchases": [], "identifiers": []}
    routes.get(one, profile, example=whole, tag="Profiles")
    routes.pages.get(one)(_profile_page)
    receipt = {"merchant": "testshop", "dry_run": True, "erased": {"profiles": 1}, "originals": []}
    routes.post(one + "/forget", forget, example=receipt, tag="Profiles")
    routes.pages.post(one + "/forget")(_forget_page)
