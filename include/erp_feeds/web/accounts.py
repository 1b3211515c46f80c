"""Accounts: what a price request gets, also for a shop with its own token; unusual debtors."""

from __future__ import annotations

from typing import Annotated

import psycopg
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, HTTPException, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from erp_feeds.errors import FailError
from erp_feeds.records.invoice_graph import InvoiceGraph
from erp_feeds.store import audit, queries, tokens
from erp_feeds.store.rows import Account
from erp_feeds.web.connections import Store, connect
from erp_feeds.web.guards import Caller, MerchantName, PeopleEditor, Right
from erp_feeds.web.routes import Routes

Number = Annotated[str, Path(min_length=1, max_length=200, examples=["100001"])]
Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, scheme_name="AccountToken"))
]


async def _person(request: Request, merchant: MerchantName, bearer: Bearer) -> Caller | None:
    """Return who asks; None: a machine, with a token of ours."""
    if bearer and bearer.credentials.startswith(tokens.PREFIX):
        return None
    user = await get_user(request, None, bearer)
    return Caller(user.get_name(), merchant, request, user)


def price_request(
    merchant: MerchantName,
    number: Number,
    bearer: Bearer,
    person: Annotated[Caller | None, Depends(_person)],
) -> Account:
    """Return what a price request for an account gets: price list, delivery, discount, cash-back."""
    # A shop asks this while somebody waits: one function, one thread, one connection.
    if person and not person.may(Right.PEOPLE):
        raise person.refusal(Right.PEOPLE)
    with connect() as store:
        if person:
            audit.note(store, person.name, merchant, "account seen", f"account {number}")
        elif not bearer or not tokens.is_good(store, bearer.credentials, merchant):
            raise HTTPException(403, f"this token does not open the accounts of {merchant}")
        return _account(store, merchant, number)


def account(
    caller: PeopleEditor, store: Store, number: Annotated[str, Query(min_length=1, max_length=200)]
) -> Account:
    """Return an account, for the page."""
    audit.note(store, caller.name, caller.merchant, "account seen", f"account {number}")
    return _account(store, caller.merchant, number)


def debtors(
    caller: PeopleEditor, store: Store, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> InvoiceGraph:
    """List unusual invoice debtors: self references, chains, cycles, unknown ones; none is followed."""
    return queries.invoice_graph(store, caller.merchant, limit)


def _account(store: psycopg.Connection, merchant: str, number: str) -> Account:
    found = queries.account(store, merchant, number)
    if found is None:
        raise FailError(f"{merchant} has no account {number}", "not_found")
    return found


ACCOUNT = {
    "account_number": "100001",
    "price_list_name": "WHOLESALE",
    "own_price_list_name": "RETAIL",
    "invoice_to": "100000",
    "debtor": "100000",
    "note": None,
    "delivery_scheme_code": None,
    "discount_percentage": "2.50",
    "cumulative_sales_volume": "1234.50",
    "cash_back": "12.00",
    "cash_back_calculate_to_date": "2026-01-31",
    "file": "TestShop_ErpCache_Customers_20260131060000.zip",
    "file_id": 7,
    "record": 1,
    "updated_at": "2026-01-31T06:00:07Z",
}


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    routes.get("/accounts/{merchant}/{number:path}", price_request, example=ACCOUNT, tag="Accounts")
    path = "/merchants/{merchant}"
    odd: dict[str, object] = {
        "counts": {},
        "cycles": [],
        "chains": [],
        "unknown_debtors": [],
        "self_references": [],
    }
    routes.get(path + "/invoice-debtors", debtors, example=odd, tag="Accounts")
    routes.pages.get(path + "/accounts")(routes.page(debtors, "accounts.html"))
    routes.pages.get(path + "/account")(routes.page(account, "account.html"))
