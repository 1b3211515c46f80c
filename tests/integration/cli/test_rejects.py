"""Rejects on the command line: dismissed one by one or in bulk, opened again, exported."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from erp_feeds.cli import app
from support.known_rows import fill

WHO = ("--by", "Ada", "--reason", "never to be corrected")
FILE = "Shop_SRS_Customers_20170101.zip"


@pytest.fixture(autouse=True)
def _filled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: psycopg.Connection) -> None:
    (tmp_path / "merchants").mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path / "merchants"))
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "60")
    fill(store)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_dismissed_and_opened_again(tmp_path: Path) -> None:
    assert run("dismiss", "shop", "--code", "missing_field", *WHO).output == "shop: 2 rejects dismissed\n"
    one = run("dismiss", "shop", "--file", FILE, "--record", "7", *WHO, "--json")
    assert json.loads(one.stdout) == {"merchant": "shop", "rejects": 1, "state": "dismissed"}
    assert run("rejects", "shop").output.startswith("Rejects of shop: none\n")
    listed = run("rejects", "shop", "--all", "--code", "invalid_decimal").output
    assert " ".join(listed.split()).count("dismissed by Ada") == 1
    again = run("dismiss", "shop", "--code", "missing_field", *WHO)
    assert again.stderr == "error: shop has no such open reject: `rejects shop --all`\n"
    assert run("dismiss", "shop", "--file", FILE, "--undo").output == "shop: 3 rejects open again\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop"], "use one or more of --interface, --code, --field and --file"),
        (["shop", "--record", "7"], "--record needs --file"),
        (["12", "--code", "missing_field"], "need a merchant instead of an incident"),
        (["shop", "--code", "missing_fiel"], "did you mean 'missing_field'?"),
        (["shop", "--code", "missing_field", "--by", "Ada"], "give your name and a reason"),
        (["shopp", "--code", "missing_field", *WHO], "did you mean 'shop'?"),
        (
            ["shop", "--code", "not_well_formed", *WHO],
            "dismiss their incident by its number: `incidents shop`",
        ),
        (["12", *WHO], "no incident 12 is open"),
        (["12", "--undo"], "no incident 12 is dismissed"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments: list[str], said: str) -> None:
    result = run("dismiss", *arguments, "--json")
    assert result.exit_code in {1, 2}
    assert said in json.loads(result.stderr)["error"]["message"]


def test_an_export_holds_all_open_rejects_whatever_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "for-the-sender.csv"
    told = run("rejects", "shop", "--export", str(path), "--limit", "1")
    assert told.output == f"{path}: 3 rejects, for you and the ERP party only\n"
    assert len(path.read_text("utf-8-sig").splitlines()) == 1 + 3
    assert run("rejects", "shop", "--export", str(tmp_path / "a.pdf")).exit_code == 2
