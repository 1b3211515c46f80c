"""The mapping screens in a real browser: by keyboard, checked while typing, tried and saved."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from integration.web.test_mapping import mapped  # noqa: F401 - a fixture
from support.shop_fixtures import Shop
from ui.conftest import Browse
from ui.test_pages import HERE, accessible

pytestmark = pytest.mark.timeout(600)


def shot(page: Page, name: str) -> None:
    """Keep a picture where the environment names a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize("dark", [False, True])
def test_a_custom_field_is_added_tried_and_saved_by_keyboard(
    browse: Browse,
    mapped: Shop,  # noqa: F811 - the fixture
    dark: bool,
) -> None:
    page = browse("admin", f"{HERE}/mapping/srs_customers", dark=dark)
    shot(page, f"mapping-{dark}")
    page.get_by_label("Name of the new custom field").focus()
    page.keyboard.type("card")
    page.keyboard.press("Tab")
    page.keyboard.type("Card")
    page.keyboard.press("Tab")
    expect(page.locator("#verdict")).to_contain_text("srs_customers.mapping.custom_card")
    page.get_by_label("joined with, 1 of newsletter").select_option("email")
    expect(page.locator("#verdict")).to_contain_text("joins several elements")
    accessible(page)
    page.get_by_label("joined with, 1 of newsletter").select_option("")
    expect(page.locator("#verdict")).to_contain_text("Not saved yet")
    page.get_by_role("button", name="Try on the latest file").press("Enter")
    expect(page.locator("#tried")).to_contain_text("custom_card: 1 changed")
    accessible(page)
    shot(page, f"tried-{dark}")
    page.get_by_label("Why, for the history").fill("the loyalty card")
    page.get_by_role("button", name="Save").press("Enter")
    page.wait_for_url("**saved=1#saved")
    expect(page.get_by_role("button", name="Replay")).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("the loyalty card")).to_be_visible()
    accessible(page)
    for name in ("charts", "mapping/srs_purchases", "settings"):
        page.goto(f"{HERE}/{name}")
        shot(page, f"{name.replace('/', '-')}-{dark}")
