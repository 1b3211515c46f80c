"""The demo's processes: each in a group of its own, written down, and all ended again whatever happened."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from erp_feeds.demo import postgres, process_list
from erp_feeds.demo.environment import Home
from erp_feeds.demo.process_list import GRACE_SECONDS, MARK, Record
from erp_feeds.errors import FailError

log = logging.getLogger(__name__)

TAIL = 15
"""Lines of its log that are shown when a process dies."""
LONGEST_LOG = 10_000_000
"""Bytes; Airflow's components together write some 4 MB an hour while nothing happens."""
ROOM = 300_000_000
"""Bytes that must be free at the start: some 70 MB for PostgreSQL, the rest for files and logs of a day."""
RESTARTS = 3
"""How often a part that dies is started again within `RESTART_SECONDS`; more is no accident."""
RESTART_SECONDS = 600.0


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

        A brief one may end by itself, without an error; any other is expected to run until it is stopped.
        """
        if brief:
            self._brief.add(name)
        again = name in self._started
        self._started[name] = (command, environment)
        self.home.logs.mkdir(parents=True, exist_ok=True)
        log_of(self.home, name).touch(mode=0o600)
        if not again:
            os.truncate(log_of(self.home, name), 0)
        with log_of(self.home, name).open("ab") as output:  # appending, so that it may be cut short meanwhile
            child = subprocess.Popen(
                list(command),
                # SPT_NOENV: a process that changes its title would overwrite the mark
                env={**os.environ, **environment, MARK: process_list.mark_of(self.home), "SPT_NOENV": "1"},
                umask=0o077,  # logs and mails hold personal data
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home.folder,
                start_new_session=True,
            )
        self._running[name] = child
        self._records.append(process_list.record_of(name, child.pid))
        process_list.write(self.home.run / "processes.json", self._records)

    def wait(self, name: str) -> None:
        """Wait for a process that does one thing and ends.

        Raises:
            FailError: it ended with an error; the message shows the end of its log.
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

    def restart_dead(self) -> list[str]:
        """Start again what died, keep logs short; return what to say of it.

        Raises:
            FailError: a part died too often; the message shows the end of its log.
        """
        said: list[str] = []
        for name in self._running:
            _shorten(log_of(self.home, name))
        if not postgres.is_running(self.home.postgres):
            self._count("PostgreSQL", FailError(f"PostgreSQL died; see {self.home.postgres / 'log'}", "died"))
            postgres.start(self.home.postgres)
            said.append("PostgreSQL died and was started again")
        for name in list(self._running):
            try:
                self._check(name)
            except FailError as death:
                if name in self._brief:
                    raise
                self._count(name, death)
                process_list.end_session(next(each for each in reversed(self._records) if each.name == name))
                self.start(name, *self._started[name])
                said.append(f"{name} died and was started again; see {log_of(self.home, name)}")
        return said

    def listens(self, port: int) -> bool:
        """Return whether it is one of the demo's own processes that listens on a port."""
        return any(process_list.listens(process, port) for process in process_list.family(self._records))

    def runs(self, name: str) -> bool:
        """Return whether a process was started and has not ended."""
        return name in self._running

    def process(self, name: str) -> psutil.Process:
        """Return a process that was started and has not ended."""
        return psutil.Process(self._running[name].pid)

    def memory(self) -> int:
        """Return the bytes of memory that the processes hold; shared pages count once where that is known."""
        return sum(process_list.memory(process) for process in process_list.family(self._records))

    def stop(self) -> None:
        """End everything, the last started first, then the database."""
        end(self.home, self._records)
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
        """Take a process off the list; only an end without an error passes."""
        del self._running[name]
        if code or name not in self._brief:
            written = log_of(self.home, name)
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            raise FailError(f"{name} {how}; the end of {written}:\n{tail(written)}", "died")


def end(home: Home, records: Sequence[Record]) -> bool:
    """End every process, then the database, which nobody uses any more; return whether anything ran."""
    ran = process_list.end(home, records) or postgres.is_running(home.postgres)
    postgres.stop(home.postgres)
    (home.run / "processes.json").unlink(missing_ok=True)
    home.shell.unlink(missing_ok=True)  # another program may have the ports next, and is told no password
    return ran


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
        if end(home, process_list.read(home.run / "processes.json")):
            log.warning("what an earlier demo in %s had left running was ended first", home.folder)
        record = process_list.record_of("supervisor", os.getpid())
        process_list.write(home.run / "supervisor.json", [record])
        try:
            yield
        finally:
            (home.run / "supervisor.json").unlink(missing_ok=True)


def stop_all(home: Home) -> bool:
    """End a demo from another process, also one whose supervisor was killed; return whether anything ran."""
    supervisors = [record for record in process_list.read(home.run / "supervisor.json") if record.process()]
    for record in supervisors:
        process = record.process()
        if process:
            process.terminate()
            psutil.wait_procs([process], timeout=4 * GRACE_SECONDS)
    return end(home, process_list.read(home.run / "processes.json")) or bool(supervisors)


def _make_own(home: Home) -> None:
    """Make the demo's folder, which nobody else may enter.

    Raises:
        FailError: it belongs to another user, cannot be made, or its disk is full.
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
        text = f"the demo cannot keep its state in {home.folder}: {why}"
        raise FailError(f"{text}; set ERP_FEEDS_HOME to a folder of your own", "no_home")
    free = shutil.disk_usage(home.folder).free
    if free < ROOM:
        text = f"only {free / 1e6:,.0f} MB are free in {home.folder}, and the demo needs {ROOM / 1e6:,.0f}"
        raise FailError(f"{text}: make room, or set ERP_FEEDS_HOME to a folder on another disk", "full_disk")


def log_of(home: Home, name: str) -> Path:
    """Return the file that holds a process's output."""
    return home.logs / f"{name}.log"


def _shorten(log: Path) -> None:
    """Begin a log anew that has grown long, and keep what it held as <name>.log.1."""
    if log.stat().st_size > LONGEST_LOG:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def tail(log: Path) -> str:
    """Return the last lines of a log, indented."""
    with suppress(FileNotFoundError):
        return "\n".join("    " + line for line in log.read_text("utf-8", "replace").splitlines()[-TAIL:])
    return "    (no output)"
