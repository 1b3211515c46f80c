"""What a merchant file says of a mapping becomes links, source fields and one version."""

from __future__ import annotations

from typing import Any

import pytest

from erp_feeds.columns.meanings import MEANINGS
from erp_feeds.interfaces import INTERFACES
from erp_feeds.interfaces.mapping import as_delivered, mapping_of_settings
from erp_feeds.interfaces.spec import FieldType, Interface
from erp_feeds.interfaces.targets import TRANSFORMS
from erp_feeds.merchant import InterfaceSettings
from erp_feeds.publish.mapping_page import link_rows, markdown

CUSTOMERS = INTERFACES["srs_customers"]
MAPPED = [interface for interface in INTERFACES.values() if interface.targets]


def said(extra: tuple[str, ...] = (), elements: dict[str, str] | None = None, **mapping: Any) -> Any:
    settings = {"extra_elements": extra, "elements": elements or {}, "mapping": mapping}
    return InterfaceSettings.model_validate(settings)


def version(**settings: Any) -> str:
    return mapping_of_settings(CUSTOMERS, said(**settings)).version


def test_every_transform_is_done_somewhere_once() -> None:
    assert set(MEANINGS) == {name for name, each in TRANSFORMS.items() if each.reads is None}


@pytest.mark.parametrize("interface", MAPPED, ids=lambda each: each.name)
def test_defaults_link_declared_targets_to_declared_fields(interface: Interface) -> None:
    mapping = mapping_of_settings(interface, InterfaceSettings())
    assert {link.target for link in mapping.links} == {link.target for link in interface.links}
    columns = set(interface.field_names())
    assert all(columns.issuperset(link.sources) for link in interface.links)
    transforms = {target.name: target.transform for target in interface.targets}
    assert all(link.transform == transforms.get(link.target, "") for link in interface.links)
    assert all(
        target.fixed == "" or target.name in mapping_targets(interface) for target in interface.targets
    )


def mapping_targets(interface: Interface) -> set[str]:
    return {link.target for link in interface.links}


def test_a_version_is_short_stable_and_of_what_the_mapping_does() -> None:
    assert version() == version()
    assert len(version()) == 12
    birthdate = {"from": "birth_date", "date_form": "%Y-%m-%d"}
    written_out = version(birthdate=birthdate, lastname={"join": ["infix", "last_name"]})
    assert written_out == version()
    others = {
        version(phone=None),
        version(city={"from": "city", "empty": "clear"}),
        version(city={"from": "street"}),
        version(lastname={"join": ["last_name", "infix"]}),
        version(birthdate={"from": "birth_date", "date_form": "%d-%m-%Y"}),
        version(elements={"city": "Plaats"}),
        version(extra=("Card",), custom_card={"from": "Card"}),
        version(extra=("Card",), custom_card={"from": "Card", "transform": "yes_no"}),
        version(),
    }
    assert len(others) == 9
    a, b = {"from": "street"}, {"from": "city"}
    assert version(custom_a=a, custom_b=b) == version(custom_b=b, custom_a=a)


def test_the_version_of_an_unused_element_changes_nothing() -> None:
    assert version(extra=("Card",)) == version()


def test_the_parser_reads_what_the_links_want() -> None:
    settings = said(
        ("Vip", "Joined", "Card"),
        {"city": "Plaats"},
        newsletter={"from": "Vip"},
        custom_joined={"from": "Joined", "date_form": "%Y%m%d"},
        custom_card={"from": "Card"},
        birthdate={"from": "birth_date", "date_form": "%d.%m.%Y"},
    )
    delivered = as_delivered(CUSTOMERS, settings)
    assert delivered.field("city").element == "Plaats"
    assert delivered.field("birth_date").date_form == "%d.%m.%Y"
    fields = {field.element: field for field in delivered.fields[-3:]}
    assert fields["Vip"].type is FieldType.YES_NO
    assert (fields["Joined"].type, fields["Joined"].date_form) == (FieldType.DATE, "%Y%m%d")
    assert fields["Card"].type is FieldType.TEXT
    assert as_delivered(CUSTOMERS, InterfaceSettings()) == CUSTOMERS


def test_what_no_link_uses_stays_text_and_rejects_no_record() -> None:
    assert as_delivered(CUSTOMERS, said(birthdate=None)).field("birth_date").type is FieldType.TEXT
    cache = INTERFACES["erp_cache_customers"]
    assert as_delivered(cache, InterfaceSettings()) == cache


def test_rows_say_where_each_link_comes_from() -> None:
    settings = said(
        ("Card",), phone=None, custom_card={"from": "Card"}, city={"from": "city", "empty": "clear"}
    )
    rows = {row.target: row for row in link_rows(CUSTOMERS, mapping_of_settings(CUSTOMERS, settings))}
    assert (rows["custom_card"].sources, rows["custom_card"].elements) == (["Card"], ["Card"])
    assert (rows["city"].origin, rows["city"].empty) == ("merchant", "clear")
    assert (rows["firstname"].origin, rows["firstname"].empty) == ("default", "keep")
    assert rows["email"].origin == "fixed"
    assert (rows["phone"].origin, rows["phone"].sources) == ("unlinked", [])
    purchases = INTERFACES["srs_purchases"]
    rows = {row.target: row for row in link_rows(purchases, mapping_of_settings(purchases, said()))}
    assert rows["currency"].empty == ""


def test_the_page_names_every_target_and_transform() -> None:
    page = markdown(INTERFACES.values())
    for interface in MAPPED:
        assert f"(`{interface.name}`)" in page
        assert all(f"| `{target.name}` |" in page for target in interface.targets)
    assert all(f"| `{name}` |" in page for name in TRANSFORMS)
    assert "| `lastname` | Last name, with its infix | `infix` + `last_name` |  | yes |" in page
