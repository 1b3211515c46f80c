"""The files of a deployment agree with each other and with the forms that their readers publish."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from erp_feeds.settings import PROJECT

COMPOSE = PROJECT / "docker-compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return known


def test_compose_has_the_published_form() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [checker, "--builtin-schema", "vendor.compose-spec", COMPOSE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_variable_is_in_the_example_and_nothing_else_is() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text("utf-8")))
    shown = set(re.findall(r"^(\w+)=", (PROJECT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert shown == used


def test_every_service_is_limited_and_its_log_rotates(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "mem_limit" not in service] == []
    assert [name for name, service in services.items() if "max-size" not in str(service["logging"])] == []
    unbounded = {"init", "maintenance", "postgres", "redis", "s3", "ftps"}
    assert [name for name in services.keys() - unbounded if "healthcheck" not in services[name]] == []


def test_what_holds_data_is_reached_from_inside_only(services: dict[str, Any]) -> None:
    inner = yaml.safe_load(COMPOSE.read_text("utf-8"))["networks"]["inner"]
    assert inner == {"internal": True}
    for name in ("postgres", "redis", "s3"):
        assert services[name]["networks"] == ["inner"]
        assert "ports" not in services[name]
    assert services["api-server"]["ports"] == ["127.0.0.1:${UI_PORT:-8080}:8080"]


def test_the_image_copies_what_the_build_may_see() -> None:
    allowed = [
        line[1:] for line in (PROJECT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"
    ]
    copies = re.findall(r"^COPY \S+ (.+) \S+$", (PROJECT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for source in " ".join(copies).split():
        assert (PROJECT / source).exists(), source
        assert any(fnmatch.fnmatch(source, f"{each}*") for each in allowed), source
