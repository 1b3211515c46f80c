"""Connection and Apps in a real browser: a check, an account whose password is shown once, an app enabled."""

from __future__ import annotations

import ftplib
import ssl
from pathlib import Path

import pytest
from playwright.sync_api import expect

from erp_feeds.demo.certificates import Certificates
from integration.web.test_connection import hosted  # noqa: F401 - a fixture
from support.shop_fixtures import Shop
from ui.conftest import Browse
from ui.test_pages import HERE, accessible

pytestmark = pytest.mark.timeout(900)


def test_an_account_is_made_by_keyboard_and_its_password_shown_once(
    browse: Browse,  # before the connection leads elsewhere: it has files loaded
    hosted: Path,  # noqa: F811 - the fixture
    ftps_certificates: Certificates,
) -> None:
    page = browse("admin", f"{HERE}/connection")
    page.get_by_role("button", name="Create the account").focus()
    page.keyboard.press("Enter")
    shown = page.locator(".once")
    expect(shown).to_be_visible()
    password = shown.inner_text()
    accessible(page)
    client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=str(ftps_certificates.ca)), timeout=120)
    client.connect(page.locator("dd").nth(2).inner_text(), int(page.locator("dd").nth(3).inner_text()))
    client.login("testshop", password)
    client.quit()
    page.get_by_label("The current password").select_option("24")
    page.get_by_role("button", name="New password").click()
    expect(page.get_by_text("still good until")).to_be_visible()
    assert page.locator(".once").inner_text() != password
    page.get_by_role("link", name="Connection").click()
    expect(page.locator(".once")).to_have_count(0)
    page.get_by_role("button", name="Disable the account").click()
    expect(page.get_by_role("button", name="Open the account again")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_a_check_shows_its_findings_below_the_button(browse: Browse, filled: Shop, dark: bool) -> None:
    page = browse("admin", f"{HERE}/connection", dark=dark)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("cell", name="archive", exact=True)).to_be_visible()
    accessible(page)
    page.goto(f"{HERE}/apps")
    page.get_by_role("button", name="Make the folder srs").click()
    expect(page.get_by_text("SRS is enabled")).to_be_visible()
    accessible(page)


def test_a_viewer_sees_the_connection_and_no_button(browse: Browse, filled: Shop) -> None:
    page = browse("viewer", f"{HERE}/connection")
    expect(page.get_by_role("heading", name="Where each file goes")).to_be_visible()
    page.get_by_role("link", name="Apps").click()
    expect(page.get_by_role("heading", name="SRS", exact=True)).to_be_visible()
    for path in ("/connection", "/apps"):
        page.goto(HERE + path)
        expect(page.get_by_role("button")).to_have_count(0)
    page = browse("", f"{HERE}/connection")
    page.wait_for_url("**/auth/login**")
