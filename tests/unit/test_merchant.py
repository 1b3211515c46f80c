"""A wrong merchant file is refused with file, line, value and the nearest valid name, and harms no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces import VOCABULARY, interface_of, interfaces_of
from erp_feeds.merchant_file import read_merchant, read_merchants
from erp_feeds.settings import INCLUDE

GOOD = """\
name: shop
shop_name: Test_Shop
timezone: Europe/Amsterdam
currency: EUR
ftps:
  connection: shop_ftps
interfaces:
  srs_customers:
    elements:
      customer_number: KlantNr
  srs_purchases: {}
"""


def written(folder: Path, text: str, name: str = "shop.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def fault(folder: Path, old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        read_merchant(written(folder, GOOD.replace(old, new)), VOCABULARY)
    return str(caught.value)


def test_a_good_file_is_read_with_its_element_names(tmp_path: Path) -> None:
    merchant = read_merchant(written(tmp_path, GOOD), VOCABULARY)
    assert merchant.shop_name == "Test_Shop"
    assert interface_of(merchant, "srs_customers").field("customer_number").element == "KlantNr"
    assert [each.name for each in interfaces_of(merchant)] == ["srs_customers", "srs_purchases"]


@pytest.mark.parametrize(
    ("old", "new", "start", "offer"),
    [
        ("currency: EUR", "currrency: EUR", "shop.yaml:4: currrency is no known key", "'currency'"),
        (
            "Europe/Amsterdam",
            "Europe/Amsterdm",
            "shop.yaml:3: timezone is 'Europe/Amsterdm'",
            "'Europe/Amsterdam'",
        ),
        ("srs_purchases: {}", "srs_purchase: {}", "shop.yaml:11: interfaces.srs_purchase", "'srs_purchases'"),
        (
            "customer_number: KlantNr",
            "custmer_number: KlantNr",
            "shop.yaml:10: interfaces.srs_customers.elements.custmer_number is no field of srs_customers",
            "'customer_number'",
        ),
        (
            "connection: shop_ftps",
            "conection: shop_ftps",
            "shop.yaml:6: ftps.conection is no known key",
            "'connection'",
        ),
        (
            "srs_purchases: {}",
            "srs_purchases: {elments: {}}",
            "shop.yaml:11: interfaces.srs_purchases.elments",
            "'elements'",
        ),
        ("EUR", "euro", "shop.yaml:4: currency is 'euro'", "pattern"),
        ("name: shop\n", "name: other\n", "shop.yaml:1: name is 'other'", "shop.yaml: name them alike"),
        (
            "currency: EUR\n",
            "currency: EUR\nschedule: daily\n",
            "shop.yaml:5: schedule is 'daily'",
            "five parts",
        ),
    ],
)
def test_a_fault_says_where_what_and_what_instead(
    tmp_path: Path, old: str, new: str, start: str, offer: str
) -> None:
    message = fault(tmp_path, old, new)
    assert start in message
    assert offer in message


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("excluded_emails: zzyzx@example.com", "shop.yaml:5: excluded_emails is not shown: "),
        ("excluded_identifiers: '0697531246'", "shop.yaml:5: excluded_identifiers is not shown: "),
        ("excluded_emails: [[zzyzx@example.com]]", "shop.yaml:5: excluded_emails.0 is a list: "),
        ("alerts: {email: zzyzx}", "shop.yaml:5: alerts.email is not shown: "),
        ("alerts: {zzyzx@example.com: true}", "shop.yaml:5: alerts.(an address) is no known key"),
        ("alerts: zzyzx@example.com", "shop.yaml:5: alerts is not shown: "),
        ("title: [zzyzx, 0697531246]", "shop.yaml:5: title is a list: "),
        ("owner: {zzyzx: 0697531246}", "shop.yaml:5: owner is a mapping: "),
        ("zzyzx@example.com: 1\nzzyzx@example.com: 2", "shop.yaml:6: (an address) is there twice"),
        ("owner: zzyzx@example.com: 0697531246", "shop.yaml:5: not readable as YAML: mapping values"),
    ],
)
def test_a_fault_shows_nobodys_address_or_number(tmp_path: Path, new: str, said: str) -> None:
    message = fault(tmp_path, "currency: EUR\n", f"currency: EUR\n{new}\n")
    assert said in message
    assert "zzyzx" not in message
    assert "0697531246" not in message


def test_a_long_value_is_clipped(tmp_path: Path) -> None:
    message = fault(tmp_path, "currency: EUR", f"currency: {'x' * 500}")
    assert f"currency is '{'x' * 59}…: " in message


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert "timezone is missing and required" in fault(tmp_path, "timezone: Europe/Amsterdam\n", "")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    message = fault(tmp_path, "currency: EUR", "currency: euro\nschedul: '0 0 * * *'")
    assert len(message.splitlines()) == 2


def test_a_key_that_is_there_twice_is_no_silent_choice(tmp_path: Path) -> None:
    message = fault(tmp_path, "currency: EUR\n", "currency: EUR\ncurrency: USD\n")
    assert message == "shop.yaml:5: currency is there twice"


def test_an_alias_that_leads_back_to_itself_is_a_fault_like_others(tmp_path: Path) -> None:
    message = fault(tmp_path, "currency: EUR\n", "currency: EUR\nloop: &again [*again]\n")
    assert "shop.yaml:5: loop is no known key" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [shop", "not readable as YAML"),
        ("", "holds keys and values"),
        ("- a\n", "holds keys and values"),
    ],
)
def test_what_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_merchant(written(tmp_path, text), VOCABULARY)
    assert "shop.yaml" in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigurationError, match="not readable as YAML"):
        read_merchant(tmp_path / "shop.yaml", VOCABULARY)


def test_one_bad_file_leaves_the_others(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, GOOD.replace("currency", "curency"), "bad.yaml")
    written(tmp_path, GOOD.replace("name: shop\n", "name: second\n"), "second.yaml")
    good, errors = read_merchants(tmp_path, VOCABULARY)
    assert [each.name for each in good] == ["second", "shop"]
    assert len(errors) == 1
    assert "bad.yaml" in str(errors[0])


def test_the_merchants_of_the_project_are_fine() -> None:
    good, errors = read_merchants(INCLUDE / "merchants", VOCABULARY)
    assert not errors
    assert {"completejourney", "testshop"} <= {each.name for each in good}
