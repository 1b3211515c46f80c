"""What the note of a run says after each of its tries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped

from erp_feeds.orchestration import run_note
from erp_feeds.orchestration.plain_failure import PlainFatal
from erp_feeds.orchestration.sensor import InboxSensor
from support.shop_files import account, export
from support.shop_fixtures import Shop

ERP = "erp_cache_customers"
RUN = "scheduled__2017-02-01"
PATH = f"/api/v2/dags/testshop/dagRuns/{RUN}"


def sense_again(shop: Shop, attempt: int, run_type: str = "scheduled", **params: object) -> None:
    """Run the task `sense` as Airflow does when the whole run was cleared; it finds nothing.

    The run is that of the 7th of January in Amsterdam.
    """
    with DAG("testshop", start_date=datetime(2017, 1, 1, tzinfo=UTC)):
        sense, load = (InboxSensor(task_id=name, merchant=shop.merchant) for name in ("sense", "load"))
        sense >> load
    task = SimpleNamespace(
        map_index=-1,
        dag_id="testshop",
        try_number=attempt,
        get_dr_count=lambda *_, **__: 0,
        xcom_push=lambda **_: None,
    )
    run = SimpleNamespace(run_id=RUN, run_type=run_type)
    context: Any = {"dag_run": run, "params": params, "ti": task}
    context["data_interval_start"] = datetime(2017, 1, 6, 23, tzinfo=UTC)
    context["data_interval_end"] = datetime(2017, 1, 7, 23, tzinfo=UTC)
    with pytest.raises(DownstreamTasksSkipped):
        sense.execute(context)


def test_a_red_run_that_is_cleared_and_ends_green_says_what_this_try_did(
    shop: Shop, notes: dict[str, str]
) -> None:
    broken = export(ERP, "20170102")
    shop.place(export(ERP, "20170101", account("1")), replace(broken, content=b"no zip"))
    run_note.write(shop.merchant, shop.run_tasks(RUN))
    red = notes[PATH]
    assert red.startswith("2 files: 1 loaded, 1 quarantined (not_a_zip)")
    sense_again(shop, 2)
    assert notes[PATH].startswith("Try 2 found no new file and loaded nothing. To load again")
    assert notes[PATH].endswith(f"Before it:\n\n{red.partition('days of')[0].rstrip()}")


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_run_that_never_had_a_file_has_no_note(shop: Shop, notes: dict[str, str], attempt: int) -> None:
    sense_again(shop, attempt)
    assert notes == {}


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_backfill_of_a_day_without_files_names_the_day(
    shop: Shop, notes: dict[str, str], attempt: int
) -> None:
    sense_again(shop, attempt, "backfill")
    assert notes == {PATH: "No archived file of 2017-01-07 (Europe/Amsterdam): nothing was loaded."}


def test_a_backfill_narrowed_by_a_code_says_of_which_files_it_found_none(
    shop: Shop, notes: dict[str, str]
) -> None:
    choice = "with an open reject of `missing_field` or quarantined with it"
    none = f"No archived file of 2017-01-07 (Europe/Amsterdam) {choice}: nothing was loaded."
    sense_again(shop, 1, "backfill", replay_rejects="missing_field")
    assert notes == {PATH: none}
    shop.place(export(ERP, "20170107", account("2")))
    run_note.write(shop.merchant, shop.run_tasks(RUN))
    loaded = notes[PATH].partition("days of")[0].rstrip()
    sense_again(shop, 2, "backfill", replay_rejects="missing_field")
    assert notes[PATH].startswith(f"Try 2: {none} To load again what was quarantined or rejected:")
    assert notes[PATH].endswith(f"Before it:\n\n{loaded}")


def test_a_backfill_of_named_files_ends_green_on_days_of_none_of_them(
    shop: Shop, notes: dict[str, str]
) -> None:
    file = export(ERP, "20170105", account("1"))
    shop.place(file)
    shop.run_tasks(RUN)
    sense_again(shop, 1, "backfill", replay_files=[file.name])
    none = "None of the chosen files is of 2017-01-07 (Europe/Amsterdam): nothing was loaded."
    assert notes == {PATH: none}
    with pytest.raises(PlainFatal, match=r"no archived original of x\.zip"):
        sense_again(shop, 1, "backfill", replay_files=[file.name, "x.zip"])
