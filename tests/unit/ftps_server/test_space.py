"""The space of a login, of which the server's loop asks with each block that arrives."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from erp_feeds.ftps_server import space
from erp_feeds.ftps_server.space import Space


class Beside(Executor):
    """Does at once, in a thread of its own, what it is given; says in which thread it ran."""

    def submit(self, call: Any, /, *given: Any, **named: Any) -> Future[Any]:
        with ThreadPoolExecutor(1) as one:
            return one.submit(call, *given, **named)


def test_the_loop_never_walks_a_folder_and_hears_of_files_that_were_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked_in: list[str] = []
    walk = space.os.walk

    def noted(*given: Any) -> Any:
        walked_in.append(threading.current_thread().name)
        return walk(*given)

    monkeypatch.setattr(space.os, "walk", noted)
    monkeypatch.setattr(space, "MEASURE_AGAIN_SECONDS", 0)
    full = tmp_path / "full.zip"
    full.write_bytes(bytes(100))
    found = Space(tmp_path, 100, Beside())
    found.measure()
    assert not found.has_room()
    assert not found.take(1)
    full.unlink()
    assert found.has_room()
    assert found.take(100)
    assert len(walked_in) > 3
    assert [name for name in walked_in[1:] if name == threading.current_thread().name] == []


def test_a_part_that_was_removed_gives_its_bytes_back(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(bytes(60))
    with ThreadPoolExecutor(1) as workers:
        found = Space(tmp_path, 100, workers)
        found.measure()
        assert found.take(40)
        assert not found.take(1)
        found.give_back(40)
        assert found.take(40)
