"""Pages say at once that an inbox is not scanned, long before that is an incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from erp_feeds.codes import IncidentKind
from erp_feeds.store import inbox_scans, incidents
from erp_feeds.store.incidents import Cause
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


@pytest.mark.parametrize("person", ["viewer", "admin"])
def test_of_what_is_open_the_most_urgent_comes_first(ask: Ask, filled: Shop, person: str) -> None:
    """A reject that is open for weeks does not hide that no file comes any more."""
    now = datetime.now(UTC)
    incidents.update(filled.store, "testshop")
    for kind, interface in ((IncidentKind.LATE, "srs_purchases"), (IncidentKind.MISSING, "srs_customers")):
        cause = Cause(interface, kind, "", 1, now)
        incidents.update(filled.store, "testshop", [cause])
        opened = now - timedelta(days=1)
        filled.store.execute("UPDATE incidents SET opened_at = %s WHERE kind = %s", [opened, kind])
        filled.store.commit()
        known = [each["kind"] for each in ask(person).get("/api/v1/merchants/testshop").json()["open"]]
        assert known == ["quarantined", kind, "rejected"]
    incidents.update(filled.store, "testshop", [Cause(None, IncidentKind.UNREACHABLE, "", 1, now)])
    incidents.task_failed(filled.store, "testshop", Cause(None, IncidentKind.FAILED_TASK, "load", 1, now))
    found = ask(person).get("/api/v1/merchants/testshop").json()["open"]
    assert [each["kind"] for each in found] == ["unreachable", "failed_task", "quarantined", "rejected"]
    row = ask(person).get("/").text
    assert f'<span class="bad">{found[0]["headline"]}</span>' in row
    assert "and 3 more" in row
