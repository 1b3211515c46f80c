"""Mapping screens: what fills a field is checked, tried on the last file, and saved with its author."""

from __future__ import annotations

import re
from typing import Any

import pytest

from erp_feeds.batch import Replay
from erp_feeds.codes import FileState, QuarantineCode
from erp_feeds.merchant_file import read_merchants
from erp_feeds.settings import settings
from erp_feeds.store import audit, merchant_settings, queries
from erp_feeds.store.connection import lock_merchant
from integration.web.conftest import HOSTILE, SAME_ORIGIN, Ask, person
from support.shop_files import basket, export
from support.shop_fixtures import Shop

API = "/api/v1/merchants/testshop"
ONE = "/merchants/testshop/mapping"
CARD = {"extra_elements": ["Card"], "mapping": {"custom_card": {"from": "Card"}, "phone": None}}


@pytest.fixture
def mapped(filled: Shop) -> Shop:
    """The shop after a file with an element that nobody documented, and with a forgotten person in front."""
    filled.place(
        export(
            "srs_customers",
            "20170105",
            person("1002", Email="eve@example.com", City="Eden"),
            person("1001", FirstName="Ada", Phone="010", Card=f"<![CDATA[{HOSTILE}]]>"),
        )
    )
    filled.run_tasks("manual__second")
    return filled


def form(text: str) -> dict[str, Any]:
    """What a browser sends of the page's form when nothing is changed."""
    sheet = text[text.index('<form id="mapping"') :].partition("</form>")[0]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>|<select.*?</select>", sheet, re.DOTALL):
        (name,) = re.findall(r'^<\w+[^>]* name="([^"]*)"', tag)
        chosen = re.findall(r'<option(?: value="([^"]*)")? selected', tag)
        value = (re.findall(r'^<input[^>]* value="([^"]*)"', tag) or chosen or [""])[0]
        sent.setdefault(name, []).append(value)
    return sent


def row(sent: dict[str, Any], target: str) -> str:
    return next(key for key, value in sent.items() if key.startswith("target.") and value == [target])[7:]


def test_sources_are_what_files_really_carried_with_a_value_of_each(ask: Ask, mapped: Shop) -> None:
    admin = ask("admin")
    found = admin.get(f"{API}/mapping/srs_customers").json()
    rows = {each["target"]: each for each in found["rows"]}
    assert (rows["lastname"]["sources"], rows["lastname"]["origin"]) == (["infix", "last_name"], "default")
    assert (rows["number"]["origin"], rows["service"]["origin"]) == ("fixed", "not filled")
    sources = {each["name"]: each for each in found["sources"]}
    assert (sources["city"]["sample"], sources["city"]["carried"]) == ("Eden", 1)
    assert (sources["Card"]["is_new"], sources["Card"]["sample"]) == (True, HOSTILE)
    mapped.place(export("srs_customers", "20170106", person("1002", City="Eden")))
    mapped.run_tasks("manual__third")
    later = {each["name"]: each for each in admin.get(f"{API}/mapping/srs_customers").json()["sources"]}
    assert (later["Card"]["carried"], later["Card"]["sample"]) == (0, HOSTILE)  # of the file before
    text = admin.get(f"{ONE}/srs_customers").text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    lines = {each["name"]: each for each in admin.get(f"{API}/mapping/srs_purchases").json()["sources"]}
    assert (lines["sku"]["is_of_line"], lines["sku"]["sample"]) == (True, "a")
    searched = {"by": "email", "value": "eve@example.com"}
    (eve,) = admin.post(f"{API}/profile-searches", json=searched, headers=SAME_ORIGIN).json()
    forget = f"{API}/profiles/{eve['profile_id']}/forget"
    assert admin.post(forget, json={"dry_run": False}, headers=SAME_ORIGIN).status_code == 200
    assert "Eden" not in admin.get(f"{ONE}/srs_customers").text
    assert admin.get(f"{ONE}/erp_cache_customers").status_code == 404


def suggested(text: str, column: str) -> list[str]:
    """What a browser suggests while somebody types the element name of a column."""
    (field,) = re.findall(rf'<input name="element.{column}"[^>]*>', text)
    (name,) = re.findall(r' list="([^"]*)"', field)
    (found,) = re.findall(rf'<datalist id="{name}">(.*?)</datalist>', text, re.DOTALL)
    return re.findall(r'<option value="([^"]*)">', found)


