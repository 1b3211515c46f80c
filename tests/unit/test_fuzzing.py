"""Hostile files: a few thousand at every build; `make fuzz` runs a hundred thousand, under limits."""

from __future__ import annotations

from collections import Counter

import pytest

import fuzzing
from erp_feeds.codes import QuarantineCode
from mutations import Input, mutated

INPUTS = 1_500
FIRST = 1_000_000
"""Numbers that `make fuzz` does not reach by default: together they cover more."""


@pytest.mark.timeout(300)
def test_a_hostile_file_ends_in_frames_or_in_a_quarantine_with_a_stable_code() -> None:
    outcomes: Counter[str] = Counter()
    for number in range(FIRST, FIRST + INPUTS):
        try:
            outcomes[fuzzing.outcome_of(mutated(number))] += 1
        except Exception as error:
            pytest.fail(f"file {number}: {error!r}; python benchmarks/fuzzing.py --first {number} --inputs 1")
    assert outcomes["frames"] > INPUTS / 10
    assert outcomes["frames with rejects"] > INPUTS / 50
    for code in (QuarantineCode.NOT_WELL_FORMED, QuarantineCode.TRUNCATED, QuarantineCode.DOCTYPE):
        assert outcomes[f"quarantined: {code}"] > INPUTS / 100, code
    assert len(outcomes) > 12


def test_a_number_always_makes_the_same_file() -> None:
    assert [mutated(number) for number in range(50)] == [mutated(number) for number in range(50)]


def test_files_that_differ_are_tried() -> None:
    files = {mutated(number).data for number in range(200)}
    assert len(files) > 150


def test_a_run_finds_a_hang_and_a_death_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork, so that the broken reader reaches the processes; the real run spawns."""
    import multiprocessing
    import os
    import time

    def reader(file: Input) -> str:
        match file.name.removesuffix(".xml"):
            case "3":
                time.sleep(60)
            case "5":
                os._exit(7)
            case "6":
                bytearray(2_000_000_000)
            case "8":
                raise KeyError(file.name)
        return "frames"

    context = multiprocessing.get_context("fork")
    monkeypatch.setattr(fuzzing.multiprocessing, "get_context", lambda _: context)
    monkeypatch.setattr(fuzzing, "outcome_of", reader)
    monkeypatch.setattr(fuzzing, "mutated", lambda number: Input("srs_customers", f"{number}.xml", b""))
    found = fuzzing.run(0, 10, workers=2, seconds=1, memory=256)
    assert found.outcomes == {"frames": 6, "failed": 4}
    assert sorted(found.failures) == [3, 5, 6, 8]
    assert found.failures[3] == "took more than 1 s"
    assert found.failures[5] == "the process died with status 7"
    assert "MemoryError" in found.failures[6]
    assert "KeyError" in found.failures[8]
