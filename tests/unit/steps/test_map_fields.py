from __future__ import annotations

import json

import pytest

from erp_feeds.interfaces import mapping_of

CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"


def elements_of(elements):
    return "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())


@pytest.fixture
def mapped(make_merchant):
    """A merchant with a mapping of one interface."""

    def make(name=CUSTOMERS, extra=(), **mapping):
        return make_merchant({name: {"extra_elements": extra, "mapping": mapping}})

    return make


@pytest.fixture
def profiles(process):
    """What becomes of records of one number: the rows by column, without what is null; and the counts."""

    def run(owner, *records):
        numbered = ({"CustomerNumber": "1", **record} for record in records)
        outcome = process(CUSTOMERS, *map(elements_of, numbered), owner=owner)
        frame = outcome.frames["profiles"]
        rows = [{k: v for k, v in row.items() if frame[k].notna()[n]} for n, row in frame.iterrows()]
        return rows, outcome.counts

    return run


@pytest.fixture
def profile(profiles, merchant):
    def run(owner=None, **elements):
        (row,), counts = profiles(owner or merchant, elements)
        return {**row, **json.loads(row["custom"])}, counts.warnings

    return run


@pytest.mark.parametrize(
    ("word", "gender"),
    [("V", "F"), ("M", "M"), ("O", "U"), ("vrouw", "F"), ("Man", "M"), ("F", "F"), ("v", "F")],
)
def test_customers_11_genders(profile, word, gender):
    row, warnings = profile(Gender=word)
    assert row["gender"] == gender
    assert not warnings.keys() & {"unknown_value:country", "unknown_value:gender"}


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
    assert row["country"] == country
    assert not warnings.keys() & {"unknown_value:country", "unknown_value:gender"}


def test_customers_11_unknown_values_are_left_out_never_guessed(profile):
    row, warnings = profile(Gender="7", Country="Atlantis", Phone="none")
    assert not {"gender", "country", "phone"} & row.keys()
    assert warnings == {f"unknown_value:{field}": 1 for field in ("country", "gender", "phone")}


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("+31 20 555 01 00", "+31205550100"),
        ("020-5550100", "020-5550100"),
        ("+31 (0)20 5550100", "+31205550100"),
        ("(020) 555.0100", "0205550100"),
        ("02/555 01 00", "025550100"),
        ("tel. 020 5550100 (work)", "0205550100"),
    ],
)
def test_phones_keep_digits_minus_and_plus(profile, text, phone):
    assert profile(Phone=text)[0]["phone"] == phone


@pytest.mark.parametrize(
    "text",
    [
        "020 5550100 / 06 12345678",
        "020 5550100; 112",
        "+31 20 5550100 ext 4",
        "020-5550100 or 112",
        "+31 6 1 +31 6 2",
        "-",
    ],
)
def test_customers_11_several_phones_in_one_field_never_become_one(profile, text):
    row, warnings = profile(Phone=text)
    assert "phone" not in row
    assert warnings == {"unknown_value:phone": 1}


@pytest.mark.parametrize(
    ("text", "language"),
    [("nl", "nl"), ("NLD", "nl"), ("nl-NL", "nl"), ("en_US", "en"), ("Nederlands", "nl"), ("French", "fr")],
)
def test_languages(mapped, profile, text, language):
    owner = mapped(extra=["Language"], language={"from": "Language"})
    row, warnings = profile(owner, Language=text)
    assert row["language"] == language
    assert warnings == {}


def test_an_unknown_language_or_currency_is_left_out(mapped, profile):
    links = {"language": {"from": "Language"}, "currency": {"from": "Money"}}
    owner = mapped(extra=["Language", "Money"], **links)
    row, warnings = profile(owner, Language="klingonian", Money="euro")
    assert not {"language", "currency"} & row.keys()
    assert warnings == {"unknown_value:Language": 1, "unknown_value:Money": 1}
    assert profile(owner, Money="eur")[0]["currency"] == "EUR"


@pytest.mark.parametrize(("text", "consent"), [("ja", True), ("0", False), ("", None), ("perhaps", None)])
def test_customers_10_consents_are_read_and_never_invented(mapped, profile, text, consent):
    links = {"service": {"from": "MayWrite"}, "marketing": {"from": "MayCall"}}
    owner = mapped(extra=["MayWrite", "MayCall"], **links)
    row, warnings = profile(owner, MayWrite=text)
    assert row.get("service") is consent
    assert "marketing" not in row
    assert warnings == ({"unknown_value:MayWrite": 1} if text == "perhaps" else {})