def test_element_names_that_files_carry_and_nothing_reads_are_suggested(ask: Ask, mapped: Shop) -> None:
    lines = basket("R2", "0.50", number="1001").replace("<Sku>", "<Kleur>red</Kleur><Sku>", 1)
    mapped.place(
        export("srs_customers", "20170106", person("1002", Plaats="Eden", Straße="A", Wijk="W")),
        export("srs_purchases", "20170106", lines + "<Kassa>7</Kassa>"),
    )
    mapped.run_tasks("manual__names")
    admin = ask("admin")
    text = admin.get(f"{ONE}/srs_customers").text
    assert suggested(text, "city")[:4] == ["Card", "Plaats", "Straße", "Wijk"]
    assert "City" in suggested(text, "city")
    assert not {"Eden", "red", HOSTILE} & {*suggested(text, "city")}
    linked = {"extra_elements": ["Card"], "mapping": {"custom_card": {"from": "Card"}}}
    linked |= {"elements": {"city": "Plaats"}}
    saved = admin.post(f"{API}/mapping/srs_customers/revisions", json=linked, headers=SAME_ORIGIN)
    assert saved.status_code == 200
    text = admin.get(f"{ONE}/srs_customers").text
    assert suggested(text, "street")[:2] == ["Straße", "Wijk"]
    assert not {"Card", "Plaats"} & {*suggested(text, "street")}
    text = admin.get(f"{ONE}/srs_purchases").text
    assert (suggested(text, "sku")[0], suggested(text, "branch")[0]) == ("Kleur", "Kassa")
    assert "Sku" in suggested(text, "sku")
    assert "Sku" not in suggested(text, "branch")
    offered = admin.get(f"{API}/mapping/srs_purchases").json()["sources"]
    assert [each["name"] for each in offered if each["is_new"]] == ["Kassa"]


def test_a_file_with_names_of_its_own_for_the_identifiers_is_mapped_and_then_loads(
    ask: Ask, mapped: Shop
) -> None:
    own = "<Klantnummer>7</Klantnummer><Mail>own@example.com</Mail>"
    mapped.place(export("srs_customers", "20170107", own))
    mapped.run_tasks("manual__own")
    quarantined: Any = {"states": [FileState.QUARANTINED], "interface": "srs_customers"}
    (file,) = queries.files(mapped.store, "testshop", **quarantined)
    assert file.code == QuarantineCode.UNKNOWN_IDENTIFIERS
    admin = ask("admin")
    sources = {each["name"]: each for each in admin.get(f"{API}/mapping/srs_customers").json()["sources"]}
    found = sources["Klantnummer"]
    assert (found["sample"], found["carried"], found["is_new"]) == ("7", None, True)
    page = f"{ONE}/srs_customers"
    named = {"element.customer_number": "Klantnummer", "element.email": "Mail"}
    sent = form(admin.get(page).text) | named
    tried = admin.post(page, data={**sent, "do": "try"}, headers=SAME_ORIGIN).text
    assert "1 new, 0 changed" in tried
    assert '<td class="wrap">new</td>' in tried
    assert admin.post(page, data={**sent, "do": "save"}, headers=SAME_ORIGIN).status_code == 303
    assert 'name="since" required value="2017-01-07"' in admin.get(f"{page}?saved=1").text
    revision = merchant_settings.find(mapped.store, "testshop")
    assert revision
    mapped.merchant = merchant_settings.applied(mapped.merchant, revision)
    mapped.run_tasks("manual__again", Replay(file_ids=(file.file_id,)))
    assert queries.files(mapped.store, "testshop", **quarantined) == []
    later = {each["name"]: each for each in admin.get(f"{API}/mapping/srs_customers").json()["sources"]}
    assert (later["customer_number"]["sample"], later["customer_number"]["carried"]) == ("7", 1)


def test_a_change_is_checked_tried_saved_and_offered_for_past_days(ask: Ask, mapped: Shop) -> None:
    admin, path = ask("admin"), f"{ONE}/srs_customers"
    sent = form(admin.get(path).text)

    def post(do: str, **changed: Any) -> Any:
        return admin.post(path, data={**sent, **changed, "do": do}, headers=SAME_ORIGIN)

    assert "Nothing is changed." in post("check").text
    sent |= {"target.new": ["card"], "source.new": ["Card"], f"source.{row(sent, 'phone')}": ["", ""]}
    wrong = post("check", **{f"source.{row(sent, 'newsletter')}": ["newsletter", "email"]})
    assert "mapping.newsletter.join joins several elements" in wrong.text
    assert (
        "mapping.newsletter"
        in post("try", **{f"source.{row(sent, 'newsletter')}": ["newsletter", "email"]}).text
    )
    checked = post("check")
    assert "srs_customers.mapping.custom_card" in checked.text
    tried = post("try").text
    assert "profiles: 0 new, 2 changed, 0 removed" not in tried
    assert "profiles: 0 new, 1 changed, 0 removed" in tried
    assert "custom_card" in tried
    with mapped.store.transaction():
        lock_merchant(mapped.store, "testshop")  # as a load does, until its end
        busy = post("try")
        api = admin.post(f"{API}/mapping/srs_customers/dry-runs", json={}, headers=SAME_ORIGIN)
    assert "a load of this merchant is running: try again" in busy.text
    assert (api.status_code, api.json()["code"], api.headers["retry-after"]) == (503, "busy", "30")
    assert merchant_settings.find(mapped.store, "testshop") is None
    saved = post("save", message=HOSTILE)
    assert (saved.status_code, saved.headers["location"]) == (303, f"/erp-feeds{path}?saved=1#saved")
    found = merchant_settings.find(mapped.store, "testshop")
    assert found is not None
    assert (found.author, found.message, found.document["interfaces"]["srs_customers"]) == (
        "admin",
        HOSTILE,
        CARD,
    )
    after = admin.get(f"{path}?saved=1").text
    assert "Revision 1 is saved." in after
    assert 'name="since"' in after
    assert "custom_card" in form(after)["target." + row(form(after), "custom_card")]
    again = post("save")
    assert again.status_code == 422
    assert "somebody else has saved revision 1" in again.text
    actions = [each.action for each in audit.listed(mapped.store, "testshop")]
    assert {"values of a file seen", "mapping tried", "settings saved"} == {*actions}


