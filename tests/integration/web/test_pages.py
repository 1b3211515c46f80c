"""What the pages and the API answer, to whom, and what they keep of it."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from erp_feeds.cli.incidents import incidents as listed_incidents
from erp_feeds.codes import IncidentCode, QuarantineCode, RejectCode
from erp_feeds.operations import incidents
from erp_feeds.settings import INCLUDE
from erp_feeds.store import audit, tokens
from erp_feeds.web import connections, rejects
from integration.web.conftest import HOSTILE, SAME_ORIGIN, Ask
from support.shop_files import basket, export
from support.shop_fixtures import Shop

API = "/api/v1"
ONE = "/merchants/testshop"
OPEN_TO_READERS = (
    ONE,
    f"{ONE}/files",
    f"{ONE}/files/FILE",
    f"{ONE}/rejects",
    f"{ONE}/runs/manual__first",
    f"{ONE}/charts",
    f"{ONE}/connection",
    f"{ONE}/apps",
)
OF_PEOPLE = (
    f"{ONE}/audit",
    f"{ONE}/profiles/PERSON",
    f"{ONE}/files/FILE/records/1",
    f"{ONE}/files/FILE/original",
    f"{ONE}/mapping/srs_customers",
    f"{ONE}/settings",
)
PAGES_OF_PEOPLE = (f"{ONE}/profiles", f"{ONE}/accounts", f"{ONE}/account?number=100001")
API_OF_PEOPLE = (f"{ONE}/invoice-debtors", "/accounts/testshop/100001")
CHANGES = (
    (f"{ONE}/replays", {"file_ids": [1]}),
    (f"{ONE}/files/FILE/approve", {"rejects": 1}),
    (f"{ONE}/incidents/1/dismiss", {"reason": "x"}),
    (f"{ONE}/incidents/1/reopen", {}),
    (f"{ONE}/profile-searches", {"by": "srs", "value": "1001"}),
    (f"{ONE}/profiles/PERSON/forget", {"dry_run": True}),
    (f"{ONE}/mapping/srs_customers/checks", {}),
    (f"{ONE}/mapping/srs_customers/dry-runs", {}),
    (f"{ONE}/mapping/srs_customers/revisions", {"mapping": {"phone": None}}),
    (f"{ONE}/settings/1/revert", {}),
    (f"{ONE}/connection/checks", {}),
    (f"{ONE}/connection/account/create", {}),
    (f"{ONE}/connection/account/rotate", {}),
    (f"{ONE}/connection/account/disable", {}),
    (f"{ONE}/apps/srs/enable", {}),
)
PAGE_CHANGES = (
    f"{ONE}/replays",
    f"{ONE}/files/FILE/approve",
    f"{ONE}/incidents/1/dismiss",
    f"{ONE}/incidents/1/reopen",
    f"{ONE}/profiles",
    f"{ONE}/profiles/PERSON/forget",
    f"{ONE}/mapping/srs_customers",
    f"{ONE}/settings/1/revert",
    *(path for path, _ in CHANGES[-5:]),
)


def scalar(shop: Shop, query: str) -> Any:
    row = shop.store.execute(query).fetchone()  # type: ignore[arg-type]  # texts of this file
    shop.store.commit()
    assert row is not None
    return row[0]


@pytest.fixture
def named(filled: Shop) -> Any:
    """Return what puts the ids of the store into a path."""
    file_id = scalar(filled, "SELECT min(file_id) FROM files WHERE interface = 'srs_customers'")
    profile_id = scalar(filled, "SELECT min(profile_id) FROM profiles")
    return lambda path: path.replace("FILE", str(file_id)).replace("PERSON", str(profile_id))


def test_who_may_what(ask: Ask, named: Any) -> None:
    """Every route that the API and the pages list, as each kind of person."""
    admin, viewer, stranger, nobody = (ask(name) for name in ("admin", "viewer", "stranger", ""))
    for path in (*OPEN_TO_READERS, *(f"{API}{each}" for each in OPEN_TO_READERS)):
        asked = named(path)
        assert admin.get(asked).status_code == 200, asked
        assert viewer.get(asked).status_code == 200, asked
        assert stranger.get(asked).status_code == 403, asked
    closed = (*OF_PEOPLE, *PAGES_OF_PEOPLE, *(f"{API}{each}" for each in (*OF_PEOPLE, *API_OF_PEOPLE)))
    for path in closed:
        asked = named(path)
        assert admin.get(asked).status_code == 200, asked
        assert viewer.get(asked).status_code == 403, asked
        assert stranger.get(asked).status_code == 403, asked
    everything = (*OPEN_TO_READERS, *OF_PEOPLE)
    for path in (*everything, *API_OF_PEOPLE, "/merchants", "/charts"):
        refused = nobody.get(named(f"{API}{path}"))
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    for path in (*everything, *PAGES_OF_PEOPLE, "/", "/charts", "/runbook"):
        away = nobody.get(named(path))
        assert away.status_code == 303, path
        assert away.headers["location"].startswith("/api/v2/auth/login?next=%2Ferp-feeds%2F"), path


def test_the_runbook_has_an_anchor_for_each_code_that_an_alert_links_to(ask: Ask) -> None:
    shown = ask("stranger").get("/runbook").text
    codes = [code for kind in (QuarantineCode, RejectCode, IncidentCode) for code in kind]
    assert all(f'<h3 id="{code}">' in shown for code in codes)


def test_every_route_is_in_the_table_above(ask: Ask) -> None:
    paths = ask("").get(f"{API}/openapi.json").json()["paths"]
    listed = {
        *OPEN_TO_READERS,
        *OF_PEOPLE,
        *API_OF_PEOPLE,
        *(path for path, _ in CHANGES),
        "/merchants",
        "/charts",
    }
    names = {
        "FILE": "{file_id}",
        "PERSON": "{profile_id}",
        "testshop": "{merchant}",
        "manual__first": "{run_id}",
    }
    names |= {
        "records/1": "records/{record}",
        "incidents/1": "incidents/{incident_id}",
        "mapping/srs_customers": "mapping/{interface}",
        "settings/1": "settings/{revision}",
        "100001": "{number}",
        "apps/srs": "apps/{app}",
    }
    known = {"".join(path) for path in listed}
    for value, name in names.items():
        known = {path.replace(value, name) for path in known}
    assert set(paths) == {f"{API}{path}" for path in known}


def test_each_example_is_an_answer_that_its_operation_may_give(ask: Ask) -> None:
    described = ask("").get(f"{API}/openapi.json").json()
    operations = [each for path in described["paths"].values() for each in path.values()]
    answers = [each["responses"]["200"]["content"].get("application/json") for each in operations]
    assert answers.count(None) == 1  # the original of a file
    for answer in filter(None, answers):
        shape = {**answer["schema"], "components": described["components"]}
        jsonschema.validate(answer["example"], shape, cls=jsonschema.Draft202012Validator)


def test_a_change_needs_the_right_and_a_page_of_this_server(ask: Ask, named: Any, filled: Shop) -> None:
    before = scalar(filled, "SELECT count(*) FROM profiles")
    for path, body in CHANGES:
        asked = named(f"{API}{path}")
        for name in ("viewer", "stranger"):
            assert ask(name).post(asked, json=body, headers=SAME_ORIGIN).status_code == 403, (path, name)
        assert ask("").post(asked, json=body, headers=SAME_ORIGIN).status_code == 401, path
    for path in (*(f"{API}{each}" for each, _ in CHANGES), *PAGE_CHANGES):
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
            {"Origin": "https://evil.example"},
            {},
            {"Authorization": "Bearer nonsense"},
        ):
            assert ask("admin").post(named(path), headers=headers).status_code == 403, (path, headers)
    assert scalar(filled, "SELECT count(*) FROM profiles") == before
    assert scalar(filled, "SELECT count(*) FROM audit_log") == 0
    search = {"by": "srs", "value": "1001"}
    for headers in (SAME_ORIGIN, {"Origin": "http://testserver"}):
        found = ask("admin").post(f"{API}{ONE}/profile-searches", json=search, headers=headers)
        assert [each["firstname"] for each in found.json()] == ["Ada"]


def test_an_answer_may_not_be_changed_cached_or_framed_elsewhere(ask: Ask, named: Any) -> None:
    for path in (ONE, named(f"{ONE}/profiles/PERSON"), f"{API}{ONE}", "/nowhere"):
        headers = ask("admin").get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert ask("admin").get(named(f"{ONE}/profiles/PERSON")).headers["cache-control"] == "no-store"
    assert ask("admin").get("/static/style.css").headers["cache-control"] == "max-age=3600"


def test_what_files_say_is_shown_and_never_run(ask: Ask, named: Any, filled: Shop) -> None:
    filled.store.execute("UPDATE files SET name = %s WHERE state = 'quarantined'", [f"a\u202e{HOSTILE}.zip"])
    filled.store.commit()
    for path in (f"{ONE}/profiles/PERSON", f"{ONE}/files/FILE/records/2", f"{ONE}/files", ONE):
        text = ask("admin").get(named(path)).text
        assert HOSTILE not in text, path
        assert "\u202e" not in text
    assert "&lt;script&gt;" in ask("admin").get(named(f"{ONE}/profiles/PERSON")).text
    assert not re.search(r"<script>|\son\w+=|style=", ask("admin").get(ONE).text)


def test_the_merchants_a_failed_one_first_with_its_next_step(ask: Ask, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    rows = ask("admin").get(f"{API}/merchants").json()["items"]
    assert [row["merchant"] for row in rows] == ["testshop", "completejourney"]
    assert (rows[0]["rejects"], rows[0]["quarantined"], rows[0]["last_run"]) == (1, 1, "manual__first")
    assert {each["code"] for each in rows[0]["open"]} == {"malformed_number", "not_a_zip"}
    assert len(rows[0]["days"]) == 30
    assert rows[0]["days"][-1]["files"] == 4
    shown = ask("admin").get("/").text
    assert shown.index("testshop") < shown.index("completejourney")
    assert "Next step" in shown
    assert [row["merchant"] for row in ask("stranger").get(f"{API}/merchants").json()["items"]] == [
        "completejourney"
    ]
    part = ask("admin").get(f"{API}/merchants", params={"limit": 1}).json()
    assert [row["merchant"] for row in part["items"]] == ["testshop"]
    rest = ask("admin").get(f"{API}/merchants", params={"cursor": part["next"]}).json()
    assert ([row["merchant"] for row in rest["items"]], rest["next"]) == (["completejourney"], None)


def test_open_rejects_are_records_and_not_their_errors(ask: Ask, filled: Shop) -> None:
    filled.store.execute(
        "INSERT INTO rejects (file_id, record, code, field, reason, run_id) "
        "SELECT file_id, record, 'missing_field', 'city', 'no city', run_id FROM rejects"
    )
    filled.store.commit()
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    rows = ask("admin").get(f"{API}/merchants").json()["items"]
    one = ask("admin").get(f"{API}{ONE}").json()
    assert [rows[0]["rejects"], one["rejects"]] == [1, 1]
    rejected = [(each["code"], each["number"]) for each in one["open"] if each["kind"] == "rejected"]
    assert rejected == [("malformed_number", 1), ("missing_field", 1)]


def test_where_airflow_asks_pages_and_commands_name_who_answers_and_lead_there(
    ask: Ask,
    filled: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "merchants"
    folder.mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    shop = yaml.safe_load((INCLUDE / "merchants" / "testshop.yaml").read_text())
    filled.store.execute(
        "UPDATE files SET state = 'quarantined', code = 'too_many_rejects' WHERE interface = 'srs_customers'"
    )
    filled.store.commit()
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    for does, actor in (("quarantine", "the sender"), ("ask", "the data engineer")):
        shop["interfaces"]["srs_customers"] = {"max_reject_percent": 10, "on_too_many_rejects": does}
        (folder / "testshop.yaml").write_text(yaml.safe_dump(shop))
        (open_now,) = (
            each
            for each in ask("admin").get(f"{API}{ONE}").json()["open"]
            if each["code"] == "too_many_rejects"
        )
        assert open_now["who_acts"] == actor
        for page in (ONE, f"{ONE}/rejects"):
            assert ('href="/required_actions"' in ask("viewer").get(page).text) is (does == "ask")
        listed_incidents("testshop", as_json=True)
        shown = {each["code"]: each["who_acts"] for each in json.loads(capsys.readouterr().out)}
        assert shown["too_many_rejects"] == actor


def test_a_merchant_says_how_much_the_store_holds(ask: Ask, filled: Shop) -> None:
    found = ask("admin").get(f"{API}{ONE}").json()
    held = {"profiles": 1, "orders": 1, "returns": 0, "lines": 2, "revenue": "1.50", "accounts": 3}
    assert (found["holdings"], found["currency"]) == (held, "EUR")
    assert "1.50 EUR" in ask("admin").get(ONE).text


def test_times_name_their_zone_since_alerts_use_that_of_the_merchant(ask: Ask, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    shown = ask("admin").get(ONE).text
    assert len(re.findall(r"since \d\d \w{3} \d\d:\d\d UTC<", shown)) == 2
    assert re.search(r"Latest file</h2>.*? \d\d \w{3} \d\d:\d\d UTC\n", shown, re.DOTALL)
    heads = re.findall("<th[^>]*>([^<]*)</th>", ask("admin").get("/").text)
    assert heads[1:3] == ["Feeds (UTC)", "Latest file (UTC)"]


def test_a_merchant_shows_what_came_and_is_not_taken(ask: Ask, filled: Shop, tmp_path: Path) -> None:
    srs = filled.inbox / "srs"
    names = ("readme.txt", "testshop_SRS_Customers_1.zip", "Elsewhere_SRS_Customers_1.zip")
    for name in (*names, "Elsewhere_SRS_Customers_2.zip", "Beside_SRS_Customers_1.zip", "late.zip.part"):
        (srs / name).write_bytes(b"x")
    filled.sense("later")
    beside = (INCLUDE / "merchants" / "testshop.yaml").read_text("utf-8")
    beside = beside.replace("name: testshop", "name: beside").replace("TestShop", "Beside")
    (tmp_path / "our-merchants" / "beside.yaml").write_text(beside, "utf-8")
    found = ask("viewer").get(f"{API}{ONE}").json()["not_taken"]
    assert [each["path"] for each in found] == [
        f"/testshop/srs/{name}" for name in (names[1], names[2], names[0])
    ]
    assert found[0]["why"].startswith("has a wrong name or folder; expected, letter for letter: /testshop/")
    assert found[1]["why"].startswith("is of the shop Elsewhere: only those of TestShop are read")
    assert found[2]["why"] == "no interface has files of such a name"
    shown = ask("viewer").get(ONE).text
    assert "taken by no run" in shown
    assert "readme.txt" in shown
    for name in names:
        (srs / name).unlink()
    (srs / "Elsewhere_SRS_Customers_2.zip").unlink()
    filled.sense("last")
    assert ask("viewer").get(f"{API}{ONE}").json()["not_taken"] == []


def test_charts_count_the_files_and_records_of_each_day(ask: Ask, filled: Shop) -> None:
    """The store says what a chart draws: a file is of the day on which a scan found it."""
    filled.store.execute(
        "UPDATE files SET first_seen_at = first_seen_at - interval '1 day' WHERE file_id = 1"
    )
    filled.store.execute(
        "UPDATE file_runs SET at = (SELECT first_seen_at FROM files WHERE files.file_id = file_runs.file_id)"
        " + file_id * interval '10 seconds'"
    )
    filled.store.commit()
    for path in (f"{API}{ONE}/charts", f"{API}/charts"):
        found = ask("admin").get(path, params={"days": 7}).json()
        assert [each["files"] for each in found["days"]] == [0, 0, 0, 0, 0, 1, 3], path
        assert found["days"][-1]["quarantined"] == 1
        assert sum(each["records"] for each in found["days"]) == 6
        assert found["days"][-2]["seconds"] == pytest.approx([10, 10])
        assert found["rejects"] == [{"code": "malformed_number", "number": 1}]
    assert ask("stranger").get(f"{API}/charts").json()["merchants"] == ["completejourney"]
    text = ask("viewer").get(f"{ONE}/charts").text
    assert text.count("<svg") == 4
    assert not re.search(r"style=", text)


def test_files_are_filtered_and_paged(ask: Ask, filled: Shop) -> None:
    admin, path = ask("admin"), f"{API}{ONE}/files"
    names = [each["name"] for each in admin.get(path).json()["items"]]
    assert len(names) == 4
    first = admin.get(path, params={"limit": 3}).json()
    last = admin.get(path, params={"limit": 3, "cursor": first["next"]}).json()
    assert [each["name"] for each in (*first["items"], *last["items"])] == names
    for wanted, number in (
        ({"state": "quarantined"}, 1),
        ({"interface": "srs_purchases"}, 1),
        ({"day": "2017-01-01"}, 1),
    ):
        assert len(admin.get(path, params=wanted).json()["items"]) == number, wanted
    assert admin.get(f"{ONE}/files", params={"day": "", "interface": "", "state": ""}).status_code == 200
    for wanted in ({"cursor": "nonsense"}, {"cursor": "WyJ4Il0="}, {"day": "never"}, {"limit": "0"}):
        refused = admin.get(path, params=wanted)
        assert (refused.status_code, refused.json()["status"]) == (422, 422), wanted


def test_a_request_after_the_store_was_out_of_reach_opens_new_connections(ask: Ask, filled: Shop) -> None:
    given_up = connections.pool()
    given_up.close()
    assert ask("admin").get(f"{API}{ONE}/files").status_code == 503
    assert ask("admin").get(f"{API}{ONE}/files").status_code == 200
    assert connections.pool() is not given_up


def test_a_request_while_all_connections_are_in_use_leaves_the_pool_as_it_is(
    ask: Ask, filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "POOL_TIMEOUT_SECONDS", 0.1)
    with ExitStack() as in_use:
        for _ in range(connections.MAX_CONNECTIONS):
            in_use.enter_context(connections.connect())
        used = connections.pool()
        refused = ask("admin").get(f"{API}{ONE}/files")
    assert (refused.status_code, "all connections to the store are in use" in refused.text) == (503, True)
    assert ask("admin").get(f"{API}{ONE}/files").status_code == 200
    assert connections.pool() is used


def test_a_reject_of_an_interface_that_was_switched_off_is_still_shown(
    ask: Ask, named: Any, filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"srs_purchases": filled.merchant.interfaces["srs_purchases"]}
    merchant = filled.merchant.model_copy(update={"interfaces": others})
    monkeypatch.setattr(rejects, "configured", lambda _: merchant)
    found = ask("admin").get(named(f"{API}{ONE}/files/FILE/records/2")).json()
    assert [each["text"] for each in found["pieces"] if each["is_invalid"]] == [
        "<CustomerNumber>1.23E+05</CustomerNumber>"
    ]


def test_a_record_is_shown_as_delivered_with_its_invalid_element_marked(
    ask: Ask, named: Any, filled: Shop
) -> None:
    found = ask("admin").get(named(f"{API}{ONE}/files/FILE/records/2")).json()
    assert [each["text"] for each in found["pieces"] if each["is_invalid"]] == [
        "<CustomerNumber>1.23E+05</CustomerNumber>"
    ]
    assert found["trace"]["errors"][0]["code"] == "malformed_number"
    loaded = ask("admin").get(named(f"{API}{ONE}/files/FILE/records/1")).json()
    assert loaded["trace"]["outcome"] == "loaded"
    listed = ask("viewer").get(f"{API}{ONE}/rejects").text
    assert "malformed_number" in listed
    assert "x@example.com" not in listed
    assert ask("admin").get(named(f"{API}{ONE}/files/FILE/records/99")).status_code == 404
    bad = basket("R9", "0.50", number="1001").replace("2017-01-01T", "01-01-2017 ")
    filled.place(export("srs_purchases", "20170106", bad), minute=2)
    filled.run_tasks("manual__second")
    last = scalar(filled, "SELECT max(file_id) FROM files")
    assert "no newer file can resolve this reject" in ask("admin").get(f"{ONE}/files/{last}/records/1").text


def test_a_person_is_found_shown_and_forgotten_after_a_dry_run(ask: Ask, named: Any, filled: Shop) -> None:
    admin = ask("admin")
    for search in (("srs", "1001"), ("email", "ADA@example.com"), ("name", "<SCRIPT"), ("name", "ada <s")):
        asked = dict(zip(("by", "value"), search, strict=True))
        found = admin.post(f"{API}{ONE}/profile-searches", json=asked, headers=SAME_ORIGIN).json()
        assert [each["firstname"] for each in found] == ["Ada"], search
    nobody = {"by": "name", "value": "%"}
    assert admin.post(f"{API}{ONE}/profile-searches", json=nobody, headers=SAME_ORIGIN).json() == []
    profile = admin.get(named(f"{API}{ONE}/profiles/PERSON")).json()
    assert {each["field"]: each["record"] for each in profile["fields"]}["firstname"] == 1
    (bought,) = profile["purchases"]
    assert [each["quantity"] for each in bought["lines"]] == ["1", "1"]
    link = f"{ONE}/files/{bought['purchase']['file_id']}"
    assert f'{link}"' in admin.get(named(f"{ONE}/profiles/PERSON")).text
    assert [each["rule"] for each in profile["identifiers"]] == ["customers 3"]
    path = named(f"{ONE}/profiles/PERSON")
    tried = admin.post(f"{path}/forget", data={"dry_run": "true"}, headers=SAME_ORIGIN)
    assert "This would be erased" in tried.text
    assert admin.get(path).status_code == 200
    done = admin.post(f"{API}{path}/forget", json={"dry_run": False}, headers=SAME_ORIGIN)
    assert done.json()["erased"]["profiles"] == 1
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize("path", ["", "/runs/manual__1"])
def test_the_tab_on_a_dag_of_no_merchant_does_not_say_that_nothing_is_open(ask: Ask, path: str) -> None:
    shown = ask("admin").get(f"/merchants/erp_feeds_health{path}")
    assert shown.status_code == 404
    framed = "content-security-policy"
    assert shown.headers[framed] == ask("admin").get("/merchants/testshop").headers[framed]
    assert "erp_feeds_health is not the DAG of a merchant" in shown.text
    assert "Nothing is open" not in shown.text
    assert "/merchants/erp_feeds_health/files" not in shown.text


def test_every_look_at_a_person_is_noted_without_the_person(ask: Ask, named: Any, filled: Shop) -> None:
    admin = ask("admin")
    for path in (*OF_PEOPLE[1:], f"{ONE}/account?number=100001"):
        assert admin.get(named(path)).status_code == 200
    search = {"by": "email", "value": "ada@example.com"}
    admin.post(f"{API}{ONE}/profile-searches", json=search, headers=SAME_ORIGIN)
    admin.post(f"{API}{named(f'{ONE}/profiles/PERSON')}/forget", json={}, headers=SAME_ORIGIN)
    entries = audit.listed(filled.store, "testshop")
    assert [each.action for each in reversed(entries)] == [
        "profile seen",
        "record seen",
        "original downloaded",
        "values of a file seen",
        "account seen",
        "profiles searched",
        "forget tried",
    ]
    assert {each.who for each in entries} == {"admin"}
    assert "ada@example.com" not in json.dumps([each.subject for each in entries])
    assert "original downloaded" in admin.get(f"{ONE}/audit").text


def test_a_replay_says_what_to_set_where_airflow_does_not_know_its_address(
    ask: Ask, filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AIRFLOW__API__BASE_URL", "AIRFLOW_CONN_AIRFLOW"):
        monkeypatch.delenv(variable, raising=False)
    asked = {"since": "2017-01-01", "dry_run": True}
    found = ask("admin").post(f"{API}{ONE}/replays", json=asked, headers=SAME_ORIGIN)
    assert (found.status_code, found.json()["code"]) == (409, "no_airflow")
    assert "set [api] base_url in airflow.cfg" in found.text


def test_a_replay_of_days_may_leave_the_last_day_empty(ask: Ask, filled: Shop) -> None:
    """As a browser sends the form of the mapping: the field is there, without a day."""
    asked = {"interface": "srs_customers", "since": "2030-01-01", "until": "", "dry_run": "false"}
    refused = ask("admin").post(f"{ONE}/replays", data=asked, headers=SAME_ORIGIN)
    assert (refused.status_code, "no archived file to replay" in refused.text) == (404, True)
    wrong = ask("admin").post(f"{ONE}/replays", data={"since": "01-01-2030"}, headers=SAME_ORIGIN)
    assert "since: a day is expected: 2026-01-31" in wrong.text
    assert "<h1>Not possible with these values</h1>" in wrong.text


def test_an_incident_is_dismissed_by_whoever_clicks(ask: Ask, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    opened = ask("admin").get(f"{API}{ONE}").json()["open"]
    for each in opened:
        path = f"{ONE}/incidents/{each['incident_id']}/dismiss"
        back = ask("admin").post(path, data={"reason": "closed"}, headers=SAME_ORIGIN)
        shown = f"{ONE}?dismissed={each['incident_id'] if each['kind'] != 'rejected' else 0}"
        assert (back.status_code, back.headers["location"]) == (303, f"/erp-feeds{shown}")
        assert "Dismissed." in ask("admin").get(shown).text
        assert ask("admin").post(path, data={"reason": "again"}, headers=SAME_ORIGIN).status_code == 404
    assert "Nothing is open" in ask("admin").get(ONE).text
    assert scalar(filled, "SELECT string_agg(DISTINCT dismissed_by, ',') FROM incidents") == "admin"
    noted = [each for each in audit.listed(filled.store, "testshop") if each.action == "dismissed"]
    assert len(noted) == len(opened)
    number = next(each["incident_id"] for each in opened if each["kind"] == "quarantined")
    assert f"incidents/{number}/reopen" in ask("admin").get(f"{ONE}?dismissed={number}").text
    again = f"{ONE}/incidents/{number}/reopen"
    assert ask("admin").post(again, headers=SAME_ORIGIN).status_code == 303
    assert [each["incident_id"] for each in ask("admin").get(f"{API}{ONE}").json()["open"]] == [number]
    assert ask("admin").post(again, headers=SAME_ORIGIN).status_code == 404


def test_a_link_to_one_code_shows_no_other_that_may_be_dismissed(ask: Ask, filled: Shop) -> None:
    incidents.sync(filled.store, filled.merchant, datetime.now(UTC))
    codes = {each["code"] for each in ask("admin").get(f"{API}{ONE}/rejects").json()["codes"]}
    assert len(codes) > 1
    for code in codes:
        text = ask("admin").get(f"{ONE}/rejects?code={code}").text
        assert text.count("Dismiss</button>") == 1


def test_a_token_opens_the_accounts_of_its_merchant_and_nothing_else(ask: Ask, filled: Shop) -> None:
    token = tokens.create(filled.store, "testshop", "webshop", "me", days=None)
    with_token = {"Authorization": f"Bearer {token}"}
    shop = ask("")
    found = shop.get(f"{API}/accounts/testshop/100001", headers=with_token)
    assert (found.json()["price_list_name"], found.json()["discount_percentage"]) == ("WHOLESALE", "2.50")
    assert shop.get(f"{API}/accounts/testshop/1/2", headers=with_token).json()["account_number"] == "1/2"
    again = {**with_token, "If-None-Match": found.headers["etag"]}
    assert shop.get(f"{API}/accounts/testshop/100001", headers=again).status_code == 304
    missing = shop.get(f"{API}/accounts/testshop/x/static/y", headers=with_token)
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
    for path in ("/accounts/completejourney/1", ONE, f"{ONE}/files", f"{ONE}/invoice-debtors", "/merchants"):
        assert shop.get(f"{API}{path}", headers=with_token).status_code == 403, path
    assert ask("admin").get(ONE, headers=with_token).status_code == 403  # it counts before the cookie
    [known] = tokens.listed(filled.store)
    assert known.last_used_at is not None
    assert token not in scalar(filled, "SELECT string_agg(account_tokens::text, '') FROM account_tokens")
    tokens.revoke(filled.store, known.token_id, "me")
    assert shop.get(f"{API}/accounts/testshop/100001", headers=with_token).status_code == 403
    short = tokens.create(filled.store, "testshop", "short", "me", days=1)
    filled.store.execute("UPDATE account_tokens SET expires_at = created_at WHERE name = 'short'")
    filled.store.commit()
    expired = {"Authorization": f"Bearer {short}"}
    assert shop.get(f"{API}/accounts/testshop/100001", headers=expired).status_code == 403
