"""The command that shows a mapping, where no store is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from erp_feeds.cli import app

SHOP = """\
name: shop
shop_name: Shop
timezone: Europe/Amsterdam
currency: EUR
ftps: {connection: shop_ftps}
interfaces:
  erp_cache_customers: {}
"""
MAPPED = """\
  srs_customers:
    elements: {city: Plaats}
    extra_elements: [LoyaltyCard]
    mapping:
      city: {from: city, empty: clear}
      custom_loyalty: {from: LoyaltyCard}
      phone: null
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one merchant file."""
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))
    (tmp_path / "shop.yaml").write_text(SHOP + MAPPED, "utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


def test_machines_get_every_link_with_its_origin(folder: Path) -> None:
    told = json.loads(run("shop", "--json").stdout)
    (mapping,) = told["mappings"]
    assert (told["merchant"], mapping["interface"], len(mapping["version"])) == ("shop", "srs_customers", 12)
    links = {link["target"]: link for link in mapping["links"]}
    assert links["city"] == {
        "target": "city",
        "sources": ["city"],
        "elements": ["Plaats"],
        "transform": "",
        "date_form": "",
        "empty": "clear",
        "origin": "merchant",
    }
    assert links["custom_loyalty"]["sources"] == ["LoyaltyCard"]
    assert (links["phone"]["origin"], links["lastname"]["origin"]) == ("unlinked", "default")


def test_people_get_a_table_with_the_version(folder: Path) -> None:
    version = json.loads(run("shop", "--json").stdout)["mappings"][0]["version"]
    shown = run("shop").stdout
    assert f"srs_customers of shop: version {version}" in shown
    assert "infix, last_name" in shown


def test_a_merchant_without_mapped_interfaces_is_told(folder: Path) -> None:
    (folder / "shop.yaml").write_text(SHOP, "utf-8")
    assert run("shop").stdout == "no interface of shop has a mapping\n"
    assert json.loads(run("shop", "--json").stdout) == {"merchant": "shop", "mappings": []}


def test_a_mistyped_merchant_gets_an_offer_and_a_faulty_one_its_errors(folder: Path) -> None:
    result = run("shoop")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: no merchant file 'shoop'; did you mean 'shop'?\n",
    )
    (folder / "shop.yaml").write_text(SHOP + MAPPED.replace("from: city", "from: citty"), "utf-8")
    result = run("shop")
    assert result.exit_code == 1
    assert "shop.yaml:12: interfaces.srs_customers.mapping.city.from 'citty' is no source" in result.stderr
