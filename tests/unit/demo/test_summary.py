"""The demo fails for anything that did not go as meant, and only for that."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from erp_feeds.demo import environment, summary
from erp_feeds.demo.exporter import MADE, REAL
from erp_feeds.demo.testshop import BROKEN_INDEX
from erp_feeds.store.file_rows import FileProgress

BROKEN = f"TestShop_ErpCache_Customers_{BROKEN_INDEX}.zip"
GOOD = FileProgress(REAL, "good.zip", "srs_customers", "loaded", None, 5, 0, 1.0)
REFUSED = FileProgress(MADE, BROKEN, "erp_cache_customers", "quarantined", "not_well_formed", 0, 0, 1.0)
EXPECTED = {(REAL, "good.zip"), (MADE, BROKEN)}


def problems(*files: FileProgress) -> list[str]:
    return summary.problems(files, EXPECTED, environment.merchants())


def test_the_broken_file_in_quarantine_is_as_meant() -> None:
    assert problems(GOOD, REFUSED) == []


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (replace(GOOD, state="archived"), "is not done (archived)"),
        (replace(GOOD, state="quarantined", code="truncated"), "was quarantined (truncated)"),
        (replace(GOOD, rejected=2), "has 2 rejected records"),
    ],
)
def test_a_good_file_that_did_not_load_whole_is_a_problem(file: FileProgress, words: str) -> None:
    (problem,) = problems(file, REFUSED)
    assert words in problem


@pytest.mark.parametrize("state", ["loaded", "quarantined"])
def test_the_broken_file_must_be_quarantined_for_the_right_reason(state: str) -> None:
    (problem,) = problems(GOOD, replace(REFUSED, state=state, code="truncated"))
    assert "is broken and was" in problem


def test_a_file_that_was_never_seen_is_a_problem() -> None:
    assert problems(GOOD) == [f"{MADE}: {BROKEN} is not done (never seen)"]


def test_a_duplicate_does_not_hide_the_file_that_was_loaded() -> None:
    assert problems(GOOD, replace(GOOD, state="duplicate"), REFUSED) == []


def test_a_shown_command_can_be_copied_where_the_home_has_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_FEEDS_HOME", "/srv/my feeds")
    words = shlex.split(summary.command("files", "testshop"))
    assert words[0] == "ERP_FEEDS_HOME=/srv/my feeds"
    assert words[2:] == ["-m", "erp_feeds", "files", "testshop"]
