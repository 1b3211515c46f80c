"""Frames and members survive staging unchanged, whole or not at all."""

from __future__ import annotations

import io
import os
import time
from decimal import Decimal
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach

from erp_feeds.errors import FailError
from erp_feeds.storage import pieces, staging
from erp_feeds.storage.pieces import PieceWriter

RUN = "scheduled__2017-01-01T00:00:00+00:00"
TYPES = {"record": pa.int32(), "number": pa.string(), "amount": pa.decimal128(14, 2), "day": pa.date32()}


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series(pa.array(values, TYPES[name]), dtype=pd.ArrowDtype(TYPES[name]))
            for name, values in columns.items()
        }
    )


def staged(folder: ObjectStoragePath, step: str, name: str, rows: pd.DataFrame) -> str:
    with staging.FrameWriters(folder, 7, step) as writers:
        writers.append({name: rows})
    return writers.urls[name]


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    attach("memory", fs=fsspec.filesystem("memory"))
    if request.param == "memory":
        monkeypatch.setenv("ERP_FEEDS_STAGING", f"memory://bucket/{tmp_path.name}")
    return str(request.param)


def test_run_folders_are_safe_and_apart(home: Path) -> None:
    first, second = staging.run_folder("testshop", RUN), staging.run_folder("testshop", RUN.replace("+", ":"))
    assert first.path != second.path
    assert first == staging.run_folder("testshop", RUN)
    assert set("+: ").isdisjoint(first.name)
    assert Path(first.path).parent == home / "staging/testshop"


def test_frame_keeps_types_and_nulls(storage: str) -> None:
    rows = frame(record=[1, 2], number=["00123", None], amount=[Decimal("1.50"), None], day=[None, None])
    folder = staging.run_folder("testshop", RUN)
    url = staged(folder, "parse", "records", rows)
    assert url == str(folder / "7" / "parse" / "records.arrow")
    pd.testing.assert_frame_equal(staging.read_frame(url), rows)


def test_blocks_become_one_frame_of_the_first_ones_types(storage: str) -> None:
    folder = staging.run_folder("testshop", RUN)
    with staging.FrameWriters(folder, 7, "parse") as writers:
        writers.append({"records": frame(record=[], number=[]), "rejects": frame(record=[])})
        writers.append({"records": frame(record=[1], number=[None])})
        writers.append({"records": pd.DataFrame({"record": [2], "number": ["0"]})})
    assert set(writers.urls) == {"records", "rejects"}
    records = staging.read_frame(writers.urls["records"])
    pd.testing.assert_frame_equal(records, frame(record=[1, 2], number=[None, "0"]))
    assert staging.read_frame(writers.urls["rejects"]).empty


def test_each_piece_is_read_by_itself_in_the_order_of_its_rows(
    storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "BUFFER", 40)  # so that the rows come in several parts
    folder = staging.run_folder("testshop", RUN)
    with staging.FrameWriters(folder, 7, "parse") as writers:
        parted = PieceWriter(writers, 3)
        parted.append({"records": frame(record=[], number=[])}, {"records": np.array([], int)})
        for first in range(0, 30, 6):
            rows = frame(record=list(range(first, first + 6)), number=["a"] * 6)
            parted.append({"records": rows}, {"records": np.array([0, 2, 0, 2, 2, 0])})
        parted.flush()
    found = [staging.read_frame(writers.urls["records"], piece, 3)["record"].tolist() for piece in range(3)]
    assert found == [
        [n for n in range(30) if n % 6 in {0, 2, 5}],
        [],
        [n for n in range(30) if n % 6 in {1, 3, 4}],
    ]
    assert len(staging.read_frame(writers.urls["records"])) == 30


def test_killed_step_leaves_no_frame(storage: str) -> None:
    folder = staging.run_folder("testshop", RUN)
    writers = staging.FrameWriters(folder, 7, "parse")

    def killed() -> None:
        with writers:
            writers.append({"records": frame(record=[1])})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert writers.urls == {}
    assert folder.fs.find(folder.path) == []


def test_rewriting_a_frame_replaces_it(storage: str) -> None:
    folder = staging.run_folder("testshop", RUN)
    for value in (1, 2):
        url = staged(folder, "parse", "records", frame(record=[value]))
    assert staging.read_frame(url)["record"].tolist() == [2]


def test_member_is_staged_whole_or_not_at_all(storage: str) -> None:
    class Cut(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            raise OSError("cut")

    folder = staging.run_folder("testshop", RUN)
    with pytest.raises(OSError, match="cut"):
        staging.stage_member(folder, 7, 1, Cut())
    url, _ = staging.stage_member(folder, 7, 2, io.BytesIO(b"<a/>"))
    assert [path.rpartition("/")[2] for path in folder.fs.find(folder.path)] == ["02.xml"]
    with staging.open_member(url) as member:
        assert member.read() == b"<a/>"


def test_missing_files_say_which_task_to_clear() -> None:
    folder = staging.run_folder("testshop", RUN)
    staged(folder, "split", "profiles", frame(record=[1]))
    with pytest.raises(FailError, match="clear task 'parse'"):
        staging.read_frame(str(folder / "7" / "parse" / "records.arrow"))
    with pytest.raises(FailError, match="clear task 'unzip'"):
        staging.open_member(str(folder / "7" / "xml" / "01.xml"))
    folder.fs.rm(folder.path, recursive=True)
    with pytest.raises(FailError, match="clear task 'unzip'"):
        staging.read_frame(str(folder / "7" / "parse" / "records.arrow"))


def test_sweep_removes_only_old_runs(home: Path) -> None:
    old, new, empty = (staging.run_folder("testshop", name) for name in ("old", "new", "empty"))
    for folder in (old, new):
        staged(folder, "parse", "records", frame(record=[1]))
    long_ago = time.time() - 3 * 86_400
    for path in Path(old.path).rglob("*"):
        os.utime(path, (long_ago, long_ago))
    assert staging.purge("testshop", 2) == [str(old)]
    assert Path(new.path).exists()
    assert Path(empty.path).exists()
    assert staging.purge("nobody", 2) == []


def test_sweep_of_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    attach("memory", fs=fsspec.filesystem("memory"))
    monkeypatch.setenv("ERP_FEEDS_STAGING", "memory://bucket/sweep")
    folder = staging.run_folder("testshop", RUN)
    url = staged(folder, "parse", "records", frame(record=[1]))
    assert staging.purge("testshop", 1) == []
    assert staging.purge("testshop", 0) == [str(folder)]
    with pytest.raises(FailError):
        staging.read_frame(url)
