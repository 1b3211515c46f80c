"""Which processes are the demo's: written down, marked, and found again whatever happened."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from erp_feeds.demo.credentials import write_private
from erp_feeds.demo.environment import Home

MARK = "ERP_FEEDS_DEMO_PROCESS"
"""Variable of every child, and of no shell that sources env.sh: finds children that left their group."""
GRACE_SECONDS = 8.0
"""Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Record:
    """A process as written down; a pid alone could meanwhile be another's."""

    name: str
    pid: int
    created: float
    """Start, in seconds since the epoch, as the operating system says."""

    def process(self) -> psutil.Process | None:
        """Return the process when it still is this one, and no zombie."""
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.created) < 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


def mark_of(home: Home) -> str:
    """Return the mark of this home's processes: kept in a file, so that a renamed folder still knows them."""
    path = home.run / "mark"
    if not path.exists():
        write_private(path, uuid.uuid4().hex)
    return path.read_text("utf-8")


def end(home: Home, records: Sequence[Record]) -> bool:
    """Ask every process to end and insist after a grace; return whether any ran."""
    found = [*family(list(reversed(records))), *orphans(home, records)]
    groups = _groups(found)
    _signal(found, groups, signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=GRACE_SECONDS)
    survivors = [*alive, *(process for process in orphans(home, records) if process not in alive)]
    _signal(survivors, _groups(survivors), signal.SIGKILL)
    psutil.wait_procs(survivors, timeout=GRACE_SECONDS)
    return bool(found)


def end_session(record: Record) -> None:
    """Kill at once what a dead process has left: its successor may not run beside them."""
    sessions = {record.pid: record.created}
    for process in psutil.process_iter():
        if _in_session(process, sessions):
            with suppress(psutil.Error):
                process.kill()


def family(records: Iterable[Record]) -> list[psutil.Process]:
    """Return the recorded processes that live, each followed by all below it."""
    found: list[psutil.Process] = []
    for record in records:
        process = record.process()
        if process:
            with suppress(psutil.NoSuchProcess):
                found += [process, *process.children(recursive=True)]
    return found


def orphans(home: Home, records: Iterable[Record]) -> list[psutil.Process]:
    """Return processes that are of this home though their parents are gone.

    They carry its mark, or are in a session that a recorded process began: its number is given to no other
    process as long as one of the session lives.
    """
    if not home.run.is_dir():
        return []
    mark, sessions = mark_of(home), {record.pid: record.created for record in records}
    return [process for process in psutil.process_iter() if _is_ours(process, mark, sessions)]


def _is_ours(process: psutil.Process, mark: str, sessions: Mapping[int, float]) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return _in_session(process, sessions) or process.environ().get(MARK) == mark
    except (psutil.Error, OSError):  # another user's, or gone meanwhile
        return False


def _in_session(process: psutil.Process, sessions: Mapping[int, float]) -> bool:
    """Return whether a process is in a session that began with one of (pid, start), and is not that one."""
    with suppress(psutil.Error, OSError):
        began = sessions.get(os.getsid(process.pid))
        return began is not None and process.pid not in sessions and process.create_time() >= began - 1
    return False


def _groups(family: Iterable[psutil.Process]) -> list[int]:
    """Return the process groups of a family, never our own."""
    groups: dict[int, None] = {}
    for process in family:
        with suppress(ProcessLookupError):
            groups[os.getpgid(process.pid)] = None
    groups.pop(os.getpgid(0), None)
    return list(groups)


def _signal(family: Iterable[psutil.Process], groups: Iterable[int], number: signal.Signals) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    for process in family:
        with suppress(psutil.Error, ProcessLookupError):  # gone meanwhile
            if os.getpgid(process.pid) == os.getpgid(0):
                process.send_signal(number)


def listens(process: psutil.Process, port: int) -> bool:
    """Return whether a process listens on a port."""
    with suppress(psutil.Error):
        found = process.net_connections("inet")
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found)
    return False


def memory(process: psutil.Process) -> int:
    """Return the bytes of memory that a process holds; shared pages count once where that is known."""
    with suppress(psutil.Error, AttributeError):
        info = process.memory_full_info()
        return int(getattr(info, "pss", info.uss))
    return 0


def record_of(name: str, pid: int) -> Record:
    """Return what to write down of a process."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = time.time()
    return Record(name, pid, created)


def write(path: Path, records: Sequence[Record]) -> None:
    """Write processes down."""
    write_private(path, json.dumps([asdict(record) for record in records]))


def read(path: Path) -> list[Record]:
    """Return the processes written down; none where nothing was."""
    try:
        return [Record(**entry) for entry in json.loads(path.read_text("utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        return []