def test_names_are_joined_with_their_infix(profile):
    assert profile(Infix="van der", LastName="Berg")[0]["lastname"] == "van der Berg"
    assert profile(LastName="Berg")[0]["lastname"] == "Berg"
    row, warnings = profile(Infix="van")
    assert "lastname" not in row
    assert warnings == {}


def test_a_join_leaves_out_what_is_missing(mapped, profile):
    parts = {"join": ["first_name", "infix", "last_name"]}
    address = {"join": ["street", "house_number"]}
    owner = mapped(lastname=parts, custom_address=address)
    row, _ = profile(owner, FirstName="Ada", LastName="Berg", Street="Kerkstraat")
    assert (row["lastname"], row["custom_address"]) == ("Ada Berg", "Kerkstraat")
    row, _ = profile(owner, FirstName="", Infix="van", HouseNumber="12a")
    assert not {"lastname", "custom_address"} & row.keys()


def test_customers_12_the_number_is_a_custom_field_too(profile):
    row, _ = profile(Street='Kerk"straat\\', HouseNumber="12a")
    assert json.loads(row["custom"]) == {
        "custom_srs_customer_number": "1",
        "custom_street": 'Kerk"straat\\',
        "custom_housenumber": "12a",
    }
    assert row["number"] == "1"


def test_customers_10_an_empty_field_clears_only_where_a_link_says_so(mapped, profile):
    assert "cleared" not in profile(City="")[0]
    owner = mapped(
        city={"from": "city", "empty": "clear"},
        lastname={"join": ["infix", "last_name"], "empty": "clear"},
        gender={"from": "gender", "empty": "clear"},
    )
    assert profile(owner, City="", FirstName="", LastName="", Infix="van", Gender="7")[0]["cleared"] == (
        ",lastname,city,"
    )
    assert "cleared" not in profile(owner, Infix="", City="Delft")[0]


def test_an_extra_element_fills_a_custom_field_and_is_no_longer_unknown(mapped, profile):
    record = {"LoyaltyCard": "0042", "Vip": "ja", "Joined": "31-12-2016", "Shoe": "42"}
    row, warnings = profile(**record)
    assert warnings == {"unknown_element": 4}
    owner = mapped(
        extra=["LoyaltyCard", "Vip", "Joined"],
        custom_loyalty={"from": "LoyaltyCard"},
        custom_vip={"from": "Vip", "transform": "yes_no"},
        custom_joined={"from": "Joined", "date_form": "%d-%m-%Y"},
    )
    row, warnings = profile(owner, **record)
    assert (row["custom_loyalty"], row["custom_vip"], row["custom_joined"]) == ("0042", "yes", "2016-12-31")
    assert warnings == {"unknown_element": 1}


def test_an_extra_element_that_is_repeated_is_a_guess_and_rejected(mapped, process):
    owner = mapped(extra=["Card"], custom_card={"from": "Card"})
    twice = "<CustomerNumber>1</CustomerNumber><Card>1</Card><Card>2</Card>"
    (reject,) = process(CUSTOMERS, twice, owner=owner).frames["rejects"].to_dict("records")
    assert (reject["code"], reject["field"]) == ("repeated_field", "extra:Card")


def test_an_extra_element_may_be_called_as_a_column_of_a_later_step(mapped, process, purchase):
    owner = mapped(PURCHASES, ["kind", "record"], custom_kind={"from": "kind"}, custom_n={"from": "record"})
    frames = process(PURCHASES, purchase(("a", "1"), kind="gift", record="7"), owner=owner).frames
    row = frames["purchases"].iloc[0]
    assert (row["kind"], row["record"]) == ("order", 1)
    assert json.loads(row["custom"]) == {"custom_kind": "gift", "custom_n": "7"}


def test_an_unlinked_default_is_not_filled(mapped, profile):
    row, _ = profile(mapped(phone=None, custom_street=None), Phone="020 1", Street="Kerkstraat", City="Delft")
    assert "phone" not in row
    assert "custom_street" not in row
    assert row["city"] == "Delft"


