"""A mapping that cannot work is refused when the merchant file is read: line, value, nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest

from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces import interface_of, mapping_of
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import read_merchant

HEAD = """\
name: shop
shop_name: Shop
timezone: Europe/Amsterdam
currency: EUR
ftps: {connection: shop_ftps}
interfaces:
  %s:
    extra_elements: [LoyaltyCard, Vip]
    mapping:
"""
MAPPING_LINE = 10
CUSTOMERS = "srs_customers"
PURCHASES = "srs_purchases"


def read(folder: Path, *links: str, interface: str = CUSTOMERS) -> Merchant:
    path = folder / "shop.yaml"
    path.write_text(HEAD % interface + "".join(f"      {link}\n" for link in links), "utf-8")
    return read_merchant(path)


def error(folder: Path, *links: str, interface: str = CUSTOMERS) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, *links, interface=interface)
    return str(caught.value)


def test_the_documented_forms_are_read(tmp_path: Path) -> None:
    merchant = read(
        tmp_path,
        "lastname: {join: [infix, last_name]}",
        "custom_loyalty: {from: LoyaltyCard}",
        'birthdate: {from: birth_date, date_form: "%d-%m-%Y"}',
        "city: {from: city, empty: clear}",
        "gender: {from: gender, transform: gender}",
        "service: {from: Vip}",
        "phone: null",
    )
    mapping = mapping_of(merchant, CUSTOMERS)
    assert mapping.link("phone") is None
    assert mapping.link("city").clears  # type: ignore[union-attr]  # it is there
    assert interface_of(merchant, CUSTOMERS).field("birth_date").date_form == "%d-%m-%Y"
    again = Merchant.model_validate(merchant.model_dump(mode="json"))
    assert again == merchant  # as the watcher's trigger carries it


@pytest.mark.parametrize(
    ("link", "place", "words"),
    [
        ("citty: {from: city}", "citty", "is no target of srs_customers; did you mean 'city'?"),
        ("custom_Loyalty: {from: LoyaltyCard}", "custom_Loyalty", "is no custom field: custom_ and then"),
        ("city: {from: citty}", "city.from", "'citty' is no source of srs_customers; did you mean 'city'?"),
        (
            "city: {from: LoyaltyCrd}",
            "city.from",
            "'LoyaltyCrd' is no source of srs_customers; did you mean 'LoyaltyCard'?",
        ),
        ("city: {from: Shoe}", "city.from", "is named under extra_elements first"),
        ("city: {from: CustomerNumber}", "city.from", "did you mean 'customer_number'?"),
        ("lastname: {join: [infix, lastname]}", "lastname.join.1", "did you mean 'last_name'?"),
        (
            "gender: {from: gender, transform: gendre}",
            "gender.transform",
            "'gendre' is no transform; did you mean 'gender'?",
        ),
        (
            "gender: {from: gender, transform: country}",
            "gender.transform",
            "the target takes values of 'gender' only",
        ),
        ("city: {from: city, transform: country}", "city.transform", "the target takes text as it stands"),
        (
            "city: {from: birth_date}",
            "city.from",
            "'birth_date' is a field of type date, which the link cannot turn into text",
        ),
        (
            "birthdate: {from: newsletter}",
            "birthdate.from",
            "of type yes_no, which the link cannot turn into 'date'",
        ),
        (
            "custom_a: {from: birth_date, transform: phone}",
            "custom_a.from",
            "which the link cannot turn into 'phone'",
        ),
        ("custom_a: {join: [birth_date, city]}", "custom_a.join", "'birth_date' is a field of type date"),
        ("lastname: {join: []}", "lastname", "a link has either from or join"),
        ("lastname: {}", "lastname", "a link has either from or join"),
        ("lastname: {from: city, join: [infix, last_name]}", "lastname", "a link has either from or join"),
        ("lastname: {join: [last_name]}", "lastname", "two or more different parts"),
        ("lastname: {join: [infix, infix]}", "lastname", "two or more different parts"),
        (
            "lastname: {join: [infix, house_number]}",
            "lastname.join",
            "no part that means something by itself",
        ),
        ("birthdate: {join: [LoyaltyCard, Vip]}", "birthdate.join", "'date' is read from one"),
        ("city: town", "city", "a link is {from: NAME}"),
        ("city: {from: city, emtpy: clear}", "city.emtpy", "is no known key; did you mean 'empty'?"),
        ("city: {form: city}", "city.form", "is no known key; did you mean 'from'?"),
        ("city: {from: city, empty: null}", "city.empty", "is None"),
        ("city: {from: city, empty: klear}", "city.empty", "did you mean 'clear'?"),
        ("email: {from: city}", "email", "is fixed: it identifies the profile"),
        ("email: null", "email", "is fixed: it identifies the profile"),
        ("number: null", "number", "is fixed: it identifies the profile"),
        (
            "custom_srs_customer_number: null",
            "custom_srs_customer_number",
            "is fixed: it always holds the number",
        ),
        ("language: null", "language", "has no default link that null could unlink"),
        ("custom_a: null", "custom_a", "has no default link that null could unlink"),
        (
            'birthdate: {from: birth_date, date_form: "%d-%m-%y"}',
            "birthdate.date_form",
            "%d, %m and %Y once each",
        ),
        (
            'birthdate: {from: birth_date, date_form: "dd-mm-yyyy"}',
            "birthdate.date_form",
            "%d, %m and %Y once each",
        ),
        (
            'city: {from: city, date_form: "%d-%m-%Y"}',
            "city.date_form",
            "is for dates, and the link makes 'text'",
        ),
    ],
)
def test_a_error_says_where_what_and_what_instead(tmp_path: Path, link: str, place: str, words: str) -> None:
    (message,) = error(tmp_path, "firstname: {from: first_name}", link).splitlines()
    start = f"shop.yaml:{MAPPING_LINE + 1}: interfaces.srs_customers.mapping.{place} "
    assert message.startswith(start)
    assert words in message


@pytest.mark.parametrize(
    ("link", "place", "words"),
    [
        ("currncy: {from: currency}", "currncy", "did you mean 'currency'?"),
        ("orderid: {from: receipt_number}", "orderid", "is fixed: it follows from the purchase itself"),
        ("products.price: null", "products.price", "is fixed"),
        (
            "products.name: {from: branch}",
            "products.name.from",
            "'branch' is of a record, and the target of each line",
        ),
        ("custom_a: {from: sku}", "custom_a.from", "'sku' is of each line, and the target of a record"),
        (
            "custom_a: {from: LoyaltyCard, empty: clear}",
            "custom_a.empty",
            "a newer record replaces the stored one",
        ),
        (
            "products.name: {from: quantity}",
            "products.name.from",
            "of type decimal, which the link cannot turn into text",
        ),
    ],
)
def test_purchases_have_targets_of_their_own(tmp_path: Path, link: str, place: str, words: str) -> None:
    (message,) = error(tmp_path, link, interface=PURCHASES).splitlines()
    assert message.startswith(f"shop.yaml:{MAPPING_LINE}: interfaces.srs_purchases.mapping.{place} ")
    assert words in message


def test_two_links_to_one_target_are_refused(tmp_path: Path) -> None:
    message = error(tmp_path, "city: {from: city}", "gender: {from: gender}", "city: {from: street}")
    assert message == "shop.yaml:12: city is there twice"


@pytest.mark.parametrize(
    ("links", "line", "words"),
    [
        (
            ("custom_a: {from: Vip, transform: yes_no}", "custom_b: {from: Vip, transform: country}"),
            11,
            "custom_b cannot be: 'custom_a' reads 'Vip' as yes_no, and 'custom_b' as text",
        ),
        (
            (
                'birthdate: {from: birth_date, date_form: "%d-%m-%Y"}',
                'custom_b: {from: birth_date, date_form: "%m-%d-%Y"}',
            ),
            11,
            "custom_b cannot be: 'birthdate' reads 'birth_date' as %d-%m-%Y, and 'custom_b' as %m-%d-%Y",
        ),
        (
            (
                'birthdate: {from: birth_date, date_form: "%Y-%m-%d"}',
                'custom_b: {from: birth_date, date_form: "%m-%d-%Y"}',
            ),
            11,
            "reads 'birth_date' as %Y-%m-%d, and 'custom_b' as %m-%d-%Y",
        ),
        (
            ("marketing: {from: phone}",),
            10,
            "marketing cannot be: 'phone' reads 'phone' as text, and 'marketing' as yes_no",
        ),
    ],
)
def test_an_element_is_read_once(tmp_path: Path, links: tuple[str, ...], line: int, words: str) -> None:
    message = error(tmp_path, *links)
    assert message.startswith(f"shop.yaml:{line}: interfaces.srs_customers.mapping.")
    assert words in message


def test_one_element_may_fill_several_targets(tmp_path: Path) -> None:
    read(tmp_path, "service: {from: Vip}", "marketing: {from: Vip}", "custom_vip: {from: Vip}")
    read(tmp_path, "phone: null", "marketing: {from: phone}")


@pytest.mark.parametrize(
    ("extras", "words"),
    [
        ("[Loyalty Card]", "'Loyalty Card' is no element name"),
        ("[City]", "'City' is the element of the field 'city'"),
        ("[city]", "'city' is a name that srs_customers uses itself"),
        ("[Card, Vip, Card]", "'Card' is there twice"),
    ],
)
def test_extra_elements_are_beside_the_known_ones(tmp_path: Path, extras: str, words: str) -> None:
    path = tmp_path / "shop.yaml"
    text = (HEAD % CUSTOMERS).replace("[LoyaltyCard, Vip]", extras).replace("mapping:", "mapping: {}")
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_merchant(path)
    assert str(caught.value).startswith("shop.yaml:8: interfaces.srs_customers.extra_elements.")
    assert words in str(caught.value)


def test_an_interface_without_targets_has_no_mapping(tmp_path: Path) -> None:
    message = error(tmp_path, "city: {from: city}", interface="erp_cache_customers")
    assert "shop.yaml:9: interfaces.erp_cache_customers.mapping is not for erp_cache_customers" in message
