"""The demo's processes: each in a group of its own, written down, and all ended again whatever happened."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from erp_feeds.demo import postgres
from erp_feeds.demo.credentials import write_private
from erp_feeds.demo.environment import Home
from erp_feeds.errors import FailError

log = logging.getLogger(__name__)

MARK = "ERP_FEEDS_DEMO_PROCESS"
"""Variable of every child, and of no shell that sources env.sh: finds children that left their group."""
GRACE = 8.0
"""Seconds between SIGTERM and SIGKILL."""
TAIL = 15
"""Lines of its log that are shown when a process dies."""
RESTARTS = 3
"""How often a part that dies is started again within `RESTART_SECONDS`; more is no accident."""
RESTART_SECONDS = 600.0


@dataclass(frozen=True)
class Record:
    """A process as written down; a pid alone could meanwhile be another's."""

    name: str
    pid: int
    created: float
    """Start, in seconds since the epoch, as the operating system tells it."""

    def process(self) -> psutil.Process | None:
        """Return the process when it still is this one, and no zombie."""
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.created) < 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


class Supervisor:
    """Starts processes, notices when one dies, and stops them all."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._records: list[Record] = []
        self._brief: set[str] = set()
        self._started: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}
        self._deaths: dict[str, list[float]] = {}

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, brief: bool = False
    ) -> None:
        """Start a process in a session of its own, its output in logs/<name>.log.

        A brief one may end by itself, without fault; any other is expected to run until it is stopped.
        """
        if brief:
            self._brief.add(name)
        again = name in self._started
        self._started[name] = (command, environment)
        self.home.logs.mkdir(parents=True, exist_ok=True)
        with log_of(self.home, name).open("ab" if again else "wb") as log:
            child = subprocess.Popen(
                list(command),
                # SPT_NOENV: a process that changes its title would overwrite the mark
                env={**os.environ, **environment, MARK: mark_of(self.home), "SPT_NOENV": "1"},
                umask=0o077,  # logs and mails hold personal data
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home.folder,
                start_new_session=True,
            )
        self._running[name] = child
        self._records.append(_record_of(name, child.pid))
        _write_records(self.home, self._records)

    def wait(self, name: str) -> None:
        """Wait for a process that does one thing and ends.

        Raises:
            FailError: it ended with a fault; the message shows the end of its log.
        """
        if name in self._running:
            self._forget(name, self._running[name].wait())

    def check(self) -> None:
        """Notice a process that ended.

        Raises:
            FailError: one died; the message shows the end of its log.
        """
        for name in list(self._running):
            self._check(name)

    def mend(self) -> list[str]:
        """Start again what died; return what to say of it.

        Raises:
            FailError: a part died too often; the message shows the end of its log.
        """
        said: list[str] = []
        if not postgres.is_running(self.home.postgres):
            self._count("PostgreSQL", FailError(f"PostgreSQL died; see {self.home.postgres / 'log'}", "died"))
            postgres.start(self.home.postgres)
            said.append("PostgreSQL died and was started again")
        for name in list(self._running):
            try:
                self._check(name)
            except FailError as death:
                self._count(name, death)
                self.start(name, *self._started[name])
                said.append(f"{name} died and was started again; see {log_of(self.home, name)}")
        return said

    def listens(self, port: int) -> bool:
        """Tell whether it is one of the demo's own processes that listens on a port of the loopback address."""
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for process in _family(self._records)
            for connection in _connections(process)
        )

    def runs(self, name: str) -> bool:
        """Tell whether a process was started and has not ended."""
        return name in self._running

    def memory(self) -> int:
        """Return the bytes of memory that the processes hold; shared pages count once where that is known."""
        return sum(_memory(process) for process in _family(self._records))

    def stop(self) -> None:
        """End everything, the last started first, then the database."""
        _end(self.home, self._records)
        for child in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)  # reaps it
        self._running.clear()

    def _check(self, name: str) -> None:
        code = self._running[name].poll()
        if code is not None:
            self._forget(name, code)

    def _count(self, name: str, death: FailError) -> None:
        now = time.monotonic()
        recent = [each for each in self._deaths.get(name, []) if now - each < RESTART_SECONDS]
        self._deaths[name] = [*recent, now]
        if len(recent) >= RESTARTS:
            raise death

    def _forget(self, name: str, code: int) -> None:
        """Take a process off the list; only an end without fault passes."""
        del self._running[name]
        if code or name not in self._brief:
            log = log_of(self.home, name)
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            raise FailError(f"{name} {how}; the end of {log}:\n{tail(log)}", "died")


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home for this process; the lock goes with the process, however it ends.

    Raises:
        FailError: another `make run` holds it.
    """
    _make_own(home)
    with (home.run / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"the demo already runs in {home.folder}: `make stop` ends it"
            raise FailError(message, "running") from None
        if _end(home, _read(home.run / "processes.json")):
            log.warning("what an earlier demo in %s had left running was ended first", home.folder)
        record = _record_of("supervisor", os.getpid())
        _write(home.run / "supervisor.json", [record])
        try:
            yield
        finally:
            (home.run / "supervisor.json").unlink(missing_ok=True)


def stop_all(home: Home) -> bool:
    """End a demo from another process, also one whose supervisor was killed; return whether anything ran."""
    supervisors = [record for record in _read(home.run / "supervisor.json") if record.process()]
    for record in supervisors:
        process = record.process()
        if process:
            process.terminate()
            psutil.wait_procs([process], timeout=4 * GRACE)
    return _end(home, _read(home.run / "processes.json")) or bool(supervisors)


def mark_of(home: Home) -> str:
    """Return the mark of this home's processes: kept in a file, so that a renamed folder still knows them."""
    path = home.run / "mark"
    if not path.exists():
        write_private(path, uuid.uuid4().hex)
    return path.read_text("utf-8")