def test_a_birth_date_is_read_in_the_form_that_the_mapping_says(mapped, profile, process):
    owner = mapped(birthdate={"from": "birth_date", "date_form": "%d/%m/%Y"})
    assert str(profile(owner, BirthDate="12/04/1985")[0]["birthdate"]) == "1985-04-12"
    record = elements_of({"CustomerNumber": "1", "BirthDate": "1985-04-12"})
    assert process(CUSTOMERS, record, owner=owner).counts.warnings == {"unknown_value:birth_date": 1}


def test_customers_6_what_two_records_of_one_number_say_is_laid_over_each_other_target_by_target(
    mapped, profiles
):
    owner = mapped(city={"from": "city", "empty": "clear"}, custom_town={"from": "city"})
    first = {"Infix": "van", "LastName": "Dijk", "City": "Delft"}
    (town, row), counts = profiles(owner, first, {"LastName": "Berg", "City": ""})
    assert row["lastname"] == "Berg"  # as in two files: the second has no infix
    assert "city" not in row
    assert row["cleared"] == ",city,"
    assert json.loads(town["custom"])["custom_town"] == "Delft"  # what only the first one says stays
    assert counts.collapsed == 1


def test_every_row_knows_its_mapping(mapped, profile, process, purchase, merchant):
    owner = mapped(city={"from": "street"})
    assert profile()[0]["mapping_version"] == mapping_of(merchant, CUSTOMERS).version
    assert profile(owner)[0]["mapping_version"] == mapping_of(owner, CUSTOMERS).version
    bought = process(PURCHASES, purchase(("a", "1.00"))).frames["purchases"]
    assert bought["mapping_version"].tolist() == [mapping_of(merchant, PURCHASES).version]


def test_the_currency_of_purchases_follows_its_link(mapped, process, purchase):
    def currencies(owner, **elements):
        outcome = process(PURCHASES, purchase(("a", "1"), **elements), owner=owner)
        row = outcome.frames["purchases"].iloc[0]
        return row["currency"], row["content_hash"], outcome.counts.warnings

    default = mapped(PURCHASES)
    linked = mapped(PURCHASES, ["Money"], currency={"from": "Money"})
    unlinked = mapped(PURCHASES, currency=None)
    given = {"Currency": "usd", "Money": "GBP"}
    assert currencies(default, **given)[0] == "USD"
    assert currencies(linked, **given)[0] == "GBP"
    assert currencies(unlinked, **given)[0] == "EUR"
    hashes = {currencies(owner, **given)[1] for owner in (default, linked, unlinked)}
    assert len(hashes) == 1  # a basket is recognised whatever the mapping
    assert currencies(linked, Money="pounds")[0::2] == ("EUR", {"unknown_value:Money": 1})
    assert currencies(default, Currency="dollars")[0::2] == ("EUR", {"unknown_value:currency": 1})


def test_article_names_follow_their_link(mapped, process, purchase):
    record = purchase(("a", "1")).replace("</Sku>", "</Sku><Description>Bread</Description>")
    for owner, name in (
        (mapped(PURCHASES), "Bread"),
        (mapped(PURCHASES, **{"products.name": {"join": ["description", "sku"]}}), "Bread a"),
        (mapped(PURCHASES, **{"products.name": None}), None),
    ):
        lines = process(PURCHASES, record, owner=owner).frames["lines"]
        assert [value if isinstance(value, str) else None for value in lines["description"]] == [name]


def test_purchases_6_equal_baskets_of_one_file_keep_what_the_last_fills(mapped, process, purchase):
    owner = mapped(PURCHASES, ["Card", "Money"], custom_card={"from": "Card"}, currency={"from": "Money"})
    same = ("a", "1.00")
    outcome = process(
        PURCHASES,
        purchase(same, Card="1", Money="USD"),
        purchase(("b", "1.00"), Card="other"),
        purchase(same, Card="2"),
        purchase(same, OrderNumber="W1", Card="3"),
        owner=owner,
    )
    rows = outcome.frames["purchases"]
    assert rows["record"].tolist() == [1, 2, 4]
    cards = [json.loads(text)["custom_card"] for text in rows["custom"]]
    assert cards == ["2", "other", "3"]
    assert rows["currency"].tolist() == ["EUR"] * 3
    assert outcome.counts.collapsed == 1
