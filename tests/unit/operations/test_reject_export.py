"""Rejects as a table that the ERP party opens in a spreadsheet."""

from __future__ import annotations

import csv
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakSet

import pytest
from lxml import etree

from erp_feeds.errors import FailError
from erp_feeds.operations import reject_export
from erp_feeds.store.reject_rows import Reject

PLAIN = Reject(
    file="TestShop_SRS_Customers_1.zip",
    file_id=1,
    interface="srs_customers",
    record=3,
    line=12,
    code="malformed_number",
    field="customer_number",
    reason="is no plain number",
    run_id="run",
    opened_at=datetime(2026, 3, 1, tzinfo=UTC),
    resolved_at=None,
    resolved_by_run=None,
    resolved_by_file=None,
    dismissed_at=None,
    dismissed_by=None,
    dismissed_reason=None,
    key="00123",
    raw="<Customer/>",
)


def written(path: Path) -> list[list[str]]:
    """The cells of a file, as a spreadsheet shows them."""
    if path.suffix == ".csv":
        return list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    with zipfile.ZipFile(path) as book:
        sheet = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not sheet.findall(".//{*}f")
    return [[_cell(cell) for cell in row] for row in sheet.findall(".//{*}row")]


def _cell(cell: etree._Element) -> str:
    return cell.findtext("{*}is/{*}t") or cell.findtext("{*}v") or ""


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_row_says_which_record_what_is_wrong_and_what_to_do(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rejects{suffix}"
    path.write_text("an older one", "utf-8")
    reject_export.write(path, [PLAIN, replace(PLAIN, record=4, line=None, key="ada@example.com")])
    head, first, second = written(path)
    assert tuple(head) == reject_export.COLUMNS
    assert first == [
        *("TestShop_SRS_Customers_1.zip", "3", "12", "00123"),
        *("malformed_number", "customer_number", "is no plain number"),
        "A number was written by a spreadsheet (1.23E+05, 123.0) or holds digits that are not ASCII.",
        "Please export numbers as text.",
    ]
    assert second[1] == "4"
    assert "ada@example.com" not in second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_each_reject_is_written_as_it_comes_and_not_kept(tmp_path: Path, suffix: str) -> None:
    known: WeakSet[Reject] = WeakSet()
    most = 0

    def coming() -> Iterator[Reject]:
        nonlocal most
        for record in range(500):
            reject = replace(PLAIN, record=record, reason=f"reason {record}")
            known.add(reject)
            most = max(most, len(known))
            yield reject

    path = tmp_path / f"rejects{suffix}"
    assert reject_export.write(path, coming()) == 500
    assert [row[1] for row in written(path)[1:]] == [str(record) for record in range(500)]
    assert most < 10


def test_a_sheet_that_is_full_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reject_export, "SHEET_ROWS", 2)
    with pytest.raises(FailError, match=r"export \.csv"):
        reject_export.write(tmp_path / "rejects.xlsx", [PLAIN] * 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_run_as_a_formula(tmp_path: Path, suffix: str, start: str) -> None:
    path = tmp_path / f"rejects{suffix}"
    reject_export.write(path, [replace(PLAIN, field=start, file=start, reason=f"{start}\x1b[2J")])
    _, row = written(path)
    assert (row[0], row[5]) == ("'" + start, "'" + start)
    assert row[6] == f"'{start}\\x1b[2J"


def test_a_place_that_takes_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FailError, match="cannot be written: No such file or directory"):
        reject_export.write(tmp_path / "nowhere" / "rejects.csv", [PLAIN])


@pytest.mark.parametrize(
    ("code", "request_of_it"),
    [
        ("invalid_decimal", "Please correct the record and send it again."),
        ("id_taken", "Please give one of the two purchases another number and send it again."),
        ("invalid_date", "Please correct the record and send it again."),
        ("too_many_fields", "Nothing: we look into it."),
    ],
)
def test_the_sender_reads_a_request_in_whole_sentences(tmp_path: Path, code: str, request_of_it: str) -> None:
    path = tmp_path / "rejects.csv"
    reject_export.write(path, [replace(PLAIN, code=code)])
    assert written(path)[1][-1] == request_of_it
