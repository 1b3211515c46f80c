"""The text of result files: the same facts in both layouts, in an order that never changes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from lxml import etree

from erp_feeds.batch import Counts
from erp_feeds.feedback.result_file import FileResult, RejectedRecord, result_file

NAME = "TestShop_SRS_Customers_20170101.zip"
LOADED = FileResult(
    name=NAME,
    sha256="ab" * 32,
    state="loaded",
    code="",
    counts=Counts(
        read=9,
        loaded=4,
        collapsed=1,
        skipped={"no_lines": 2},
        rejected={"missing_field": 1, "invalid_date": 1},
        warnings={"no_email": 3, "unknown_value:gender": 1},
    ),
    rejects=(
        RejectedRecord(2, 17, "invalid_date", "birthdate"),
        RejectedRecord(3, None, "missing_field", ""),
    ),
)
REFUSED = FileResult(name=NAME, sha256="", state="quarantined", code="not_a_zip", counts=Counts())
SCHEMA = Path(__file__).parents[3] / "docs" / "feedback.xsd"


def test_customers_11_xml_holds_every_fact_and_the_field_of_a_warning() -> None:
    name, content = result_file(LOADED, "xml")
    assert name == f"{NAME}.result.xml"
    root = etree.fromstring(content)
    assert dict(root.attrib) == {"version": "1.0", "name": NAME, "state": "loaded", "sha256": "ab" * 32}
    assert [(fact.tag, dict(fact.attrib)) for fact in root] == [
        ("Counts", {"read": "9", "loaded": "4", "collapsed": "1"}),
        ("Skipped", {"code": "no_lines", "count": "2"}),
        ("Rejected", {"code": "invalid_date", "count": "1"}),
        ("Rejected", {"code": "missing_field", "count": "1"}),
        ("Warning", {"code": "no_email", "count": "3"}),
        ("Warning", {"code": "unknown_value", "count": "1", "field": "gender"}),
        ("Reject", {"record": "2", "line": "17", "code": "invalid_date", "field": "birthdate"}),
        ("Reject", {"record": "3", "code": "missing_field"}),
    ]


def test_csv_holds_every_fact() -> None:
    name, content = result_file(LOADED, "csv")
    assert name == f"{NAME}.result.csv"
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert rows == [
        ["kind", "record", "line", "code", "field", "count", "text"],
        ["file", "", "", "", "", "", NAME],
        ["sha256", "", "", "", "", "", "ab" * 32],
        ["state", "", "", "", "", "", "loaded"],
        ["read", "", "", "", "", "9", ""],
        ["loaded", "", "", "", "", "4", ""],
        ["collapsed", "", "", "", "", "1", ""],
        ["skipped", "", "", "no_lines", "", "2", ""],
        ["rejected", "", "", "invalid_date", "", "1", ""],
        ["rejected", "", "", "missing_field", "", "1", ""],
        ["warning", "", "", "no_email", "", "3", ""],
        ["warning", "", "", "unknown_value", "gender", "1", ""],
        ["reject", "2", "17", "invalid_date", "birthdate", "", ""],
        ["reject", "3", "", "missing_field", "", "", ""],
    ]


def test_a_quarantined_file_tells_its_code() -> None:
    root = etree.fromstring(result_file(REFUSED, "xml")[1])
    assert dict(root.attrib) == {
        "version": "1.0",
        "name": NAME,
        "state": "quarantined",
        "code": "not_a_zip",
    }
    assert "state,,,not_a_zip,,,quarantined" in result_file(REFUSED, "csv")[1].decode()


@pytest.mark.parametrize("result", [LOADED, REFUSED])
def test_xml_is_as_the_schema_declares(result: FileResult) -> None:
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(result_file(result, "xml")[1]))
