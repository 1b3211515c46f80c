"""What makes the element names of a merchant file unable to work: found when it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from erp_feeds.interfaces.spec import Field, FieldType, Interface
from erp_feeds.merchant import InterfaceSettings, SettingError

_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
ELEMENT_NAME = re.compile(rf"[{_START}][{_START}\-.0-9\u00b7\u0300-\u036f\u203f\u2040]*")
"""A name of XML 1.0 without a prefix: elements are found by their local name."""
NOT_A_NAME = (
    "is no element name: it begins with a letter or '_', and letters, digits, '_', '-' and '.' follow"
)


def element_errors(interface: Interface, settings: InterfaceSettings) -> Iterator[SettingError]:
    """Find the names that no XML can have, or that two fields of one place would share.

    Yields:
        Where, below the interface, and what.
    """
    named = interface.with_elements(settings.elements)
    for fields in (named.fields, named.lines.fields if named.lines else ()):
        yield from _errors_among(fields, interface, settings)


def _errors_among(
    fields: tuple[Field, ...], interface: Interface, settings: InterfaceSettings
) -> Iterator[SettingError]:
    """Look at the fields that stand beside each other: of the record, or of a line."""
    owner: dict[str, str] = {}
    addresses = {field.element for field in interface.fields if field.type is FieldType.EMAIL}
    for field in sorted(fields, key=lambda field: field.name in settings.elements):  # the changed ones last
        location, name = ("elements", field.name), field.element
        if not ELEMENT_NAME.fullmatch(name):
            yield location, f"'{name}' {NOT_A_NAME}"
        elif name in owner:
            yield location, f"'{name}' is the element of '{owner[name]}' already: each field has its own"
        elif field.type is FieldType.IDENTIFIER and name in addresses:
            yield location, f"'{name}' is an address, and an address is no {field.name.replace('_', ' ')}"
        elif name in _structure(interface):
            yield location, f"'{name}' holds records or lines, and no value"
        owner.setdefault(name, field.name)


def _structure(interface: Interface) -> set[str]:
    """Return the names of the elements that hold others."""
    return {*interface.record_path, *(interface.lines.path.split("/") if interface.lines else ())}
