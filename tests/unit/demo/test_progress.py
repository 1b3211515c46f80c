"""What the demo says of files on their way."""

from __future__ import annotations

from dataclasses import replace

from erp_feeds.demo.progress import pending, totals
from erp_feeds.store.file_rows import FileProgress

GOOD = FileProgress("shop", "good.zip", "srs_customers", "loaded", None, 5, 0, 1.0)
REFUSED = FileProgress("shop", "bad.zip", "srs_customers", "quarantined", "not_well_formed", 0, 0, 1.0)
EXPECTED = {("shop", "good.zip"), ("shop", "bad.zip")}


def test_pending_are_the_expected_files_without_a_final_state() -> None:
    assert pending([GOOD, replace(REFUSED, state="waiting")], EXPECTED) == {("shop", "bad.zip")}
    abandoned, again = replace(GOOD, state="archived"), replace(GOOD, state="duplicate")
    assert pending([abandoned, again, REFUSED], EXPECTED) == {("shop", GOOD.file)}


def test_files_of_earlier_runs_are_told_but_are_none_of_the_expected() -> None:
    earlier = [replace(GOOD, file="old.zip"), replace(GOOD, state="duplicate", read=0)]
    line = totals([GOOD, *earlier, replace(REFUSED, state="waiting")], EXPECTED)
    assert line == "1 of 2 files done (1 duplicate, 2 loaded, 1 waiting), 10 records"
