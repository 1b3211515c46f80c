from __future__ import annotations

import json

import pytest

from erp_feeds.steps.mapping import CUSTOMER_LINKS, Link, map_customers

CUSTOMERS = "srs_customers"


@pytest.fixture
def profile(read, xml, merchant):
    def run(links=CUSTOMER_LINKS, **elements):
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())
        records = read(CUSTOMERS, xml(CUSTOMERS, f"<CustomerNumber>1</CustomerNumber>{inner}")).frames[
            "records"
        ]
        outcome = map_customers(records, merchant, links)
        row = outcome.frames["profiles"].iloc[0]
        return {name: value for name, value in row.items() if row.notna()[name]}, outcome.counts.warnings

    return run


@pytest.mark.parametrize(
    ("word", "gender"),
    [("V", "F"), ("M", "M"), ("O", "U"), ("vrouw", "F"), ("Man", "M"), ("F", "F"), ("v", "F")],
)
def test_customers_11_genders(profile, word, gender):
    row, warnings = profile(Gender=word)
    assert (row["gender"], warnings) == (gender, {})


@pytest.mark.parametrize(
    ("word", "country"),
    [
        ("NL", "NL"),
        ("nld", "NL"),
        ("Nederland", "NL"),
        ("BELGIË", "BE"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("United Kingdom", "GB"),
        ("France", "FR"),
    ],
)
def test_customers_11_countries(profile, word, country):
    row, warnings = profile(Country=word)
    assert (row["country"], warnings) == (country, {})


def test_customers_11_unknown_values_are_left_out_never_guessed(profile):
    row, warnings = profile(Gender="7", Country="Atlantis", Phone="none")
    assert not {"gender", "country", "phone"} & row.keys()
    assert warnings == {"unknown_value": 3}


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("+31 20 555 01 00", "+31205550100"),
        ("020-5550100", "020-5550100"),
        ("+31 (0)20 5550100", "+31205550100"),
        ("(020) 555.0100", "0205550100"),
    ],
)
def test_phones_keep_digits_minus_and_plus(profile, text, phone):
    assert profile(Phone=text)[0]["phone"] == phone


def test_names_are_joined_with_their_infix(profile):
    assert profile(Infix="van der", LastName="Berg")[0]["lastname"] == "van der Berg"
    assert profile(LastName="Berg")[0]["lastname"] == "Berg"
    row, warnings = profile(Infix="van")
    assert "lastname" not in row
    assert warnings == {}


def test_customers_12_the_number_is_a_custom_field_too(profile):
    row, _ = profile(Street='Kerk"straat\\', HouseNumber="12a")
    assert json.loads(row["custom"]) == {
        "custom_srs_customer_number": "1",
        "custom_street": 'Kerk"straat\\',
        "custom_housenumber": "12a",
    }
    assert row["number"] == "1"


def test_customers_10_an_empty_field_clears_only_where_a_link_says_so(profile):
    assert "cleared" not in profile(City="")[0]
    links = (Link("city", ("city",), clears=True), Link("firstname", ("first_name",)))
    assert profile(links, City="", FirstName="")[0]["cleared"] == ",city,"
