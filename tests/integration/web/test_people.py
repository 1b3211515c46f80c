"""A clerk finds a person by what is in the file or on the receipt, or learns why not."""

from __future__ import annotations

import pytest

from integration.web.conftest import SAME_ORIGIN, Ask, person
from support.shop_files import basket, export
from support.shop_fixtures import Shop


@pytest.fixture
def people(shop: Shop) -> Shop:
    shop.place(
        export(
            "srs_customers",
            "20170101",
            person("03002", FirstName="Ada", Infix="van", LastName="Dijk", Phone="+31 (0)20 555 0100"),
            person("3003", FirstName="Bob", LastName="Bos", Phone="0205550101"),
        )
    )
    shop.run_tasks("manual__first")
    return shop


@pytest.mark.parametrize(
    ("by", "value", "name"),
    [
        ("phone", "+31 (0)20 555 0100", "Ada"),
        ("phone", "+31 20 5550100", "Ada"),
        ("phone", "+31205550100", "Ada"),
        ("phone", "020-555 01 01", "Bob"),
        ("name", "van dijk", "Ada"),
        ("srs", "03002", "Ada"),
    ],
)
def test_a_person_is_found_as_the_file_writes_it(
    ask: Ask, people: Shop, by: str, value: str, name: str
) -> None:
    shown = ask("admin").post(
        "/merchants/testshop/profiles", data={"by": by, "value": value}, headers=SAME_ORIGIN
    )
    assert f"{name} " in shown.text
    assert "Nobody found." not in shown.text


@pytest.mark.parametrize(
    ("by", "value", "hint"),
    [
        ("srs", "3002", "with the zeros before it"),
        ("name", "Dijk", "begins with its infix"),
        ("phone", "no number", "whole number"),
        ("email", "ada@", "whole address"),
    ],
)
def test_where_nobody_is_found_the_page_says_what_is_compared(
    ask: Ask, people: Shop, by: str, value: str, hint: str
) -> None:
    shown = ask("admin").post(
        "/merchants/testshop/profiles", data={"by": by, "value": value}, headers=SAME_ORIGIN
    )
    assert "Nobody found." in shown.text
    assert hint in shown.text


def test_whoever_forgets_a_person_sees_whom_and_what_follows(ask: Ask, people: Shop) -> None:
    admin = ask("admin")
    wanted = {"by": "srs", "value": "03002"}
    found = admin.post("/api/v1/merchants/testshop/profile-searches", json=wanted, headers=SAME_ORIGIN)
    number = found.json()[0]["profile_id"]
    path = f"/merchants/testshop/profiles/{number}/forget"
    tried = admin.post(path, data={"dry_run": "true"}, headers=SAME_ORIGIN).text
    assert "Of <strong>Ada van Dijk</strong>" in tried
    assert "What is erased cannot be restored" in tried
    done = admin.post(path, data={"dry_run": "false"}, headers=SAME_ORIGIN).text
    assert "Ada" not in done
    assert "python -m erp_feeds unforget testshop" in done
    assert "<dt>numbers and addresses that no load takes again</dt>" in done
    assert "_" not in "".join(part.split("</dt>")[0] for part in done.split("<dt>")[1:])


def profile_of(ask: Ask, number: str) -> str:
    """Return the path of a person's profile."""
    wanted = {"by": "srs", "value": number}
    found = ask("admin").post("/api/v1/merchants/testshop/profile-searches", json=wanted, headers=SAME_ORIGIN)
    return f"/merchants/testshop/profiles/{found.json()[0]['profile_id']}"


@pytest.mark.parametrize(
    ("delivered", "shown"),
    [
        ("2017-07-01T10:15:00", "2017-07-01 10:15:00"),
        ("2017-07-01T08:15:00.500Z", "2017-07-01 10:15:00"),
        ("2017-03-26T02:30:00", "2017-03-26 02:30:00"),  # left out by the clocks, and yet on the receipt
    ],
)
def test_a_clerk_sees_the_time_of_the_receipt(ask: Ask, people: Shop, delivered: str, shown: str) -> None:
    receipt = basket("R1", "0.50", number="03002").replace("2017-01-01T10:00:00", delivered)
    people.place(export("srs_purchases", "20170702", receipt), minute=1)
    people.run_tasks("manual__second")
    page = ask("admin").get(profile_of(ask, "03002")).text
    assert f"{shown} · offline" in page
    assert page.count("Europe/Amsterdam") == 1
    assert f"{delivered[:10]} 08:15:00" not in page


def test_a_clerk_learns_where_rejected_purchases_are(ask: Ask, people: Shop) -> None:
    admin = ask("admin")
    link = "/merchants/testshop/rejects?interface=srs_purchases"
    page = admin.get(profile_of(ask, "03002")).text
    assert f'{link}#records">' in page
    assert "A rejected purchase is not listed here" in page
    assert "Nothing is rejected or quarantined." in admin.get(link).text
    bad = basket("R1", "0.50", number="03002").replace("2017-01-01T", "01-01-2017 ")
    people.place(export("srs_purchases", "20170702", bad), minute=1)
    people.run_tasks("manual__second")
    rejects = admin.get(link).text
    assert "invalid_date" in rejects
    (each,) = admin.get(f"/api/v1{link}").json()["items"]
    record = f"/merchants/testshop/files/{each['file_id']}/records/{each['record']}"
    assert f'{record}"' in rejects
    assert "03002" not in rejects
    assert "03002" in admin.get(record).text
    none = admin.get("/merchants/testshop/rejects?interface=srs_customers").text
    assert "Nothing of this choice is rejected or quarantined." in none
