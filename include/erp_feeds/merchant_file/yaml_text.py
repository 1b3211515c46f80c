"""The text of a merchant file: YAML that knows its lines, and what only the text shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import yaml

from erp_feeds.errors import ConfigurationError
from erp_feeds.merchant import Location

MAX_BYTES = 1_000_000
"""Of a merchant file: what is larger lies in the folder by mistake, and would be read every few seconds."""


def load(path: Path) -> tuple[yaml.Node, dict[str, Any]]:
    """Return the YAML's node tree (which knows the lines) and its data.

    Raises:
        ConfigurationError: with the line where it is no YAML.
    """
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=loader)
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both candidates are safe loaders
    except yaml.MarkedYAMLError as error:  # its text quotes the line, where YAML is read without libyaml
        at = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        fail(f"{path.name}{at}: not readable as YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fail(f"{path.name}:{line}: not readable as YAML: a control character, U+{int(error.character):04X}")
    except (ValueError, RecursionError) as error:  # a day such as 2026-02-30; lists nested a thousand deep
        why = "it is nested too deep" if isinstance(error, RecursionError) else f"{error}: put it in quotes"
        fail(f"{path.name}: not readable as YAML: {why}")
    if node is None or not isinstance(data, dict):
        fail(f"{path.name}:1: a merchant file holds `key: value` lines")
    return node, data


def _text(path: Path) -> str:
    """Read a file that may be anything: a dangling link, a folder, a pipe that nobody writes to."""
    if path.exists() and not path.is_file():
        fail(f"{path.name}: is no file: a merchant file is a text file in YAML")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{path.name}: cannot be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        fail(f"{path.name}: is larger than {MAX_BYTES} bytes, which no merchant file is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fail(f"{path.name}:{line}: not readable as YAML: a character is not UTF-8; save the file as UTF-8")


def fail(message: str) -> NoReturn:
    """Raise the error of a file that cannot be read as YAML."""
    raise ConfigurationError(message, "invalid_yaml")


def node_errors(root: yaml.Node) -> list[tuple[int, str]]:
    """Find what only the text of the file shows: (line, sentence).

    These are keys that occur twice in a mapping, where YAML would silently take the last; and line breaks or
    invisible characters in a key or value, which would end up in the header of a mail or on a terminal.
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
            found += [(line_of(key), f"{dotted((str(key.value),))} is there twice") for key in again]
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif not node.value.strip().isprintable():
            found.append((line_of(node), "a line break or an invisible character within a value"))
    return sorted(found)


def line_at(node: yaml.Node, loc: Location) -> int:
    """Return the line of a location, or of the nearest thing above it that the file holds."""
    line = line_of(node)
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
                return line_of(key), value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return line_of(item), item
    return None


def line_of(node: yaml.Node) -> int:
    """Return the line on which a node starts."""
    return int(node.start_mark.line) + 1


def dotted(loc: Location) -> str:
    """Return a place of the file as an error names it."""
    return ".".join("(an address)" if is_address(str(part)) else str(part) for part in loc) or "file"


def is_address(text: str) -> bool:
    """Return whether a text may be an e-mail address, which no error shows."""
    return "@" in text
