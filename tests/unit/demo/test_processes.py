"""Whatever the demo starts is found and ended again, by the supervisor or by another process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from erp_feeds.demo import environment, process_list, processes
from erp_feeds.demo.environment import Home
from erp_feeds.demo.processes import Supervisor
from erp_feeds.errors import FailError

WAITS = "print('ready', flush=True); import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WAITS
LEAVES_ITS_GROUP = (
    "import subprocess, sys;"
    f"subprocess.Popen([sys.executable, '-c', {WAITS!r}], start_new_session=True).wait()"
)
FORKS_UNMARKED = (
    "import os, subprocess, sys;"
    f"subprocess.Popen([sys.executable, '-c', {WAITS!r}], env={{}}, stdout=subprocess.PIPE)"
    ".stdout.readline();" + WAITS
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.run.mkdir()
    return made


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    made = Supervisor(home)
    yield made
    made.stop()


def start(supervisor: Supervisor, name: str, code: str) -> None:
    """Start a process and wait until it says that it is ready."""
    supervisor.start(name, [sys.executable, "-c", code], {})
    while "ready" not in processes.log_of(supervisor.home, name).read_text():
        supervisor.check()
        time.sleep(0.01)


def alive(home: Home) -> list[psutil.Process]:
    return process_list.orphans(home, process_list.read(home.run / "processes.json"))


@pytest.mark.parametrize(
    "code", [WAITS, STUBBORN, LEAVES_ITS_GROUP], ids=["plain", "stubborn", "leaves its group"]
)
def test_the_supervisor_ends_what_it_started(
    supervisor: Supervisor, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_list, "GRACE_SECONDS", 0.5)
    start(supervisor, "part", code)
    assert alive(supervisor.home)
    supervisor.stop()
    assert alive(supervisor.home) == []


def test_another_process_ends_it_when_the_supervisor_is_gone(supervisor: Supervisor) -> None:
    start(supervisor, "part", LEAVES_ITS_GROUP)
    environment.write_shell(supervisor.home, {"PASSWORD": "x"})
    assert processes.stop_all(supervisor.home) is True
    assert alive(supervisor.home) == []
    assert not supervisor.home.shell.exists()  # it has passwords, and ports that are another's next
    assert processes.stop_all(supervisor.home) is False


def test_a_pid_that_meanwhile_is_anothers_is_left_alone() -> None:
    mine = psutil.Process()
    assert process_list.Record("me", mine.pid, mine.create_time()).process() == mine
    assert process_list.Record("me", mine.pid, mine.create_time() - 3600).process() is None


def test_a_process_that_dies_is_told_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    supervisor.start("part", [sys.executable, "-c", "print('out of luck'); raise SystemExit(3)"], {})
    with pytest.raises(FailError, match=r"part ended with code 3(.|\n)*out of luck"):
        supervisor.wait("part")


def test_a_server_that_ends_by_itself_has_died_too(supervisor: Supervisor) -> None:
    supervisor.start("part", [sys.executable, "-c", ""], {})
    with pytest.raises(FailError, match="part ended with code 0"):
        supervisor.wait("part")


def test_a_brief_process_may_end(supervisor: Supervisor) -> None:
    supervisor.start("part", [sys.executable, "-c", ""], {}, brief=True)
    supervisor.wait("part")
    supervisor.check()
    assert not supervisor.runs("part")


def test_a_full_disk_is_named_before_anything_starts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ROOM", 2**62)
    with pytest.raises(FailError, match=r"MB are free in .*: make room"), processes.only_one(home):
        pass


def test_a_home_has_one_supervisor(home: Home) -> None:
    with processes.only_one(home), pytest.raises(FailError, match="already runs"), processes.only_one(home):
        pass
    with processes.only_one(home):
        pass


def test_what_is_left_of_an_earlier_supervisor_is_ended_before_a_second_set_starts(
    supervisor: Supervisor, home: Home
) -> None:
    start(supervisor, "part", LEAVES_ITS_GROUP)
    with processes.only_one(home):
        assert alive(home) == []


def test_a_process_without_its_mark_is_found_by_its_session(supervisor: Supervisor, home: Home) -> None:
    start(supervisor, "part", FORKS_UNMARKED)
    record = process_list.read(home.run / "processes.json")[0]
    process = record.process()
    assert process
    (unmarked,) = process.children()
    process.kill()
    process.wait(5)
    assert alive(home) == [unmarked]
    assert processes.stop_all(home) is True
    assert not unmarked.is_running() or unmarked.status() == psutil.STATUS_ZOMBIE


def test_a_part_that_dies_is_started_again_without_what_it_left_behind(
    supervisor: Supervisor, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.postgres, "is_running", lambda folder: True)
    start(supervisor, "part", FORKS_UNMARKED)
    process = process_list.read(home.run / "processes.json")[0].process()
    assert process
    (left,) = process.children()
    for number in range(processes.RESTARTS):
        newest = process_list.read(home.run / "processes.json")[-1].process()
        assert newest
        newest.kill()
        while supervisor._running["part"].poll() is None:
            time.sleep(0.01)
        assert len(supervisor.restart_dead()) == 1, number
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    newest = process_list.read(home.run / "processes.json")[-1].process()
    assert newest
    newest.kill()
    supervisor._running["part"].wait(5)
    with pytest.raises(FailError, match="part was killed by SIGKILL"):
        supervisor.restart_dead()


def test_a_renamed_home_knows_its_processes(tmp_path: Path) -> None:
    home = Home(tmp_path / "one")
    home.run.mkdir(parents=True)
    supervisor = Supervisor(home)
    start(supervisor, "part", LEAVES_ITS_GROUP)
    renamed = Home(home.folder.rename(tmp_path / "two"))
    assert processes.stop_all(renamed) is True
    assert alive(renamed) == []


def test_what_the_demo_writes_is_its_owners_alone(supervisor: Supervisor, home: Home) -> None:
    with processes.only_one(home):
        assert home.folder.stat().st_mode & 0o077 == 0
    start(supervisor, "part", "open('made', 'w'); import os; os.mkdir('folder');" + WAITS)
    written = [
        home.logs / "part.log",
        home.folder / "made",
        home.folder / "folder",
        home.run / "processes.json",
    ]
    assert [path.stat().st_mode & 0o077 for path in written] == [0, 0, 0, 0]


def test_only_its_own_listener_is_the_demos(supervisor: Supervisor, home: Home) -> None:
    listens = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1]);"
    start(supervisor, "part", listens + WAITS)
    port = int(processes.log_of(home, "part").read_text().split()[0])
    assert supervisor.listens(port)
    nobodys = Supervisor(home)
    assert not nobodys.listens(port)


def test_a_long_log_begins_anew(supervisor: Supervisor, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.postgres, "is_running", lambda folder: True)
    monkeypatch.setattr(processes, "LONGEST_LOG", 10_000)
    noisy = "import os, signal; print('x' * 10_000, flush=True); os.write(1, b'ready\\n');"
    goes_on = "signal.signal(signal.SIGTERM, lambda *_: (print('more', flush=True), exit())); signal.pause()"
    start(supervisor, "part", noisy + goes_on)
    supervisor.restart_dead()
    supervisor.stop()
    log = processes.log_of(home, "part")
    assert log.with_suffix(".log.1").read_text() == "x" * 10_000 + "\nready\n"
    assert log.read_text() == "more\n"
