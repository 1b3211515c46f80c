"""The one reader of merchant files: every error with file, line, value and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import yaml
from pydantic import BaseModel, ValidationError

from erp_feeds.errors import ConfigurationError, in_words, nearest
from erp_feeds.interfaces import INTERFACES, errors_of
from erp_feeds.merchant import (
    Alerts,
    Feedback,
    Freshness,
    Ftps,
    InterfaceSettings,
    Limits,
    LinkSettings,
    Location,
    Merchant,
    Retention,
    SettingError,
)

_OF_PEOPLE = frozenset(
    {("excluded_emails",), ("excluded_identifiers",), ("alerts", "email"), ("alerts", "email_from")}
)
"""Places that hold addresses and numbers of people."""
LONGEST_SHOWN = 60
"""Characters of a value in an error."""
MAX_BYTES = 1_000_000
"""Of a merchant file: what is larger lies in the folder by mistake, and would be read every few seconds."""
ENDINGS = (".yaml", ".yml")

MerchantFile = Annotated[Path, "a YAML file in the folder of merchants"]


def merchant_files(folder: Path) -> list[MerchantFile]:
    """Return the merchant files of a folder, in name order; hidden ones are an editor's, and no merchant's.

    Raises:
        ConfigurationError: there is no such folder, or it may not be listed.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        message = f"{folder}: the folder of merchant files cannot be listed: {error.strerror}"
        raise ConfigurationError(message, "no_merchants_folder") from None
    return [path for path in entries if path.suffix.lower() in ENDINGS and not path.name.startswith(".")]


def files_by_merchant(folder: Path) -> dict[str, MerchantFile]:
    """Return the merchant files of a folder by the name that each must bear, as `merchant_files`."""
    return {path.stem: path for path in reversed(merchant_files(folder))}


def read_merchant(path: MerchantFile) -> Merchant:
    """Read and check one merchant file.

    Raises:
        ConfigurationError: names file, line, value and the nearest valid name of every error.
    """
    node, data = _load(path)
    errors = [*_interface_errors(data)]
    merchant: Merchant | None = None
    try:
        merchant = Merchant.model_validate(data)
    except ValidationError as error:
        errors = [*_model_errors(error), *errors]
    if merchant and merchant.name != path.stem:
        errors.append((("name",), f"is '{merchant.name}', but the file is {path.name}: use one name"))
    lines = [f"{path.name}:{_line(node, loc)}: {_dotted(loc)} {text}" for loc, text in errors]
    lines += [f"{path.name}:{line}: {text}" for line, text in _node_errors(node)]
    if lines or merchant is None:
        raise ConfigurationError("\n".join(lines), "invalid_merchant_file")
    return merchant


def read_merchants(folder: Path) -> tuple[list[Merchant], list[ConfigurationError]]:
    """Read every merchant file of a folder; see `read_files`."""
    try:
        return read_files(merchant_files(folder))
    except ConfigurationError as error:
        return [], [error]


def read_files(paths: Iterable[MerchantFile]) -> tuple[list[Merchant], list[ConfigurationError]]:
    """Read merchant files; whatever is wrong with one becomes its error and removes no other merchant."""
    merchants: dict[str, Merchant] = {}
    errors: list[ConfigurationError] = []
    for path in paths:
        try:
            merchant = read_merchant(path)
            if merchant.name in merchants:
                line = _line(_load(path)[0], ("name",))
                _fail(f"{path.name}:{line}: name is '{merchant.name}', which another file has already")
            merchants[merchant.name] = merchant
        except ConfigurationError as error:
            errors.append(error)
        except (
            Exception
        ) as error:  # an error of this software: it must not cost the other merchants their DAGs
            message = f"{path.name}: cannot be checked, the software failed on it ({type(error).__name__})"
            errors.append(ConfigurationError(message, "internal_error"))
    return list(merchants.values()), errors


