"""Every link between the documents leads somewhere, and a drawing shows what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from erp_feeds.codes import (
    TRANSITIONS,
    IncidentCode,
    QuarantineCode,
    RejectCode,
    SkipCode,
    WarningCode,
)

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.glob("plugins/*.md")])


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text("utf-8"))
    for path, anchor in links:
        target = (page.parent / path) if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors_of(target), f"{path}#{anchor}"


def test_the_diagram_of_states_shows_every_transition_and_no_other() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    drawn = re.findall(r"^    (\w+) --> (\w+): (.+)$", page, re.M)
    assert drawn == [(state, *after) for state, others in TRANSITIONS.items() for after in others.items()]


def test_the_table_of_errors_names_every_code() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    table = page[page.index("## Every error") : page.index("## Glossary")]
    kinds = (QuarantineCode, RejectCode, SkipCode, WarningCode, IncidentCode)
    assert [str(code) for kind in kinds for code in kind if f"`{code}`" not in table] == []
