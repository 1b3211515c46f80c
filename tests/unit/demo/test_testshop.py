"""The made-up shop delivers every shape of a file, and exactly one broken one."""

from __future__ import annotations

import io
import zipfile

import pytest
from lxml import etree

from erp_feeds.demo import testshop
from erp_feeds.demo.exports import Export
from erp_feeds.demo.testshop import BROKEN_INDEX
from erp_feeds.interfaces import INTERFACES

EXPORTS = testshop.testshop_exports("TestShop")


def text_of(export: Export) -> bytes:
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        assert archive.testzip() is None
        (member,) = archive.namelist()
        return archive.read(member)


def elements_declared(interface: str) -> set[str]:
    declared = INTERFACES[interface]
    lines = declared.lines
    names = {field.element for field in declared.fields} | set(declared.record_path)
    if declared.header:
        names |= {declared.header.element, declared.header.importer_element, declared.header.version_element}
    if lines:
        names |= {field.element for field in lines.fields} | set(lines.path.split("/"))
    return names


@pytest.mark.parametrize(
    "export", [each for each in EXPORTS if BROKEN_INDEX not in each.name], ids=lambda each: each.name
)
def test_good_files_hold_only_declared_elements(export: Export) -> None:
    root = etree.fromstring(text_of(export))
    assert {element.tag for element in root.iter()} <= elements_declared(export.interface)


def test_one_file_is_cut_off_inside_a_sound_zip() -> None:
    (broken,) = [export for export in EXPORTS if BROKEN_INDEX in export.name]
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(text_of(broken))


def test_files_come_in_order_and_in_january() -> None:
    days = [export.day for export in EXPORTS]
    assert days == sorted(days)
    assert {(day.year, day.month) for day in days} == {(2017, 1)}


def test_versions_of_the_erp_cache_files() -> None:
    cache = [
        each for each in EXPORTS if each.interface == "erp_cache_customers" and BROKEN_INDEX not in each.name
    ]
    versions = [etree.fromstring(text_of(export)).findtext("ImportSettings/Version") for export in cache]
    assert versions == [None, "1.0", "1.1", "1.1", "1.1"]
