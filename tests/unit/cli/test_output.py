"""What commands print never steers a terminal, and amounts keep every digit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

import erp_feeds.cli
from erp_feeds.cli.output import print_facts, print_json, print_table, say
from erp_feeds.errors import visible

STEERING = "\x1b[2J\x07\x00\x9b31m\x85\u202e\u2066\u200b\ufeff\r\x7f\u2028\ue000"


@dataclass(frozen=True)
class Row:
    file: str
    amount: Decimal


def assert_steers_nothing(printed: str) -> None:
    assert not [each for each in printed if each != "\n" and not each.isprintable()]


def test_every_way_of_printing_makes_steering_visible(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"error: {STEERING}")
    print_table(f"Title {STEERING}", [Row(f"a{STEERING}.zip", Decimal(1))], ("file", "amount"))
    print_table(f"Nothing {STEERING}", [], ("file",))
    print_facts(f"Facts {STEERING}", {f"key{STEERING}": {f"k{STEERING}": f"v{STEERING}"}})
    printed = capsys.readouterr().out
    assert_steers_nothing(printed)
    assert printed.count(r"\x1b[2J\x07\x00\x9b31m\x85\u202e") >= 6


def test_a_narrow_terminal_shows_each_file_name_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    name = "BoekhandelDeLange_ErpCache_Customers_20261120053000.zip"
    reason = "is no moment of the form yyyy-MM-ddTHH:mm:ss"
    raw = f"<Name>\n  <File>{name}</File>\n</Name>"
    print_facts("File", {"name": name, "code": "", "reason": reason, "day": None, "raw": raw})
    assert capsys.readouterr().out.splitlines() == [
        "File",
        f" name    {name}",
        " code",
        " reason  is no moment of the form",
        "         yyyy-MM-ddTHH:mm:ss",
        " raw     <Name>",
        f"           <File>{name}</File>",
        "         </Name>",
    ]


def test_a_time_is_in_utc_and_says_so_whatever_zone_it_came_in(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    zones = ("UTC", "Europe/Amsterdam", "America/New_York")
    rows = [SimpleNamespace(at=moment.astimezone(ZoneInfo(zone))) for zone in zones]
    print_table("Times", rows, ("at",))
    print_facts("Time", vars(rows[2]))
    assert capsys.readouterr().out.count("2026-07-01 12:30:00 UTC") == 4
    print_json([vars(row) for row in rows])
    assert capsys.readouterr().out.count('"at": "2026-07-01T12:30:00+00:00"') == 3


def test_json_is_the_same_data_and_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    data = {"file": f"Zoë 𝄞 {STEERING}\U000e0001"}
    print_json(data)
    printed = capsys.readouterr().out
    assert_steers_nothing(printed)
    assert "Zoë 𝄞" in printed
    assert json.loads(printed) == data


def test_json_keeps_every_digit_of_an_amount(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Row("a.zip", Decimal("9007199254740993.01")), Row("b.zip", Decimal("1E+3"))])
    assert [row["amount"] for row in json.loads(capsys.readouterr().out)] == ["9007199254740993.01", "1000"]


def test_plain_text_stays_as_it_is() -> None:
    text = "Zoë's café: 日本語, line\n\ttab \\x1b"
    assert visible(text) == text


def test_no_command_prints_past_the_one_way() -> None:
    folder = Path(erp_feeds.cli.__file__).parent
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.py") if path.name != "output.py"}
    assert [name for name, text in texts.items() if re.search(r"typer\.echo\(|\bprint\(", text)] == []
