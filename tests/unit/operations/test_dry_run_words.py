"""What a dry run says where nothing would change."""

from __future__ import annotations

from erp_feeds.operations.dry_run import DryRun, DryRunTable, in_words


def test_a_dry_run_that_would_change_nothing_says_so() -> None:
    nothing = "no row would be new, changed or removed"
    assert nothing in list(in_words(DryRun()))
    changing = DryRun(tables={"profiles": DryRunTable(new=1)})
    assert nothing not in list(in_words(changing))
    assert "profiles: 1 new, 0 changed, 0 removed" in list(in_words(changing))
