"""Hold docs/rules.md against the code: every rule has code and a test, every rule that is cited exists.

Part of `make check`. `--repoint`, after code has moved, first corrects each path whose symbol is elsewhere.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RULES = "docs/rules.md"
BASES = {"code": Path("include/erp_feeds"), "test": Path("tests")}  # where paths begin
CITING = ("include/**/*.py", "include/**/*.sql", "tests/**/*.py", "dags/*.py", "docs/*.md", "*.md")

Place = tuple[str, str, str]  # code or test, path, symbol
_CHAPTER = "(customers|purchases|erp[ _]cache|files)"
_HEADING = re.compile(rf"### {_CHAPTER} (\d+)", re.I)
_PLACE = re.compile(r"`([^`]+)::([^`]+)`")
_CITATION = re.compile(rf"(?<![\w/]){_CHAPTER} (\d\d?(?:(?:, | and | to )\d\d?)*)(?!\d|[,.]\d)", re.I)
_TEST_NAME = re.compile(rf"test_{_CHAPTER}_(\d+(?:_and_\d+)*)(?!\d)")
_STATEMENT = re.compile(r"^-- name: *(\w+)", re.M)


def problems(root: Path) -> Iterator[str]:
    """Yield one line for each thing that is wrong: first by rule, then by file."""
    rules = rules_of((root / RULES).read_text("utf-8"))
    for rule, places in rules.items():
        kinds = {kind for kind, _, _ in places}
        yield from (f"{rule}: names no {kind}" for kind in BASES if kind not in kinds)
        yield from (f"{rule}: {found}" for place in places if (found := _problem_of(rule, place, root)))
    for path in sorted({path for pattern in CITING for path in root.glob(pattern)}):
        unknown = sorted(set(cited_in(path.read_text("utf-8"))) - rules.keys())
        yield from (f"{path.relative_to(root)}: cites {rule}, which is no rule" for rule in unknown)


def rules_of(text: str) -> dict[str, list[Place]]:
    """Return the places of each rule by its name in lower case, such as 'erp cache 6'."""
    rules: dict[str, list[Place]] = {}
    places: list[Place] = []
    for line in text.splitlines():
        if heading := _HEADING.fullmatch(line):
            places = rules.setdefault(f"{heading[1]} {heading[2]}".lower(), [])
        elif kind := re.match(r"- (code|test): ", line):
            places += [(kind[1], path, symbol) for path, symbol in _PLACE.findall(line)]
    return rules


@cache
def symbols_of(path: Path) -> dict[str, list[str]]:
    """Return what a file defines, each with the rules that its name and its marker cite.

    Python: functions, classes, Class.member, constants. SQL: the file's name, and what `-- name: …` begins.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".sql":
        return {name: [] for name in (path.stem, *_STATEMENT.findall(text))}
    return dict(_defined(ast.parse(text).body, ""))


def cited_in(text: str) -> list[str]:
    """Return the rules that a text cites in words, such as 'customers 2 and 4', or by names of tests."""
    cited = (*_CITATION.findall(text), *_TEST_NAME.findall(text))
    rules = [(chapter.lower().replace("_", " "), re.findall(r"\d+", numbers)) for chapter, numbers in cited]
    return [f"{chapter} {number}" for chapter, numbers in rules for number in numbers]


def repoint(root: Path) -> None:
    """Correct the path of each place whose symbol is in exactly one file of its base."""
    text = (root / RULES).read_text("utf-8")
    for kind, path, symbol in (place for places in rules_of(text).values() for place in places):
        base = root / BASES[kind]
        sources = (file for file in base.rglob("*.*") if file.suffix in {".py", ".sql"})
        files = [file for file in sources if symbol in symbols_of(file)]
        if len(files) == 1:
            text = text.replace(f"`{path}::{symbol}`", f"`{files[0].relative_to(base)}::{symbol}`")
    (root / RULES).write_text(text, "utf-8")


def _problem_of(rule: str, place: Place, root: Path) -> str | None:
    kind, path, symbol = place
    where = BASES[kind] / path
    found = symbols_of(root / where) if (root / where).is_file() else {}
    if symbol not in found:
        return f"no {symbol} in {where}"
    unmarked = kind == "test" and rule not in found[symbol]
    return f"{symbol} in {where} needs the rule in its name or a marker" if unmarked else None


def _defined(body: list[ast.stmt], within: str) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            marks = [text for each in node.decorator_list if "mark.rule(" in (text := ast.unparse(each))[:17]]
            yield within + node.name, cited_in(" ".join([node.name, *marks]))
            yield from _defined(node.body if isinstance(node, ast.ClassDef) else [], f"{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((within + each.id, []) for each in targets if isinstance(each, ast.Name))


if __name__ == "__main__":
    if "--repoint" in sys.argv:
        repoint(ROOT)
    sys.exit("\n".join(problems(ROOT)) or None)
