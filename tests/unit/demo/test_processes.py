"""Whatever the demo starts is found and ended again, by the supervisor or by another process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from erp_feeds.demo import processes
from erp_feeds.demo.environment import Home
from erp_feeds.demo.processes import Supervisor
from erp_feeds.errors import FailError

WAITS = "print('ready', flush=True); import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WAITS
LEAVES_ITS_GROUP = (
    "import subprocess, sys;"
    f"subprocess.Popen([sys.executable, '-c', {WAITS!r}], start_new_session=True).wait()"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


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
    return processes._strays(home)


@pytest.mark.parametrize(
    "code", [WAITS, STUBBORN, LEAVES_ITS_GROUP], ids=["plain", "stubborn", "leaves its group"]
)
def test_the_supervisor_ends_what_it_started(
    supervisor: Supervisor, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.5)
    start(supervisor, "part", code)
    assert alive(supervisor.home)
    supervisor.stop()
    assert alive(supervisor.home) == []


def test_another_process_ends_it_when_the_supervisor_is_gone(supervisor: Supervisor) -> None:
    start(supervisor, "part", LEAVES_ITS_GROUP)
    assert processes.stop_all(supervisor.home) is True
    assert alive(supervisor.home) == []
    assert processes.stop_all(supervisor.home) is False


def test_a_pid_that_meanwhile_is_anothers_is_left_alone() -> None:
    mine = psutil.Process()
    assert processes.Record("me", mine.pid, mine.create_time()).process() == mine
    assert processes.Record("me", mine.pid, mine.create_time() - 3600).process() is None


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


def test_a_home_has_one_supervisor(home: Home) -> None:
    with processes.only_one(home), pytest.raises(FailError, match="already runs"), processes.only_one(home):
        pass
    with processes.only_one(home):
        pass
