"""The named statements: what the code asks for is there, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import erp_feeds
from erp_feeds.store import sql

TEXT = "\n".join(path.read_text("utf-8") for path in Path(erp_feeds.__file__).parent.rglob("*.py"))
FILES = {file.stem: file.read_text("utf-8") for file in sql.FOLDER.glob("*.sql")}
KNOWN = {
    f"{module}/{name}"
    for module, text in FILES.items()
    for name in re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)
}
ASKED = {name for name in re.findall(r'"([a-z_]+/[a-z_]+)"', TEXT) if name.partition("/")[0] in FILES}
BEGUN = tuple(re.findall(r'f"([a-z_]+/[a-z_]*)\{', TEXT))
"""What the names begin with that are put together."""


def test_every_statement_that_the_code_names_is_there() -> None:
    assert len(ASKED) > 100
    assert set() == ASKED - KNOWN


def test_every_statement_is_asked_for() -> None:
    assert {name for name in KNOWN - ASKED if not name.startswith(BEGUN)} == set()
