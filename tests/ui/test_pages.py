"""The pages in a real browser, inside Airflow's own: looked at, clicked, by keyboard, in light and dark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from erp_feeds.operations import incidents
from erp_feeds.store import queries
from integration.web.conftest import person
from support.shop_files import export
from support.shop_fixtures import Shop
from ui.conftest import Browse

pytestmark = pytest.mark.timeout(600)
HERE = "/erp-feeds/merchants/testshop"


def accessible(page: Page) -> None:
    """Fail where axe finds something serious."""
    found = Axe().run(page).response["violations"]
    serious = [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
    assert serious == [], page.url


def ids(shop: Shop) -> tuple[int, int]:
    customers = queries.files(shop.store, "testshop", interface="srs_customers")[0].file_id
    profile = queries.profile(shop.store, "testshop", srs="1001")
    assert profile is not None
    return customers, profile.profile_id


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_reads_well_in_light_and_dark(browse: Browse, filled: Shop, dark: bool) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    file_id, profile_id = ids(filled)
    paths = (
        "",
        "/files",
        f"/files/{file_id}",
        f"/files/{file_id}/records/2",
        "/rejects",
        "/charts",
        "/mapping/srs_customers",
        "/mapping/srs_purchases",
        "/settings",
        "/runs/manual__first",
        "/profiles",
        f"/profiles/{profile_id}",
        "/accounts",
        "/account?number=100001",
        "/audit",
        "/connection",
        "/apps",
    )
    page = browse("admin", "/erp-feeds/", dark=dark)
    accessible(page)
    page.goto("/erp-feeds/charts")
    accessible(page)
    for path in paths:
        page.goto(HERE + path)
        assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        accessible(page)


def test_on_a_phone_nothing_that_matters_lies_beside_the_screen(browse: Browse, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    page = browse("admin", "/erp-feeds/")
    page.set_viewport_size({"width": 400, "height": 800})
    paths = ("", "/files", "/rejects", "/mapping/srs_customers", "/mapping/srs_purchases", "/connection")
    for path in ("/erp-feeds/", *(HERE + each for each in paths)):
        page.goto(path)
        hidden = "[...document.querySelectorAll('html, .scroll')].map(it => it.scrollWidth - it.clientWidth)"
        assert set(page.evaluate(hidden)) == {0}, path
        accessible(page)
    page.goto(HERE + "/rejects")
    reason = page.locator("td[data-head=Reason]").first
    assert reason.evaluate("each => getComputedStyle(each, '::before').content") == '"Reason: "'


def test_airflow_leads_to_the_pages_and_they_lead_back(browse: Browse, filled: Shop) -> None:
    page = browse("admin", "/plugin/erp-feeds")
    inside = page.frame_locator("iframe")
    inside.get_by_role("link", name="Test Shop").click()
    expect(inside.get_by_role("heading", name="Test Shop")).to_be_visible()
    page.evaluate("document.documentElement.classList.add('dark')")
    expect(inside.locator("html[data-theme=dark]")).to_be_attached()
    inside.get_by_role("link", name="DAG", exact=True).click()
    page.wait_for_url("**/dags/testshop")
    page.get_by_role("link", name="ERP feed", exact=True).click()
    expect(page.frame_locator("iframe").get_by_role("heading", name="Test Shop")).to_be_visible()


def test_a_viewer_is_offered_nothing_that_is_refused(browse: Browse, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    page = browse("viewer", HERE)
    for name in ("Replay", "Dry run", "Dismiss"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    for name in ("Profiles", "Accounts", "Mapping", "Audit"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    page.get_by_role("link", name="Rejects").click()
    expect(page.get_by_role("cell", name="malformed_number")).to_be_visible()


def test_nobody_is_sent_to_the_login(browse: Browse, filled: Shop) -> None:
    page = browse("", HERE)
    page.wait_for_url("**/auth/login**")


def test_a_reject_is_replayed_by_clicking_as_whoever_clicks(browse: Browse, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    page = browse("admin", "/erp-feeds/")
    page.get_by_role("link", name="Test Shop").click()
    page.get_by_role("link", name="Rejects").click()
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.locator("mark")).to_have_text("<CustomerNumber>1.23E+05</CustomerNumber>")
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("heading", name="Files of a run")).to_be_visible()
    run = _latest_run("testshop")
    assert run.run_id.startswith("replay__")
    assert run.triggering_user_name == "admin"
    assert list(run.conf) == ["replay_file_ids"]


def test_the_good_records_of_a_file_with_too_many_rejects_are_loaded_by_clicking(
    browse: Browse, filled: Shop
) -> None:
    filled.place(
        export("srs_customers", "20170105", *(person(each) for each in ("7", "1.23E+05", "1.24E+05"))),
        minute=2,
    )
    strict = {
        name: each.model_copy(update={"max_reject_percent": 50})
        for name, each in filled.merchant.interfaces.items()
    }
    filled.merchant = filled.merchant.model_copy(update={"interfaces": strict})
    filled.run_tasks("manual__second")
    page = browse("admin", f"{HERE}/files?state=quarantined")
    page.get_by_role("link", name="TestShop_SRS_Customers_20170105.zip").click()
    page.get_by_role("button", name="Load the good records, without the 2 rejected ones").click()
    expect(page.get_by_role("heading", name="Files of a run")).to_be_visible()
    assert _latest_run("testshop").triggering_user_name == "admin"
    approved = "SELECT name, approved_by, approved_rejects FROM files WHERE approved_by IS NOT NULL"
    assert filled.store.execute(approved).fetchall() == [("TestShop_SRS_Customers_20170105.zip", "admin", 2)]


def test_a_person_is_found_by_keyboard_and_forgotten_after_a_look(browse: Browse, filled: Shop) -> None:
    page = browse("admin", f"{HERE}/profiles")
    page.get_by_label("Value").focus()
    page.keyboard.type("1001")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=str(ids(filled)[1]), exact=True).click()
    expect(page.get_by_role("heading", name="External identifiers")).to_be_visible()
    page.get_by_role("button", name="Show what that would erase").click()
    page.get_by_role("button", name="Forget this person for good").click()
    expect(page.get_by_role("heading", name="The person is forgotten")).to_be_visible()
    assert queries.profile(filled.store, "testshop", srs="1001") is None


def test_merchants_are_searched_while_typing(browse: Browse, filled: Shop) -> None:
    page = browse("admin", "/erp-feeds/")
    expect(page.get_by_role("link", name="The Complete Journey")).to_be_visible()
    page.get_by_label("Search").press_sequentially("tests")
    expect(page.get_by_role("link", name="The Complete Journey")).to_have_count(0)
    expect(page.get_by_role("link", name="Test Shop")).to_be_visible()


def _latest_run(dag_id: str) -> Any:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return session.scalars(
            select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc())
        ).first()
