"""The form with which a run is triggered says what works."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from erp_feeds.cli import app
from erp_feeds.orchestration.trigger_form import trigger_form


def test_each_command_that_the_form_names_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ERP_FEEDS_STORE", raising=False)
    said = " ".join(str(field.schema["description_md"]) for field in trigger_form("UTC").values())
    commands = re.findall(r"`python -m erp_feeds ([^`]+)`", said)
    assert commands
    for command in commands:
        answer = CliRunner().invoke(app, command.replace("MERCHANT", "nobody").split())
        assert '"no_store"' in answer.output, answer.output  # the line is right: it goes on