def _make_own(home: Home) -> None:
    """Make the demo's folder, which nobody else may enter.

    Raises:
        FailError: it belongs to another user, or cannot be made.
    """
    try:
        home.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = home.folder.stat().st_uid
        if owner == os.geteuid():
            home.folder.chmod(0o700)
    except OSError as error:
        owner, why = -1, error.strerror
    else:
        why = "it belongs to another user"
    if owner != os.geteuid():
        text = f"the demo cannot keep its state in {home.folder}: {why}; set ERP_FEEDS_HOME to a folder of your own"
        raise FailError(text, "no_home")


def log_of(home: Home, name: str) -> Path:
    """Return the file that holds a process's output."""
    return home.logs / f"{name}.log"


def tail(log: Path, lines: int = TAIL) -> str:
    """Return the last lines of a log, indented."""
    with suppress(FileNotFoundError):
        return "\n".join("    " + line for line in log.read_text("utf-8", "replace").splitlines()[-lines:])
    return "    (no output)"


def _end(home: Home, records: Sequence[Record]) -> bool:
    """Ask every process to end, insist after a grace, then stop the database, which nobody uses any more.

    Return whether anything ran.
    """
    family = [*_family(list(reversed(records))), *_strays(home, records)]
    ran = bool(family) or postgres.is_running(home.postgres)
    groups = _groups(family)
    _signal(family, groups, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=GRACE)
    survivors = [*alive, *(process for process in _strays(home, records) if process not in alive)]
    _signal(survivors, _groups(survivors), signal.SIGKILL)
    psutil.wait_procs(survivors, timeout=GRACE)
    postgres.stop(home.postgres)
    (home.run / "processes.json").unlink(missing_ok=True)
    return ran


def _family(records: Iterable[Record]) -> list[psutil.Process]:
    """Return the recorded processes that live, each followed by all below it."""
    found: list[psutil.Process] = []
    for record in records:
        process = record.process()
        if process:
            with suppress(psutil.NoSuchProcess):
                found += [process, *process.children(recursive=True)]
    return found


def _strays(home: Home, records: Iterable[Record]) -> list[psutil.Process]:
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
        began = sessions.get(os.getsid(process.pid))
        in_session = began is not None and process.create_time() >= began - 1 and process.pid not in sessions
        return in_session or process.environ().get(MARK) == mark
    except (psutil.Error, OSError):  # another user's, or gone meanwhile
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


def _connections(process: psutil.Process) -> list[Any]:
    with suppress(psutil.Error):
        return list(process.net_connections("inet"))
    return []


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.Error, AttributeError):
        info = process.memory_full_info()
        return int(getattr(info, "pss", info.uss))
    return 0


def _record_of(name: str, pid: int) -> Record:
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = time.time()
    return Record(name, pid, created)


def _write_records(home: Home, records: Sequence[Record]) -> None:
    _write(home.run / "processes.json", records)


def _write(path: Path, records: Sequence[Record]) -> None:
    write_private(path, json.dumps([asdict(record) for record in records]))


def _read(path: Path) -> list[Record]:
    try:
        return [Record(**entry) for entry in json.loads(path.read_text("utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        return []
