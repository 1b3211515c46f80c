"""The one reader of merchant files: every fault with file, line, value and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ValidationError

from erp_feeds.errors import ConfigurationError, nearest
from erp_feeds.merchant import (
    Alerts,
    Fault,
    Feedback,
    Ftps,
    InterfaceSettings,
    Limits,
    LinkSettings,
    Location,
    Merchant,
    Retention,
    Vocabulary,
)

_OF_PEOPLE = frozenset(
    {("excluded_emails",), ("excluded_identifiers",), ("alerts", "email"), ("alerts", "email_from")}
)
"""Places that hold addresses and numbers of people."""
LONGEST_SHOWN = 60
"""Signs of a value in an error."""

MerchantFile = Annotated[Path, "a YAML file in the folder of merchants"]


def merchant_files(folder: Path) -> list[MerchantFile]:
    """Return the merchant files of a folder, in name order."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def read_merchant(path: MerchantFile, vocabulary: Vocabulary) -> Merchant:
    """Read and check one merchant file.

    Raises:
        ConfigurationError: names file, line, value and the nearest valid name of every fault.
    """
    node, data = _load(path)
    faults = [*_interface_faults(data, vocabulary)]
    merchant: Merchant | None = None
    try:
        merchant = Merchant.model_validate(data)
    except ValidationError as error:
        faults = [*_model_faults(error), *faults]
    if merchant and merchant.name != path.stem:
        faults.append((("name",), f"is '{merchant.name}', but the file is {path.name}: name them alike"))
    lines = [f"{path.name}:{_line(node, loc)}: {_dotted(loc)} {text}" for loc, text in faults]
    lines += [f"{path.name}:{line}: {_dotted((key,))} is there twice" for line, key in _repeated_keys(node)]
    if lines or merchant is None:
        raise ConfigurationError("\n".join(lines), "invalid_merchant_file")
    return merchant


def read_merchants(folder: Path, vocabulary: Vocabulary) -> tuple[list[Merchant], list[ConfigurationError]]:
    """Read every merchant file; a bad one becomes an error and removes no other."""
    merchants: list[Merchant] = []
    errors: list[ConfigurationError] = []
    for path in merchant_files(folder):
        try:
            merchants.append(read_merchant(path, vocabulary))
        except ConfigurationError as error:
            errors.append(error)
    return merchants, errors


def _load(path: MerchantFile) -> tuple[yaml.Node, dict[str, Any]]:
    """Return the YAML's node tree (which knows the lines) and its data."""
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=loader)
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both candidates are safe loaders
    except yaml.MarkedYAMLError as error:  # its text quotes the line, where YAML is read without libyaml
        at = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        message = f"{path.name}{at}: not readable as YAML: {error.problem or error.context}"
        raise ConfigurationError(message, "invalid_yaml") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: not readable as YAML: {error}", "invalid_yaml") from None
    if node is None or not isinstance(data, dict):
        raise ConfigurationError(f"{path.name}:1: a merchant file holds keys and values", "invalid_yaml")
    return node, data


def _interface_faults(data: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Fault]:
    """Find the names that no interface declares, and mappings that cannot work."""
    interfaces = data.get("interfaces")
    for name, options in interfaces.items() if isinstance(interfaces, dict) else ():
        if name not in vocabulary.columns:
            yield ("interfaces", str(name)), f"is no interface; {nearest(str(name), vocabulary.columns)}"
            continue
        elements = options.get("elements") if isinstance(options, dict) else None
        known = vocabulary.columns[name]
        for column in elements if isinstance(elements, dict) else ():
            if column not in known:
                message = f"is no field of {name}; {nearest(str(column), known)}"
                yield ("interfaces", name, "elements", str(column)), message
        for location, message in _mapping_faults(name, options, vocabulary):
            yield ("interfaces", name, *location), message


def _mapping_faults(name: str, options: object, vocabulary: Vocabulary) -> Iterable[Fault]:
    try:
        checked = InterfaceSettings.model_validate(options)
    except ValidationError:  # told by the model's own faults
        return ()
    return vocabulary.mapping_faults(name, checked)


def _repeated_keys(root: yaml.Node) -> list[tuple[int, str]]:
    """Find keys that a mapping holds twice, of which YAML would silently take the last: line and key."""
    found: list[tuple[int, str]] = []
    waiting, visited = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in visited:  # an alias may lead back to where it stands
            continue
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [str(key.value) for key, _ in node.value]
            again = (key for place, (key, _) in enumerate(node.value) if str(key.value) in keys[:place])
            found += [(key.start_mark.line + 1, str(key.value)) for key in again]
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return sorted(found)


def _model_faults(error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors():
        loc = fault["loc"]
        if fault["type"] == "extra_forbidden":
            yield loc, f"is no known key; {nearest(str(loc[-1]), _keys_at(loc[:-1]))}"
        elif fault["type"] == "missing":
            yield loc, "is missing and required"
        else:
            message = fault["msg"].removeprefix("Value error, ")
            yield loc, f"is {_shown(loc, fault['input'])}: {message}"


def _shown(loc: Location, value: object) -> str:
    """Return a value as an error may show it: a short one, and nobody's address or number."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    if {loc[:1], loc[:2]} & _OF_PEOPLE or _is_address(text):
        return "not shown"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _is_address(text: str) -> bool:
    return "@" in text


def _keys_at(loc: Location) -> list[str]:
    """Return the keys that the model knows at a place of the file."""
    nested: dict[str, type[BaseModel]] = {
        "ftps": Ftps,
        "alerts": Alerts,
        "limits": Limits,
        "retention": Retention,
        "feedback": Feedback,
        "interfaces": LinkSettings if "mapping" in loc[2:3] else InterfaceSettings,
    }
    model = nested.get(str(loc[0]), Merchant) if loc else Merchant
    return [field.alias or name for name, field in model.model_fields.items()]


def _line(node: yaml.Node, loc: Location) -> int:
    """Return the line of a location, or of the nearest thing above it that the file holds."""
    line = node.start_mark.line + 1
    for part in loc:
        step = _child(node, part)
        if step is None:
            break
        line, node = step
    return line


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    return None


def _dotted(loc: Location) -> str:
    return ".".join("(an address)" if _is_address(str(part)) else str(part) for part in loc) or "file"
