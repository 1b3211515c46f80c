"""`make run`: start everything, let the ERP party deliver, show what happens, say how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated, Any

import typer
from psycopg import Connection, OperationalError
from rich.console import Console

from erp_feeds.demo import environment, postgres, servers, summary
from erp_feeds.demo.exporter import REAL, expected
from erp_feeds.demo.mail import received
from erp_feeds.demo.ports import Ports
from erp_feeds.demo.processes import Supervisor, only_one, stop_all
from erp_feeds.demo.progress import Screen, pending, totals
from erp_feeds.errors import FailError, FeedError, RetryError, counted, visible
from erp_feeds.orchestration.rest_client import UNFINISHED
from erp_feeds.settings import settings
from erp_feeds.store import queries
from erp_feeds.store.connection import open_uri
from erp_feeds.store.file_rows import FileProgress

POLL_SECONDS = 0.5
DEADLINE_SECONDS = 600.0
DEADLINE_SECONDS_PER_DAY = 10.0
REPORT_SECONDS = 120.0
"""Seconds that runs may take to end after their last file is done."""

app = typer.Typer(
    help="The demo: real exports travel from an FTPS server to the store, run by Airflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a trace with local variables would show passwords
)


class Interrupted(BaseException):
    """Ctrl-C, or the end of the session: stop everything, then leave."""


@app.command()
def run(
    days: Annotated[int, typer.Option(min=1, max=365, help="Days of the year 2017 to deliver.")] = 31,
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the summary; exit 1 when anything failed.")
    ] = False,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="With Celery, Redis and S3, as on many machines.")
    ] = False,
) -> None:
    """Start the demo and stay up until Ctrl-C."""
    console = Console(highlight=False)
    home = environment.home()
    try:
        with only_one(home), _signals():
            supervisor = Supervisor(home)
            try:
                errors = _run_to_end(console, supervisor, days, once=once, is_cluster=cluster)
            finally:
                _ignore_signals()
                console.print("stopping …")
                supervisor.stop()
    except Interrupted:
        raise typer.Exit(130) from None
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {error.strerror}: {error.filename or home.folder}", file=sys.stderr)
        raise typer.Exit(1) from None
    except FeedError as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)
        raise typer.Exit(1) from None
    if errors:
        raise typer.Exit(1)


@app.command()
def stop() -> None:
    """Stop the demo, also after the terminal that started it was killed."""
    home = environment.home()
    print("stopped" if stop_all(home) else f"nothing runs in {home.folder}")


@app.command()
def status() -> None:
    """Show what the store holds; where the demo has stopped, its database runs as long as that takes."""
    home = environment.home()
    is_stopped = home.postgres.is_dir() and not postgres.is_running(home.postgres)
    variables = dict(os.environ)
    if is_stopped:
        uri = postgres.database(postgres.start(home.postgres), "erp_feeds")
        name = f"AIRFLOW_CONN_{settings().store_connection.upper()}"
        variables[name] = json.dumps(environment.store_connection(uri))
    try:
        shown = subprocess.run([sys.executable, "-m", "erp_feeds", "status"], env=variables, check=False)
    finally:
        if is_stopped:
            postgres.stop(home.postgres)
    raise typer.Exit(shown.returncode)


@app.command()
def env() -> None:
    """Say where the UI is, who logs in, and how a shell speaks to the demo."""
    home = environment.home()
    if not home.shell.exists():
        print(f"no demo in {home.folder} yet: `make run` makes one", file=sys.stderr)
        raise typer.Exit(1)
    ports = Ports.model_validate_json((home.run / "ports.json").read_text("utf-8"))
    made = environment.secrets_of(home)
    print(f"Airflow: http://{environment.HOST}:{ports.ui}  user admin, password {made.admin_password}")
    print(f"source {home.shell}")


def _run_to_end(
    console: Console, supervisor: Supervisor, days: int, *, once: bool, is_cluster: bool
) -> list[str]:
    """Run the demo to its end; return what went wrong in it."""
    began = time.monotonic()
    demo = servers.start(
        supervisor.home,
        supervisor,
        lambda what, seconds: console.print(f"{what}: ready in {seconds:.1f} s"),
        is_cluster=is_cluster,
    )
    address = demo.variables["AIRFLOW__API__BASE_URL"]
    console.print(f"\nup after {time.monotonic() - began:.0f} s; Airflow: {address}")
    console.print(f"user admin, password {demo.password}\n", markup=False)
    with open_uri(demo.store_uri, autocommit=True) as connection:
        demo_run = _DemoRun(console, demo, connection, days)
        demo_run.watch()
        errors = demo_run.close()
        if not once:
            demo_run.stay()
    return errors


class _DemoRun:
    """From the first delivery to the summary."""

    def __init__(self, console: Console, demo: servers.Demo, connection: Connection[Any], days: int) -> None:
        self.console = console
        self.demo = demo
        self.connection = connection
        self.days = days
        self.merchants = environment.merchants()
        self.expected = expected(self.merchants, days)
        self.screen = Screen(console, demo.home, self.expected)
        self.began = datetime.now(UTC)

    def watch(self) -> None:
        """Show the files until every expected one is done.

        Raises:
            FailError: a process died, or the deadline passed.
        """
        self.screen.skip(self._files())
        self.demo.start_exporter(self.days)
        deadline = time.monotonic() + DEADLINE_SECONDS + DEADLINE_SECONDS_PER_DAY * self.days
        with self.screen.table() or nullcontext():
            while self.demo.supervisor.runs("exporter") or pending(self._files(), self.expected):
                self._look()
                if time.monotonic() > deadline:
                    late = sorted(name for _, name in pending(self._files(), self.expected))
                    raise FailError(
                        f"{counted(len(late), 'file')} not done in time: {', '.join(late[:5])} …", "late"
                    )
            self._wait_for_reports()
        self.screen.close_table()
        self.screen.show(self._files())

    def close(self) -> list[str]:
        """Print the summary; return what went wrong."""
        files = self._files()
        errors = summary.problems(files, self.expected, self.merchants)
        failed = self.demo.api.runs(REAL, ["failed"], self.began) if REAL in self._names() else []
        errors += [f"{REAL}: run {name} failed" for name in failed]
        memory = self.demo.supervisor.memory() / 1e6
        self._print(f"\n{totals(files, self.expected)}; {memory:,.0f} MB of memory in use")
        for line in summary.summary(self.connection, self.merchants, len(received(self.demo.home.mail))):
            self._print(line)
        for error in errors:
            print(f"error: {visible(error)}", file=sys.stderr)
        return errors

    def stay(self) -> None:
        """Stay up and show what else comes in, until Ctrl-C."""
        address = self.demo.variables["AIRFLOW__API__BASE_URL"]
        self._print(f"\nAirflow stays up at {address} (admin, {self.demo.password}); Ctrl-C stops everything")
        while True:
            self._look()

    def _wait_for_reports(self) -> None:
        """Let the runs end whose files are done: their reports and mails belong to this run."""
        deadline = time.monotonic() + REPORT_SECONDS
        while time.monotonic() < deadline and self._unfinished():
            self._look()

    def _unfinished(self) -> bool:
        try:
            return any(self.demo.api.runs(name, UNFINISHED) for name in self._names())
        except RetryError:
            return True

    def _look(self) -> None:
        for line in self.demo.supervisor.restart_dead():
            self._print(line)
        self.screen.show(self._files())
        time.sleep(POLL_SECONDS)

    def _files(self) -> list[FileProgress]:
        try:
            return queries.progress(self.connection)
        except (RetryError, OperationalError):  # PostgreSQL died
            for line in self.demo.supervisor.restart_dead():
                self._print(line)
            self.connection.close()
            self.connection = open_uri(self.demo.store_uri, autocommit=True)
            return queries.progress(self.connection)

    def _names(self) -> list[str]:
        return [merchant.name for merchant in self.merchants]

    def _print(self, line: str) -> None:
        self.console.print(visible(line), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _signals() -> Iterator[None]:
    """Turn the signals that end a session into an exception, so that everything is stopped in order."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number, frame)


def _ignore_signals() -> None:
    """Nobody gains from a stop that is cut off half-way, and it takes seconds."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