@pytest.mark.parametrize("do", ["check", "try"])
def test_why_a_change_is_made_stays_until_it_is_saved(ask: Ask, mapped: Shop, do: str) -> None:
    admin = ask("admin")
    sent = form(admin.get(f"{ONE}/srs_customers").text)
    sent |= {"do": [do], "message": [f"their {HOSTILE} card"]}
    answer = admin.post(f"{ONE}/srs_customers", data=sent, headers=SAME_ORIGIN)
    assert 'name="message" maxlength="500" value="their &lt;script&gt;' in answer.text


def test_a_field_that_is_fixed_leads_to_where_its_element_is_named(ask: Ask, mapped: Shop) -> None:
    shown = ask("admin").get(f"{ONE}/srs_customers").text
    assert shown.count('say so under elements (<a href="#elements">below</a>)') == 2
    assert '<details id="elements"' in shown


def test_the_history_shows_each_change_and_takes_one_back(ask: Ask, mapped: Shop) -> None:
    admin = ask("admin")
    revisions = f"{API}/mapping/srs_customers/revisions"
    for body in ({**CARD, "message": HOSTILE}, {"elements": {"city": "Stad"}}):
        assert admin.post(revisions, json=body, headers=SAME_ORIGIN).status_code == 200
    refused = admin.post(revisions, json={"mapping": {"phon": None}}, headers=SAME_ORIGIN)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_settings")
    assert "did you mean 'phone'" in refused.json()["detail"]
    text = admin.get("/merchants/testshop/settings").text
    assert HOSTILE not in text
    assert text.index("Revision 2") < text.index("Revision 1")
    back = admin.post("/merchants/testshop/settings/1/revert", headers=SAME_ORIGIN)
    assert (back.status_code, back.headers["location"]) == (303, "/erp-feeds/merchants/testshop/settings")
    listed = admin.get(f"{API}/settings").json()["items"]
    assert [(each["revision"], each["message"]) for each in listed] == [
        (3, "back to revision 1"),
        (2, ""),
        (1, HOSTILE),
    ]
    assert {change["place"] for change in listed[0]["changes"]} == {
        "srs_customers.elements.city",
        "srs_customers.extra_elements",
        "srs_customers.mapping.custom_card",
        "srs_customers.mapping.phone",
    }
    tried = {"mapping": {"city": {"from": "email"}}}
    dry_run = admin.post(f"{API}/mapping/srs_customers/dry-runs", json=tried, headers=SAME_ORIGIN).json()
    assert dry_run["tables"]["profiles"]["fields"] == {"city": 1}


def test_a_merchant_whose_file_keeps_the_settings_gets_yaml_to_commit(ask: Ask, filled: Shop) -> None:
    admin, path = ask("admin"), "/merchants/completejourney/mapping/srs_customers"
    text = admin.get(path).text
    assert "completejourney.yaml" in text
    sent = form(text)
    assert ">Save<" not in text
    sent |= {f"empty.{row(sent, 'city')}": ["clear"], "element.city": ["Plaats"]}
    shown = admin.post(path, data={**sent, "do": "check"}, headers=SAME_ORIGIN).text
    assert "city: Plaats" in shown
    assert "empty: clear" in shown
    refused = admin.post(path, data={**sent, "do": "save"}, headers=SAME_ORIGIN)
    assert refused.status_code == 422
    assert "are in its file" in refused.text
    assert {each.name: each.settings for each in read_merchants(settings().merchants)[0]} == {
        "completejourney": "file",
        "testshop": "store",
    }