def _load(path: MerchantFile) -> tuple[yaml.Node, dict[str, Any]]:
    """Return the YAML's node tree (which knows the lines) and its data."""
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=loader)
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both candidates are safe loaders
    except yaml.MarkedYAMLError as error:  # its text quotes the line, where YAML is read without libyaml
        at = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        _fail(f"{path.name}{at}: not readable as YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        _fail(f"{path.name}:{line}: not readable as YAML: a control character, U+{int(error.character):04X}")
    except (ValueError, RecursionError) as error:  # a day such as 2026-02-30; lists nested a thousand deep
        why = "it is nested too deep" if isinstance(error, RecursionError) else f"{error}: put it in quotes"
        _fail(f"{path.name}: not readable as YAML: {why}")
    if node is None or not isinstance(data, dict):
        _fail(f"{path.name}:1: a merchant file holds `key: value` lines")
    return node, data


def _text(path: MerchantFile) -> str:
    """Read a file that may be anything: a dangling link, a folder, a pipe that nobody writes to."""
    if path.exists() and not path.is_file():
        _fail(f"{path.name}: is no file: a merchant file is a text file in YAML")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        _fail(f"{path.name}: cannot be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        _fail(f"{path.name}: is larger than {MAX_BYTES} bytes, which no merchant file is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _fail(f"{path.name}:{line}: not readable as YAML: a character is not UTF-8; save the file as UTF-8")


def _fail(message: str) -> NoReturn:
    raise ConfigurationError(message, "invalid_yaml")


def _interface_errors(data: dict[str, Any]) -> Iterator[SettingError]:
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
    except ValidationError:  # told by the model's own errors
        return ()
    return errors_of(name, checked)


def _node_errors(root: yaml.Node) -> list[tuple[int, str]]:
    """Find what only the text of the file shows: (line, sentence).

    A key that a mapping holds twice, of which YAML would silently take the last; a line break or an invisible
    character within a key or value, which would end up in a header of a mail or on a terminal.
    """
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
            found += [(_line_of(key), f"{_dotted((str(key.value),))} is there twice") for key in again]
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif not node.value.strip().isprintable():
            found.append((_line_of(node), "a line break or an invisible character within a value"))
    return sorted(found)


def _model_errors(error: ValidationError) -> Iterator[SettingError]:
    for found in error.errors():
        loc = found["loc"]
        if found["type"] == "extra_forbidden":
            yield loc, f"is no known key; {nearest(str(loc[-1]), _keys_at(loc[:-1]))}"
        elif found["type"] == "missing":
            yield loc, "is missing and required"
        else:
            yield loc, f"is {_shown(loc, found['input'])}: {in_words(found)}"


def _shown(loc: Location, value: object) -> str:
    """Return a value as an error may show it: a short one, and nobody's address or number."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    if {loc[:1], loc[:2]} & _OF_PEOPLE or _is_address(text):
        return "not shown"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _is_address(text: str) -> bool:
    return "@" in text


def _keys_at(loc: Location) -> list[str]:
    """Return the keys that the model knows at a place of the file."""
    of_an_interface: dict[str, type[BaseModel]] = {"mapping": LinkSettings, "freshness": Freshness}
    nested: dict[str, type[BaseModel]] = {
        "ftps": Ftps,
        "alerts": Alerts,
        "limits": Limits,
        "retention": Retention,
        "feedback": Feedback,
        "interfaces": of_an_interface.get(str(loc[2]) if len(loc) > 2 else "", InterfaceSettings),
    }
    model = nested.get(str(loc[0]), Merchant) if loc else Merchant
    return [field.alias or name for name, field in model.model_fields.items()]


def _line(node: yaml.Node, loc: Location) -> int:
    """Return the line of a location, or of the nearest thing above it that the file holds."""
    line = _line_of(node)
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
                return _line_of(key), value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return _line_of(item), item
    return None


def _line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _dotted(loc: Location) -> str:
    return ".".join("(an address)" if _is_address(str(part)) else str(part) for part in loc) or "file"
