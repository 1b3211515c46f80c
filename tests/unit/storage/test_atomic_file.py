"""Files that hold personal data are made for their owner alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach

from erp_feeds.storage import archive, atomic_file, staging

NAME = "TestShop_SRS_Customers_1.zip"


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A process that would let everybody read what it writes."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights_below(folder: Path) -> dict[str, int]:
    return {str(each.relative_to(folder)): stat.S_IMODE(each.stat().st_mode) for each in folder.rglob("*")}


@pytest.mark.usefixtures("open_umask")
def test_archive_and_staging_are_made_for_their_owner_whatever_the_umask(home: Path) -> None:
    archive.save([b"abc"], "testshop", "srs_customers", NAME)
    folder = staging.run_folder("testshop", "run1")
    staging.stage_member(folder, 1, 0, BytesIO(b"<a/>"))
    with staging.FrameWriters(folder, 1, "parse") as writers:
        writers.append({"records": pd.DataFrame({"email": ["ada@example.com"]})})
    rights = rights_below(home)
    files = {name: mode for name, mode in rights.items() if (home / name).is_file()}
    assert len(files) == 3
    assert set(files.values()) == {0o600}
    assert {mode for name, mode in rights.items() if name not in files} == {0o700}


@pytest.mark.usefixtures("open_umask")
def test_an_original_is_its_owners_already_while_it_arrives(home: Path) -> None:
    with atomic_file.writing(ObjectStoragePath(f"file://{home}/archive/testshop")):
        (writing,) = (home / "archive/testshop").iterdir()
        assert stat.S_IMODE(writing.stat().st_mode) == 0o600


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o750)
    atomic_file.make_folder(ObjectStoragePath(f"file://{shared}/testshop"))
    assert rights_below(tmp_path) == {"shared": 0o750, "shared/testshop": 0o700}


def test_an_object_store_is_written_by_its_own_means() -> None:
    attach("memory", fs=fsspec.filesystem("memory"))
    folder = ObjectStoragePath("memory://bucket/archive/testshop")
    with atomic_file.writing(folder) as arrival:
        arrival.file.write(b"abc")
        arrival.commit(folder / "a")
    with atomic_file.open_for(folder / "a", "rb") as file:
        assert file.read() == b"abc"
