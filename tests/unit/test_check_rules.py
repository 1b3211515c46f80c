"""The rules of this project hold together, and the check finds each way in which they may not."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path

import check_rules
import pytest

RULES = """\
# Rules
### Customers 1
A known number leads to its profile.
- code: `store/identity.py::resolve`, `store/sql/identity.sql::known_numbers`
- test: `test_store.py::test_customers_1_known_number`
### ERP Cache 2
Missing keeps, empty clears.
- code: `store/identity.py::Interface.rank`
- test: `test_store.py::test_missing_keeps`
"""
CODE = '''\
class Interface:
    rank: int


def resolve():
    """Find the profile (rules: customers 1 and ERP cache 2)."""
'''
TESTS = """\
def test_customers_1_known_number(): ...

@pytest.mark.rule("ERP cache 2")
def test_missing_keeps(): ...
"""
FILES = {
    "docs/rules.md": RULES,
    "include/erp_feeds/store/identity.py": CODE,
    "include/erp_feeds/store/sql/identity.sql": "-- Who is who.\n\n-- name: known_numbers\nSELECT 1;\n",
    "tests/test_store.py": TESTS,
}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write the files into a folder, with some changes: pairs of old and new text."""

    def make(*changes: tuple[str, str]) -> Path:
        assert all(old in "".join(FILES.values()) for old, _ in changes)
        for name, text in FILES.items():
            changed = reduce(lambda each, change: each.replace(*change), changes, text)
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(changed)
        check_rules.symbols_of.cache_clear()
        return tmp_path

    return make


def test_the_rules_of_this_project_have_code_and_tests() -> None:
    assert list(check_rules.problems(check_rules.ROOT)) == []


def test_rules_that_hold_together_have_no_problem(project: Callable[..., Path]) -> None:
    assert list(check_rules.problems(project())) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("def resolve", "def find", "customers 1: no resolve in include/erp_feeds/store/identity.py"),
        (
            "name: known_numbers",
            "name: numbers",
            "customers 1: no known_numbers in include/erp_feeds/store/sql/identity.sql",
        ),
        ("rank: int", "order: int", "erp cache 2: no Interface.rank in include/erp_feeds/store/identity.py"),
        (
            "def test_missing_keeps",
            "def test_it",
            "erp cache 2: no test_missing_keeps in tests/test_store.py",
        ),
        (
            '"ERP cache 2"',
            '"customers 1"',
            "erp cache 2: test_missing_keeps in tests/test_store.py needs the rule in its name or a marker",
        ),
        ("- code: `store/identity.py::Interface.rank`\n", "", "erp cache 2: names no code"),
        ("- test: `test_store.py::test_missing_keeps`\n", "", "erp cache 2: names no test"),
        (
            "customers 1 and ERP",
            "customers 1, 3 and ERP",
            "include/erp_feeds/store/identity.py: cites customers 3, which is no rule",
        ),
        (
            "def test_missing_keeps",
            "def test_files_9_x(): ...\ndef test_missing_keeps",
            "tests/test_store.py: cites files 9, which is no rule",
        ),
    ],
)
def test_each_break_is_named(project: Callable[..., Path], old: str, new: str, problem: str) -> None:
    assert problem in list(check_rules.problems(project((old, new))))


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("(rules: customers 1, 2 and 4)", ["customers 1", "customers 2", "customers 4"]),
        ("ERP cache 2 and 6, customers 9", ["erp cache 2", "erp cache 6", "customers 9"]),
        ("def test_purchases_3_and_9_what_is_skipped():", ["purchases 3", "purchases 9"]),
        ("500 customers 200,000 files 1.5 customers.2017", []),
    ],
)
def test_what_counts_as_a_citation(text: str, rules: list[str]) -> None:
    assert check_rules.cited_in(text) == rules


def test_a_symbol_that_has_moved_is_found_again(project: Callable[..., Path]) -> None:
    root = project()
    (root / "include/erp_feeds/store/identity.py").rename(root / "include/erp_feeds/who.py")
    check_rules.repoint(root)
    assert (
        "`who.py::resolve`, `store/sql/identity.sql::known_numbers`" in (root / "docs/rules.md").read_text()
    )
    assert list(check_rules.problems(root)) == []
