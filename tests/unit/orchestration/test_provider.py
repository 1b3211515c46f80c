"""Airflow finds the connection type FTPS by the package's entry point, and its form holds every extra."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points

import pytest

from erp_feeds.ftps.connection import Extras, field_schemas
from erp_feeds.orchestration.provider import get_provider_info
from erp_feeds.settings import INCLUDE


def test_airflow_finds_the_provider_under_the_name_it_gives_itself() -> None:
    found = [
        entry
        for entry in entry_points(group="apache_airflow_provider")
        if "erp_feeds" in entry.value.split(".")[0]
    ]
    (entry,) = {entry.value: entry for entry in found}.values()
    assert entry.load() is get_provider_info
    assert entry.dist is not None
    assert entry.dist.name == get_provider_info()["package-name"]
    project = tomllib.loads((INCLUDE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert (entry.dist.name, entry.dist.version) == (project["name"], project["version"])


def test_the_form_is_one_that_airflow_accepts() -> None:
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    hook = ProvidersManagerTaskRuntime().hooks["ftps"]
    assert hook is not None
    assert hook.hook_class_name == "erp_feeds.ftps.hook.FtpsHook"
    widgets = {
        widget.field_name: widget
        for widget in ProvidersManager().connection_form_widgets.values()
        if widget.package_name == "erp-feeds"
    }
    assert list(widgets) == list(Extras.model_fields)
    assert [name for name, widget in widgets.items() if widget.is_sensitive] == ["key_password"]


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("tls", {"type": "string", "enum": ["explicit", "implicit"], "default": "explicit"}),
        ("ca_file", {"type": ["string", "null"]}),
        ("verify", {"type": "boolean", "default": True}),
        ("timeout", {"type": "number", "default": 30}),
        ("max_tls", {"type": ["string", "null"], "enum": ["1.2", "1.3"]}),
    ],
)
def test_a_field_has_the_type_of_its_extra(name: str, schema: dict[str, object]) -> None:
    assert field_schemas()[name] == schema


def test_every_extra_is_explained() -> None:
    for name, field in Extras.model_fields.items():
        assert field.title, name
        assert field.description, name
