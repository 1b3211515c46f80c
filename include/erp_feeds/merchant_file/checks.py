"""What is wrong with the settings of a merchant, and where; the store's settings laid over the file's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from erp_feeds.errors import in_words, nearest
from erp_feeds.interfaces import INTERFACES, errors_of
from erp_feeds.merchant import (
    Alerts,
    Feedback,
    FieldSettings,
    Freshness,
    Ftps,
    InterfaceSettings,
    Limits,
    LinkSettings,
    Location,
    Merchant,
    Retention,
    SettingError,
    SettingsDocument,
)
from erp_feeds.merchant_file.yaml_text import is_address

_OF_PEOPLE = frozenset(
    {("excluded_emails",), ("excluded_identifiers",), ("alerts", "email"), ("alerts", "email_from")}
)
"""Places that hold addresses and numbers of people."""
LONGEST_SHOWN = 60
"""Characters of a value in an error."""


def with_settings(
    merchant: Merchant, document: Mapping[str, Any]
) -> tuple[Merchant | None, list[SettingError]]:
    """Return a merchant with the interfaces and the fields that a document of the store says.

    Returns:
        The merchant, None where the document has errors; and those errors. All else is as in its file.
    """
    try:
        part = SettingsDocument.model_validate(document).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        return None, [*_model_errors(error, SettingsDocument)]
    facts = merchant.model_dump(mode="json", exclude_unset=True)
    interfaces = {
        name: {**_unkept(facts["interfaces"].get(name, {})), **fields}
        for name, fields in part["interfaces"].items()
    }
    found, errors = checked({**facts, "interfaces": interfaces})
    return (None if errors else found), errors


def settings_of(merchant: Merchant) -> dict[str, Any]:
    """Return the document of settings that a merchant has now: what differs from the defaults."""
    part = {name: {*FieldSettings.model_fields} for name in merchant.interfaces}
    dumped = merchant.model_dump(mode="json", include={"interfaces": part}, exclude_defaults=True)
    return {"interfaces": dumped.get("interfaces", {})}


def _unkept(interface: Mapping[str, Any]) -> dict[str, Any]:
    """Return what only the merchant file says of an interface."""
    return {key: value for key, value in interface.items() if key not in FieldSettings.model_fields}


def checked(data: Mapping[str, Any]) -> tuple[Merchant | None, list[SettingError]]:
    """Return the merchant that a file describes, None where it is no merchant; and what is wrong with it."""
    errors = [*_interface_errors(data)]
    try:
        return Merchant.model_validate(data), errors
    except ValidationError as error:
        return None, [*_model_errors(error), *errors]


def _interface_errors(data: Mapping[str, Any]) -> Iterator[SettingError]:
    """Find the names that no interface declares, and mappings that cannot work."""
    interfaces = data.get("interfaces")
    for name, options in interfaces.items() if isinstance(interfaces, dict) else ():
        if name not in INTERFACES:
            yield ("interfaces", str(name)), f"is no interface; {nearest(str(name), INTERFACES)}"
            continue
        elements = options.get("elements") if isinstance(options, dict) else None
        known = INTERFACES[name].field_names()
        for column in elements if isinstance(elements, dict) else ():
            if column not in known:
                message = f"is no field of {name}; {nearest(str(column), known)}"
                yield ("interfaces", name, "elements", str(column)), message
        for location, message in _errors_within(name, options):
            yield ("interfaces", name, *location), message


def _errors_within(name: str, options: object) -> Iterable[SettingError]:
    try:
        checked = InterfaceSettings.model_validate(options)
    except ValidationError:  # the model's own errors report it
        return ()
    return errors_of(name, checked)


def _model_errors(error: ValidationError, root: type[BaseModel] = Merchant) -> Iterator[SettingError]:
    for found in error.errors():
        loc = found["loc"]
        if found["type"] == "extra_forbidden":
            yield loc, f"is no known key; {nearest(str(loc[-1]), _keys_at(loc[:-1], root))}"
        elif found["type"] == "missing":
            yield loc, "is missing and required"
        else:
            yield loc, f"is {_shown(loc, found['input'])}: {in_words(found)}"


def _shown(loc: Location, value: object) -> str:
    """Return a value as an error may show it: a short one, and nobody's address or number."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    if {loc[:1], loc[:2]} & _OF_PEOPLE or is_address(text):
        return "not shown"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _keys_at(loc: Location, root: type[BaseModel]) -> list[str]:
    """Return the keys that the model knows at a place of the file."""
    of_interface = InterfaceSettings if root is Merchant else FieldSettings
    of_an_interface: dict[str, type[BaseModel]] = {"mapping": LinkSettings, "freshness": Freshness}
    nested: dict[str, type[BaseModel]] = {
        "ftps": Ftps,
        "alerts": Alerts,
        "limits": Limits,
        "retention": Retention,
        "feedback": Feedback,
        "interfaces": of_an_interface.get(str(loc[2]) if len(loc) > 2 else "", of_interface),
    }
    model = nested.get(str(loc[0]), root) if loc else root
    return [field.alias or name for name, field in model.model_fields.items()]
