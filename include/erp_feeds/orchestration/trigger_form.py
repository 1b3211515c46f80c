"""The form with which a run is triggered in Airflow's UI."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from erp_feeds.batch import PARAM
from erp_feeds.codes import REPLAYABLE


def trigger_form(timezone: str) -> dict[str, Param]:
    """Return the fields of the trigger form; left empty, a run takes new files and replays nothing.

    A backfill replays the files of its days; these fields narrow them.
    """
    day = {"default": None, "type": ["null", "string"], "format": "date"}
    several = {"default": None, "type": ["null", "array"]}
    # Airflow checks each field some five times a task; by this draft of JSON Schema in a fifth of the time.
    common: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-03/schema#",
        "section": "Replay archived files",
    }
    fields: dict[str, dict[str, Any]] = {
        "files": {
            **several,
            "items": {"type": "string"},
            "title": "Files",
            "description_md": "Names of archived files to run again, one a line",
        },
        "rejects": {
            "default": "",
            "type": ["null", "string"],
            "enum": ["", *REPLAYABLE],
            "values_display": {"": "Any"},
            "title": "Rejected or quarantined with",
            "description_md": "Files with an open reject of this code, or quarantined with it",
        },
        "since": {
            **day,
            "title": "Since",
            "description_md": "First day of the files. A backfill takes those of its own days, which begin "
            f"at midnight in {timezone}: choose this zone at the clock in the navigation first",
        },
        "until": {**day, "title": "Until", "description_md": "Last day of the files"},
        "file_ids": {
            **several,
            "items": {"type": "integer"},
            "title": "File ids",
            "description_md": "Ids of the ledger, as `python -m erp_feeds files MERCHANT --json` shows them",
        },
        "dry_run": {
            "default": False,
            "type": ["null", "boolean"],
            "title": "Dry run",
            "description_md": "Show in the log of `sense` what the replay would change, and write nothing",
        },
    }
    return {PARAM + name: Param(**field, **common) for name, field in fields.items()}
