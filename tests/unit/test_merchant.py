"""A wrong merchant file is refused with file, line, value and the nearest valid name, and harms no other."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest

from erp_feeds.columns.convert import matched_emails
from erp_feeds.errors import ConfigurationError
from erp_feeds.interfaces import errors_of, interface_of, interfaces_of
from erp_feeds.merchant import InterfaceSettings, SettingError
from erp_feeds.merchant.values import matched_email
from erp_feeds.merchant_file import checks, read_merchant, read_merchants
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


def error(folder: Path, old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        read_merchant(written(folder, GOOD.replace(old, new)))
    return str(caught.value)


def test_a_good_file_is_read_with_its_element_names(tmp_path: Path) -> None:
    merchant = read_merchant(written(tmp_path, GOOD))
    assert merchant.shop_name == "Test_Shop"
    assert interface_of(merchant, "srs_customers").field("customer_number").element == "KlantNr"
    assert [each.name for each in interfaces_of(merchant)] == ["srs_customers", "srs_purchases"]


def test_interfaces_may_all_be_left_to_the_pages_where_these_keep_the_settings(tmp_path: Path) -> None:
    without = GOOD[: GOOD.index("interfaces:")] + "interfaces: {}\n"
    merchant = read_merchant(written(tmp_path, without + "settings: store\n"))
    assert interfaces_of(merchant) == []
    with pytest.raises(ConfigurationError) as caught:
        read_merchant(written(tmp_path, without))
    assert "interfaces is a mapping: names no interface, so no file would be read" in str(caught.value)
    assert "settings: store" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "start", "offer"),
    [
        (
            "srs_purchases: {}",
            "srs_purchases: {freshness: {warn_affter: 26h}}",
            "shop.yaml:11: interfaces.srs_purchases.freshness.warn_affter is no known key",
            "'warn_after'",
        ),
        (
            "srs_purchases: {}",
            "srs_purchases: {freshness: {warn_after: 26 hours}}",
            "shop.yaml:11: interfaces.srs_purchases.freshness.warn_after is '26 hours'",
            "90m, 26h or 2d",
        ),
        (
            "srs_purchases: {}",
            "srs_purchases: {freshness: {warn_after: 2d}}",
            "shop.yaml:11: interfaces.srs_purchases.freshness is a mapping",
            "warn_after (2d) must be shorter than error_after (36h)",
        ),
        (
            "srs_purchases: {}",
            "srs_purchases: {freshness: {expected_by: 17:00}}",
            "shop.yaml:11: interfaces.srs_purchases.freshness.expected_by is 1020",
            'in quotes, hours and minutes: "07:00"',
        ),
        (
            "srs_purchases: {}",
            'srs_purchases: {freshness: {expected_by: "17:00", warn_after: 3h}}',
            "shop.yaml:11: interfaces.srs_purchases.freshness is a mapping",
            "either expected_by, or warn_after and error_after",
        ),
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
        ("EUR", "euro", "shop.yaml:4: currency is 'euro'", "write it in this form"),
        ("name: shop\n", "name: other\n", "shop.yaml:1: name is 'other'", "shop.yaml: use one name"),
        (
            "currency: EUR\n",
            "currency: EUR\nschedule: daily\n",
            "shop.yaml:5: schedule is 'daily'",
            "five parts",
        ),
    ],
)
def test_a_error_says_where_what_and_what_instead(
    tmp_path: Path, old: str, new: str, start: str, offer: str
) -> None:
    message = error(tmp_path, old, new)
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
def test_a_error_shows_nobodys_address_or_number(tmp_path: Path, new: str, said: str) -> None:
    message = error(tmp_path, "currency: EUR\n", f"currency: EUR\n{new}\n")
    assert said in message
    assert "zzyzx" not in message
    assert "0697531246" not in message


def test_a_long_value_is_clipped(tmp_path: Path) -> None:
    message = error(tmp_path, "currency: EUR", f"currency: {'x' * 500}")
    assert f"currency is '{'x' * 59}…: " in message


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert "timezone is missing and required" in error(tmp_path, "timezone: Europe/Amsterdam\n", "")


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    message = error(tmp_path, "currency: EUR", "currency: euro\nschedul: '0 0 * * *'")
    assert len(message.splitlines()) == 2


def test_a_key_that_is_there_twice_is_no_silent_choice(tmp_path: Path) -> None:
    message = error(tmp_path, "currency: EUR\n", "currency: EUR\ncurrency: USD\n")
    assert message == "shop.yaml:5: currency is there twice"


def test_an_alias_that_leads_back_to_itself_is_a_error_like_others(tmp_path: Path) -> None:
    message = error(tmp_path, "currency: EUR\n", "currency: EUR\nloop: &again [*again]\n")
    assert "shop.yaml:5: loop is no known key" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [shop", "not readable as YAML"),
        ("", "holds `key: value` lines"),
        ("- a\n", "holds `key: value` lines"),
    ],
)
def test_what_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_merchant(written(tmp_path, text))
    assert "shop.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("schedule: '99 99 * * *'", "5: schedule is '99 99 * * *': is never due"),
        ("schedule: '0 0 30 2 *'", "5: schedule is '0 0 30 2 *': is never due"),
        ("history_from: 0001-01-01", "5: history_from is 0001-01-01: must be a day from 1970-01-01"),
        ("history_from: 9999-12-31", "5: history_from is 9999-12-31: must be a day from 1970"),
        ("history_from: soon", "5: history_from is 'soon': a day is expected: 2026-01-31"),
        ("alerts: {email: [oncall]}", "5: alerts.email.0 is not shown: is not an e-mail address"),
        ("alerts: {email: ['a@example.com, b']}", "5: alerts.email.0 is not shown: is not an e-mail address"),
        ("alerts: {email_from: shop}", "5: alerts.email_from is not shown: is not an e-mail address"),
        ('alerts: {email_from: "a@example.com\\nBcc: x@example.com"}', "5: a line break or an invisible"),
        ('title: "Shop\\e[2J"', "5: a line break or an invisible character within a value"),
        ('title: "Shop \\u202e"', "5: a line break or an invisible character within a value"),
        ("feedback: {folder: ..}", "5: feedback.folder is '..': must be the name of one folder"),
        ("feedback: {folder: a/b}", "5: feedback.folder is 'a/b': must be the name of one folder"),
        ("feedback: {format: xlm}", "5: feedback.format is 'xlm': did you mean 'xml'?"),
        ("excluded_identifiers: [0]", "5: excluded_identifiers.0 is not shown: text is expected"),
        ("excluded_identifiers: [a@example.com]", "write it under excluded_emails"),
        ("retention: {archive_days: 0}", "5: retention.archive_days is 0: more than 0 is expected"),
        ("retention: {archive_days: 99999}", "5: retention.archive_days is 99999: 36500 or less is expected"),
        (
            "limits: {files_per_run: 1000000000000}",
            "5: limits.files_per_run is 1000000000000: 10000 or less is",
        ),
        ("retention: {archive_days: many}", "is 'many': a whole number is expected"),
        ("alerts: {email: a@example.com}", "5: alerts.email is not shown: a list is expected"),
        ("paused: perhaps", "5: paused is 'perhaps': true or false is expected"),
        ("title: ''\nowner: 3", "6: owner is 3: text is expected: put it in quotes"),
        ("title: 2026-02-30", "not readable as YAML: day is out of range for month: put it in quotes"),
        ("title: " + "[" * 5_000 + "]" * 5_000, "shop.yaml"),
        ("1: one", "shop.yaml:5: 1 is"),
    ],
)
def test_what_would_harm_a_later_run_is_refused_here(tmp_path: Path, new: str, said: str) -> None:
    message = error(tmp_path, "currency: EUR\n", f"currency: EUR\n{new}\n")
    assert said in message
    assert not re.search(r"pydantic|Input should|valid (string|integer|tuple)|type=", message)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "KlantNr",
            "Klant Nr",
            "10: interfaces.srs_customers.elements.customer_number 'Klant Nr' is no element",
        ),
        ("KlantNr", "1Nr", "'1Nr' is no element name"),
        ("KlantNr", "a:Nr", "'a:Nr' is no element name"),
        ("KlantNr", "Nr²", "'Nr²' is no element name"),
        ("KlantNr", "City", "'City' is the element of 'city' already"),
        ("KlantNr", "Email", "'Email' is the element of 'email' already"),
        (
            "KlantNr",
            "Email\n      email: CustomerNumber",
            "'Email' is an address, and an address is no customer",
        ),
        ("KlantNr", "Klant\n      city: Country\n      country: City", ""),
        ("KlantNr", "Customer", "'Customer' holds records or lines"),
        (
            "KlantNr",
            "Klant\n      city: Town\n      country: Town",
            "elements.country 'Town' is the element of 'city'",
        ),
        ("connection: shop_ftps", "connection: shop_ftps\n  root: /a/../b", "7: ftps.root is '/a/../b'"),
        (
            "connection: shop_ftps",
            "connection: shop_ftps\n  processed_folder: '..'",
            "7: ftps.processed_folder",
        ),
        (
            "connection: shop_ftps",
            "connection: shop_ftps\n  poll_interval: .inf",
            "a finite number is expected",
        ),
        (
            "connection: shop_ftps",
            "connection: shop_ftps\n  stable_for: 1.0e+30",
            "ftps.stable_for is 1e+30: 86400.0 or less",
        ),
        ("shop_name: Test_Shop", "shop_name: Test/Shop", "2: shop_name is 'Test/Shop'"),
    ],
)
def test_element_names_and_folders_that_cannot_work_are_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    if said:
        assert said in error(tmp_path, old, new)
    else:  # two fields that trade their names have one each
        read_merchant(written(tmp_path, GOOD.replace(old, new)))


def test_own_placeholders_are_added_to_the_fixed_ones(tmp_path: Path) -> None:
    text = GOOD.replace(
        "currency: EUR",
        "currency: EUR\nexcluded_identifiers: ['999', '0']\nexcluded_emails: [ Kassa@Shop.NL ]",
    )
    merchant = read_merchant(written(tmp_path, text))
    assert merchant.excluded_identifiers == ("0", "000", "-1", "999")
    assert merchant.excluded_emails == ("kassa@shop.nl",)
    assert read_merchant(written(tmp_path, GOOD)).excluded_identifiers == ("0", "000", "-1")


def test_customers_7_addresses_are_compared_alike_one_by_one_and_by_column() -> None:
    assert matched_email(" JAN@Example.com ") == "jan@example.com"
    assert matched_email("\u0130@x.nl") == "\u0130@x.nl"
    assert matched_email("\u212a@x.nl") == "\u212a@x.nl"  # NFC itself would make the Kelvin sign a K
    texts = ["JAN@X.nl", "\u0130@x.nl", "\u212a@X.nl", "e\u0301@x.nl", None]
    assert matched_emails(pa.array(texts)).to_pylist() == [text and matched_email(text) for text in texts]


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(b"shop_name: x\nname: caf\xe9\n")
    with pytest.raises(
        ConfigurationError, match=r"shop.yaml:2: not readable as YAML: .* save the file as UTF-8"
    ):
        read_merchant(tmp_path / "shop.yaml")


def _unreadable(path: Path) -> None:
    path.write_text("name: x\n")
    path.chmod(0)


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("x.yaml", lambda path: path.symlink_to("nowhere"), "x.yaml: cannot be read: No such file"),
        ("x.yaml", Path.mkdir, "x.yaml: is no file"),
        ("x.yaml", os.mkfifo, "x.yaml: is no file"),
        ("x.yml", lambda path: path.symlink_to("/dev/zero"), "x.yml: is no file"),
        ("x.yaml", lambda path: path.write_bytes(b"#" * 2_000_000), "x.yaml: is larger than"),
        (
            "x.yaml",
            lambda path: path.write_text("a: \0"),
            "x.yaml:1: not readable as YAML: a control character",
        ),
        (
            "shop.yml",
            lambda path: path.write_text(GOOD),
            "shop.yml:1: name is 'shop', which another file has",
        ),
        (
            "copy.yaml",
            lambda path: path.symlink_to("shop.yaml"),
            "copy.yaml:1: name is 'shop', but the file is",
        ),
        ("SHOP.YAML", lambda path: path.write_text(GOOD), "SHOP.YAML:1: name is 'shop', but the file is"),
        pytest.param(
            "x.yaml",
            _unreadable,
            "x.yaml: cannot be read: Permission denied",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything"),
        ),
    ],
)
def test_a_stray_entry_is_its_own_error_and_nobody_elses(
    tmp_path: Path, name: str, make: Callable[[Path], object], said: str
) -> None:
    written(tmp_path, GOOD)
    make(tmp_path / name)
    good, errors = read_merchants(tmp_path)
    assert [each.name for each in good] == ["shop"]
    assert [said in str(error) for error in errors] == [True], errors


@pytest.mark.parametrize("name", [".#shop.yaml", ".shop.yaml", "shop.yaml~", "#shop.yaml#", "shop.yaml.swp"])
def test_what_editors_leave_is_ignored(tmp_path: Path, name: str) -> None:
    written(tmp_path, GOOD)
    (tmp_path / name).symlink_to("me@host.1234:1")
    good, errors = read_merchants(tmp_path)
    assert ([each.name for each in good], errors) == (["shop"], [])


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    good, errors = read_merchants(tmp_path / "nowhere")
    assert not good
    assert "nowhere: the folder of merchant files cannot be listed" in str(errors[0])


def test_a_failure_of_the_check_itself_costs_no_other_merchant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, GOOD.replace("name: shop\n", "name: second\n"), "second.yaml")

    calls: list[str] = []

    def once(name: str, settings: InterfaceSettings) -> Iterable[SettingError]:
        calls.append(name)
        if len(calls) == 1:
            raise KeyError(name)
        return errors_of(name, settings)

    monkeypatch.setattr(checks, "errors_of", once)
    good, errors = read_merchants(tmp_path)
    assert [each.name for each in good] == ["shop"]
    assert "second.yaml: cannot be checked" in str(errors[0])


def test_one_bad_file_leaves_the_others(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, GOOD.replace("currency", "curency"), "bad.yaml")
    written(tmp_path, GOOD.replace("name: shop\n", "name: second\n"), "second.yaml")
    good, errors = read_merchants(tmp_path)
    assert [each.name for each in good] == ["second", "shop"]
    assert len(errors) == 1
    assert "bad.yaml" in str(errors[0])


def test_the_merchants_of_the_project_are_fine() -> None:
    good, errors = read_merchants(INCLUDE / "merchants")
    assert not errors
    assert {"completejourney", "testshop"} <= {each.name for each in good}
