"""Originals are kept whole, once, and under names that stay inside the archive."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest
from airflow.sdk.io import attach

from erp_feeds.errors import FailError, QuarantineError
from erp_feeds.storage import archive

NAME = "TestShop_SRS_Customers_1.zip"


def test_original_is_kept_under_its_hash(home: Path) -> None:
    kept = archive.save([b"ab", b"c"], "testshop", "srs_customers", NAME)
    sha256 = hashlib.sha256(b"abc").hexdigest()
    path = home / "archive/testshop/srs_customers" / f"TestShop_SRS_Customers_1.{sha256[:16]}.zip"
    assert (kept.url, kept.sha256, kept.size) == (path.as_uri(), sha256, 3)
    assert path.read_bytes() == b"abc"
    with archive.open_original(kept.url) as original:
        assert original.read() == b"abc"
        assert original.seek(0) == 0


def test_same_bytes_are_left_alone_and_other_bytes_stand_beside_them(home: Path) -> None:
    first = archive.save([b"abc"], "testshop", "srs_customers", NAME)
    path = Path(first.url.removeprefix("file://"))
    before = path.stat()
    assert archive.save([b"a", b"bc"], "testshop", "srs_customers", NAME) == first
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    other = archive.save([b"xyz"], "testshop", "srs_customers", NAME)
    assert sorted(each.name for each in path.parent.iterdir()) == sorted(
        url.rpartition("/")[2] for url in (first.url, other.url)
    )


def test_copy_that_a_crash_cut_short_is_written_anew(home: Path) -> None:
    kept = archive.save([b"abc"], "testshop", "srs_customers", NAME)
    path = Path(kept.url.removeprefix("file://"))
    path.write_bytes(b"a")
    archive.save([b"abc"], "testshop", "srs_customers", NAME)
    assert path.read_bytes() == b"abc"


def test_interrupted_write_leaves_nothing(home: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"abc"
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        archive.save(chunks(), "testshop", "srs_customers", NAME)
    assert list((home / "archive/testshop/srs_customers").iterdir()) == []


KILLED_WITHIN = """
import os, signal
from erp_feeds.storage import archive

def blocks():
    yield bytes(100_000)
    os.kill(os.getpid(), signal.SIGKILL)

archive.save(blocks(), "testshop", "srs_customers", "TestShop_SRS_Customers_1.zip")
"""


def age(path: Path, days: float) -> None:
    moment = time.time() - days * 86_400
    os.utime(path, (moment, moment))


def test_what_a_killed_task_left_is_swept_once_it_is_surely_dead(home: Path) -> None:
    kept = Path(archive.save([b"abc"], "testshop", "srs_customers", NAME).url.removeprefix("file://"))
    killed = subprocess.run([sys.executable, "-c", KILLED_WITHIN], check=False)
    assert killed.returncode == -signal.SIGKILL
    [left] = set(kept.parent.iterdir()) - {kept}
    age(kept, 900)
    age(left, 0.9)
    assert archive.purge("testshop") == 0
    age(left, 1.1)
    assert archive.purge("othershop") == 0
    assert archive.purge("testshop") == 1
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize(
    "name", ["../x.zip", "a/b.zip", "a\\b.zip", "..", ".", "", "a\nb.zip", "a\0.zip", "c:x.zip"]
)
def test_names_are_never_paths(home: Path, name: str) -> None:
    with pytest.raises(FailError, match="not a safe file name"):
        archive.save([b"abc"], "testshop", "srs_customers", name)
    assert not (home / "archive").exists()


def test_missing_original_says_so(home: Path) -> None:
    with pytest.raises(QuarantineError, match="does not hold"):
        archive.open_original((home / "archive/nothing.zip").as_uri())


def test_a_deleted_original_is_gone_and_deleting_it_again_is_no_error(home: Path) -> None:
    kept, other = (archive.save([content], "testshop", "srs_customers", NAME) for content in (b"abc", b"abd"))
    for _ in range(2):
        archive.delete(kept.url)
    with pytest.raises(QuarantineError, match="does not hold"):
        archive.open_original(kept.url)
    archive.open_original(other.url).close()


def test_an_archive_that_was_moved_or_restored_elsewhere_is_read_and_deleted_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, left = (archive.save([content], "testshop", "srs_customers", NAME) for content in (b"abc", b"abd"))
    behind = Path(left.url.removeprefix("file://"))
    (home / "archive").rename(home / "moved")
    behind.parent.mkdir(parents=True)
    (home / "moved" / behind.relative_to(home / "archive")).rename(behind)  # not all of it was moved
    monkeypatch.setenv("ERP_FEEDS_ARCHIVE", f"file://{home / 'moved'}")
    for original, content in ((kept, b"abc"), (left, b"abd")):
        with archive.open_original(original.url) as file:
            assert file.read() == content
        archive.delete(original.url)
    assert [path for path in home.rglob("*.zip") if path.is_file()] == []


def test_sweep_of_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    attach("memory", fs=fsspec.filesystem("memory"))
    monkeypatch.setenv("ERP_FEEDS_ARCHIVE", "memory://bucket/swept")
    assert archive.purge("testshop") == 0
    kept = archive.save([b"abc"], "testshop", "srs_customers", NAME)
    left = "/bucket/swept/testshop/srs_customers/.arriving-0123"
    fsspec.filesystem("memory").pipe_file(left, b"ab")
    assert archive.purge("testshop") == 0
    monkeypatch.setattr(archive, "DEAD_AFTER", timedelta(0))
    assert archive.purge("testshop") == 1
    archive.open_original(kept.url).close()
    assert not fsspec.filesystem("memory").exists(left)


def test_object_store_without_renames(monkeypatch: pytest.MonkeyPatch) -> None:
    attach("memory", fs=fsspec.filesystem("memory"))
    monkeypatch.setenv("ERP_FEEDS_ARCHIVE", "memory://bucket/archive")
    kept = archive.save([b"abc"], "testshop", "srs_customers", NAME)
    assert kept.url.startswith("memory://bucket/archive/testshop/srs_customers/TestShop_SRS_Customers_1.")
    with archive.open_original(kept.url) as original:
        assert original.read() == b"abc"
    assert len(fsspec.filesystem("memory").ls("/bucket/archive/testshop/srs_customers")) == 1
    archive.delete(kept.url)
    archive.delete(kept.url)
    assert fsspec.filesystem("memory").ls("/bucket/archive/testshop/srs_customers") == []
