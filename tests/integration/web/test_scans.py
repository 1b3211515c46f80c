"""Pages say at once that an inbox is not scanned, long before that is an incident."""

from __future__ import annotations

import pytest

from erp_feeds.store import inbox_scans
from integration.web.conftest import Ask
from support.shop_fixtures import Shop

REFUSED = "login refused ('530 Authentication failed.'): correct login and password of the connection"


@pytest.mark.parametrize("person", ["viewer", "admin"])
def test_a_merchant_whose_inbox_cannot_be_scanned_is_not_shown_as_good(
    ask: Ask, shop: Shop, person: str
) -> None:
    inbox_scans.succeeded(shop.store, ["testshop"])
    page, row = ask(person).get("/merchants/testshop").text, ask(person).get("/").text
    assert "The inbox was scanned at" in page
    assert "Check the connection" not in page
    assert "inbox not scanned" not in row

    inbox_scans.failed(shop.store, ["testshop"], REFUSED)
    page, row = ask(person).get("/merchants/testshop").text, ask(person).get("/").text
    assert "Nothing is open." in page
    assert "No scan of the inbox has succeeded since" in page
    assert "login refused (&#39;530 Authentication failed.&#39;)" in page
    assert '/merchants/testshop/connection#check">Check the connection</a>' in page
    assert "inbox not scanned" in row
    scan = ask(person).get("/api/v1/merchants/testshop").json()["scan"]
    assert scan["state"] == "wrong"
    assert REFUSED in scan["text"]
