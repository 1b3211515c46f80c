"""The manifest: tallies add up, and XCom carries plain JSON that reads back the same."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from erp_feeds.batch import PARAM, Batch, Counts, FeedFile, RemoteFile, Replay

FILE = FeedFile(
    file_id=7,
    interface="srs_customers",
    name="TestShop_SRS_Customers_00020170106.zip",
    size=1024,
    path="/testshop/srs/TestShop_SRS_Customers_00020170106.zip",
    index_number="00020170106",
    sequence="20170106.0001",
    archived="file:///archive/testshop/srs_customers/a.zip",
    members=("file:///staging/00.xml", "file:///staging/01.xml"),
    staged={"records": "file:///staging/parse/records.arrow"},
    counts=Counts(read=3, loaded=1, skipped={"no_identifier": 1}, rejected={"invalid_email": 1}),
)
BATCH = Batch(merchant="testshop", run="scheduled__2017-01-06T00:00:00+01:00", files=(FILE,))


def test_counts_add_up_by_code() -> None:
    parsed = Counts(read=5, rejected={"invalid_date": 1}, warnings={"no_email": 2})
    loaded = Counts(
        loaded=3, collapsed=1, rejected={"invalid_date": 1, "class_changed": 1}, skipped={"no_lines": 1}
    )
    assert parsed.plus(loaded) == Counts(
        read=5,
        loaded=3,
        collapsed=1,
        skipped={"no_lines": 1},
        rejected={"class_changed": 1, "invalid_date": 2},
        warnings={"no_email": 2},
    )
    assert parsed.plus(loaded) == loaded.plus(parsed)
    assert parsed.plus(Counts()) == parsed
    assert parsed.rejected == {"invalid_date": 1}  # adding changes neither side


def test_sums_are_the_same_text_in_any_order() -> None:
    left, right = Counts(warnings={"no_version": 1}), Counts(warnings={"late_file": 1})
    assert left.plus(right).model_dump_json() == right.plus(left).model_dump_json()


def test_xcom_is_plain_json_and_reads_back_the_same() -> None:
    value = BATCH.to_xcom()
    assert json.loads(json.dumps(value)) == value
    assert Batch.from_xcom(json.loads(json.dumps(value))) == BATCH


def test_index_numbers_stay_text() -> None:
    (file,) = Batch.from_xcom(BATCH.to_xcom()).files
    assert file.index_number == "00020170106"
    assert file.sequence == "20170106.0001"  # as a number it would lose digits


def test_a_step_lays_its_frames_over_the_earlier_ones() -> None:
    staged = FILE.with_staged({"rejects": "file:///b.arrow"}, Counts(read=2))
    assert staged.staged == {**FILE.staged, "rejects": "file:///b.arrow"}
    assert staged.counts == FILE.counts.plus(Counts(read=2))
    assert FILE.with_staged({}) == FILE


def test_a_batch_keeps_its_run_whatever_leaves_it() -> None:
    left = BATCH.with_files([])
    assert (left.merchant, left.run, left.files) == (BATCH.merchant, BATCH.run, ())
    assert BATCH.files == (FILE,)


def test_nothing_is_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BATCH.run = "another"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        FILE.counts.loaded = 2  # type: ignore[misc]


def test_a_changed_file_is_another_sighting() -> None:
    moment = datetime(2017, 1, 6, tzinfo=UTC)
    seen = RemoteFile(interface="srs_customers", name="a.zip", size=1, modified=moment)
    assert len({seen, seen.model_copy(), seen.model_copy(update={"size": 2})}) == 2


def test_a_run_without_parameters_asks_for_no_replay() -> None:
    untouched = {f"{PARAM}{name}": None for name in Replay.model_fields} | {f"{PARAM}files": []}
    for params in ({}, untouched, {"of_somebody_else": 1}):
        assert Replay.from_params(params) is None


def test_a_replay_survives_the_way_through_the_parameters_of_a_run() -> None:
    for asked in (
        Replay(file_ids=(3, 1)),
        Replay(files=("a.zip",), rejects="invalid_date"),
        Replay().within(date(2017, 1, 1), date(2017, 2, 1)),
    ):
        assert Replay.from_params(json.loads(json.dumps(asked.to_params()))) == asked
    assert asked.until == date(2017, 1, 31)


def test_names_pasted_into_the_form_may_have_empty_lines_and_spaces_around_them() -> None:
    pasted = ["a.zip ", "", "\tb.zip", "  "]
    assert Replay.from_params({f"{PARAM}files": pasted}) == Replay(files=("a.zip", "b.zip"))
    assert Replay.from_params({f"{PARAM}files": [" "]}) is None


def test_a_replay_of_something_else_is_refused() -> None:
    with pytest.raises(ValidationError, match="since"):
        Replay.from_params({f"{PARAM}since": "yesterday"})
