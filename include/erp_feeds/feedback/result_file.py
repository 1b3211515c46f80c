"""The result file for the ERP party: what became of one of its files, as XML or CSV.

It holds codes, counts, record numbers and field names only. Reasons are left out: they may quote a value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from erp_feeds.batch import Counts

Format = Literal["xml", "csv"]
CSV_COLUMNS = ("kind", "record", "line", "code", "field", "count", "text")


@dataclass(frozen=True)
class RejectedRecord:
    """One error of one record that no load has resolved yet."""

    record: int
    """From 1, counted over all members of the file."""
    line: int | None
    """Line of the XML, where it is known."""
    code: str
    field: str
    """Name of the field; empty where the whole record has the error."""


@dataclass(frozen=True)
class FileResult:
    """What became of one file."""

    name: str
    sha256: str
    """Of the bytes as the ERP party uploaded them; empty where they could not be fetched."""
    state: str
    """`loaded` or `quarantined`."""
    code: str
    """Why it is quarantined, else empty."""
    counts: Counts
    rejects: tuple[RejectedRecord, ...] = ()


def result_file(result: FileResult, form: Format) -> tuple[str, bytes]:
    """Return name and bytes of a result file; the same result always gives the same bytes."""
    return f"{result.name}.result.{form}", _WRITERS[form](result)


def _xml(result: FileResult) -> bytes:
    counts = result.counts
    root = etree.Element("FileResult", version="1.0", name=result.name, state=result.state)
    for attribute, text in (("sha256", result.sha256), ("code", result.code)):
        if text:
            root.set(attribute, text)
    totals = {"read": counts.read, "loaded": counts.loaded, "collapsed": counts.collapsed}
    etree.SubElement(root, "Counts", {name: str(number) for name, number in totals.items()})
    for kind, code, field, number in _coded(counts):
        element = etree.SubElement(root, kind.title(), code=code, count=str(number))
        if field:
            element.set("field", field)
    for rejected in result.rejects:
        reject = etree.SubElement(root, "Reject", record=str(rejected.record), code=rejected.code)
        if rejected.line is not None:
            reject.set("line", str(rejected.line))
        if rejected.field:
            reject.set("field", rejected.field)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _csv(result: FileResult) -> bytes:
    counts = result.counts
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="")
    writer.writeheader()
    writer.writerow({"kind": "file", "text": result.name})
    writer.writerow({"kind": "sha256", "text": result.sha256})
    writer.writerow({"kind": "state", "code": result.code, "text": result.state})
    for kind in ("read", "loaded", "collapsed"):
        writer.writerow({"kind": kind, "count": getattr(counts, kind)})
    for kind, code, field, number in _coded(counts):
        writer.writerow({"kind": kind, "code": code, "field": field, "count": number})
    for rejected in result.rejects:
        writer.writerow({"kind": "reject", **vars(rejected)})
    return text.getvalue().encode("utf-8")


def _coded(counts: Counts) -> Iterator[tuple[str, str, str, int]]:
    """Yield kind, code, field and number of what is counted by code, always in the same order."""
    by_kind = {"skipped": counts.skipped, "rejected": counts.rejected, "warning": counts.warnings}
    for kind, numbers in by_kind.items():
        for key, number in sorted(numbers.items()):
            code, _, field = key.partition(":")
            yield kind, code, field, number


_WRITERS: dict[Format, Callable[[FileResult], bytes]] = {"xml": _xml, "csv": _csv}
