"""Which elements and attributes a file carried: known ones, and those nobody reads; never their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pyarrow.compute as pc
from lxml import etree

from erp_feeds.batch import Counts
from erp_feeds.codes import WarningCode
from erp_feeds.interfaces.spec import Interface
from erp_feeds.steps.frames import Column
from erp_feeds.steps.stream import last_child

MOST_NAMES = 100
"""Unknown names kept of one file: data written as names would fill the ledger."""
LONGEST_NAME = 100
OTHERS = "…"
"""Stands for the names above the most, and for the rest of a name that is too long."""
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ATTRIBUTES = etree.XPath("descendant-or-self::*/@*")
_ATTRIBUTES_BELOW = etree.XPath("descendant::*/@*")


class Drift:
    """Tallies the elements of a file, block by block.

    An element is named by its path below the record ('Shoe', 'Lines/Line/Colour'), one outside of the records
    by its path below the root, from the root on ('Export/Customers/Klant'). An attribute is '@action' or,
    of an element in the record, 'Email/@kind'.
    """

    def __init__(self, interface: Interface) -> None:
        self._path = interface.record_path
        self._header = interface.header
        self._known: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()

    def note_known(self, elements: Mapping[str, int]) -> None:
        """Add known elements that records carried, each with the number of records."""
        self._known.update({name: number for name, number in elements.items() if number})

    def note_unknown(self, elements: Mapping[str, int]) -> None:
        """Add unknown elements, each with the number of its occurrences."""
        for name, number in elements.items():
            short = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + OTHERS
            room = short in self._unknown or len(self._unknown) < MOST_NAMES
            self._unknown[short if room else OTHERS] += number

    def note_attributes(self, container: etree._Element, *, finished: bool) -> int:
        """Add the attributes in the closed records, since no field reads any; return how many there are.

        Those of XML Schema itself, such as xsi:nil, are no drift.
        """
        found: Counter[str] = Counter()
        for value in _attributes(container, finished=finished):
            name = etree.QName(value.attrname)
            if name.namespace != _XSI:
                bearer = _local(value.getparent())
                place = "" if bearer == self._path[-1] else f"{bearer}/"
                found[f"{place}@{name.localname}"] += 1
        self.note_unknown(dict(sorted(found.items())))
        return found.total()

    def note_surroundings(self, root: etree._Element) -> int:
        """Add what stands beside the containers of the records and in the header; return how much that is."""
        strays: Counter[str] = Counter()
        level: etree._Element | None = root
        path = self._path[0]
        for expected in self._path[1:-1]:
            names = Counter(map(_local, [] if level is None else level.iterchildren("*")))
            expected_here = {expected, self._header.element} if self._header and level is root else {expected}
            strays.update({f"{path}/{name}": names[name] for name in names.keys() - expected_here})
            level = _child(level, expected)
            path += f"/{expected}"
        if self._header and (settings := _child(root, self._header.element)) is not None:
            names = Counter(map(_local, settings.iterchildren("*")))
            known = {self._header.importer_element, self._header.version_element}
            place = f"{self._path[0]}/{self._header.element}"
            strays.update({f"{place}/{name}": names[name] for name in names.keys() - known})
        self.note_unknown(dict(sorted(strays.items())))
        return strays.total()

    def counts(self, surroundings: int) -> Counts:
        """Return the tally of the file; `surroundings` become warnings here, all else did so by block."""
        warnings = {WarningCode.UNKNOWN_ELEMENT.value: surroundings} if surroundings else {}
        return Counts(elements=dict(self._known), unknown=dict(self._unknown), warnings=warnings)


def names_in(pairs: Column, place: str = "") -> dict[str, int]:
    """Return how often each name occurs in texts of the form `  name=value  =name`.

    Args:
        pairs: As the sheet writes unknown elements; null where there are none.
        place: Path of the elements' parent below the record, with a slash at its end.
    """
    if pairs.null_count == len(pairs):
        return {}
    each = pc.list_flatten(pc.split_pattern(pairs.drop_null(), "  "))
    named = pc.utf8_ltrim(each.filter(pc.not_equal(each, "")), "=")
    names = pc.list_element(pc.split_pattern(named, "=", max_splits=1), 0)
    return {place + found["values"]: found["counts"] for found in pc.value_counts(names).to_pylist()}


def carried(columns: Iterable[tuple[str, Column]]) -> dict[str, int]:
    """Return element -> in how many rows it is there, empty or not."""
    return {element: len(column) - column.null_count for element, column in columns}


def _attributes(container: etree._Element, *, finished: bool) -> list[Any]:
    """Return the attributes in the closed records; those of the last one, which may be open, come last."""
    found = cast("list[Any]", _ATTRIBUTES_BELOW(container))
    last = last_child(container)
    if not found or finished or last is None:
        return found
    return found[: len(found) - len(cast("list[Any]", _ATTRIBUTES(last)))]


def _child(parent: etree._Element | None, name: str) -> etree._Element | None:
    children: Iterable[etree._Element] = () if parent is None else parent.iterchildren("*")
    return next((child for child in children if _local(child) == name), None)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname
