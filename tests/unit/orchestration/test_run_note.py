"""The note of a run says in words what became of its files and records."""

from __future__ import annotations

from erp_feeds.batch import Counts, FeedFile
from erp_feeds.orchestration.run_note import in_words, table
from erp_feeds.store.file_rows import RunFile


def test_a_note_counts_files_records_skips_rejects_and_warnings() -> None:
    counts = Counts(
        read=2_000, loaded=1_990, collapsed=5, skipped={"no_identifier": 2}, rejected={"invalid_date": 3}
    )
    loaded = RunFile("run", "a.zip", 1, "loaded", None, None, counts.model_dump(mode="json"), 4, 1)
    broken = RunFile("run", "b.zip", 2, "quarantined", "truncated", "the zip ends early", {}, 0, 0)
    assert in_words([loaded, broken]).split("\n\n") == [
        "2 files: 1 loaded, 1 quarantined (truncated)",
        "2,000 records: 1,990 loaded, 5 replaced by a later record",
        "skipped: 2 no_identifier",
        "rejected: 3 invalid_date",
        "1 rejected record dismissed: nobody needs to act",
        "4 rejects resolved",
    ]
    assert in_words([loaded]).startswith("1 file: 1 loaded\n\n")


def test_the_log_of_a_load_reads_as_a_table() -> None:
    counts = Counts(read=1_200, loaded=1_195, skipped={"no_identifier": 2}, rejected={"a": 1, "b": 2})
    first = FeedFile(
        file_id=1, interface="srs_customers", name="a.zip", size=1, index_number="1", counts=counts
    )
    again = first.model_copy(update={"name": "longer.zip", "counts": Counts()})
    rows = {"profiles": 700, "identifiers": 300}
    assert list(table([first.model_copy(update={"rows": rows}), again])) == [
        "file        records  loaded  collapsed  skipped  rejected  rows changed",
        "a.zip         1,200   1,195          0        2         3         1,000",
        "longer.zip        0       0          0        0         0             0",
    ]
