"""Moments of the line at which something dies, and a process that runs it the line up to such a moment.

A moment is a call of the code, in one step: the process that runs it wraps that call, and strikes before it,
after it, or between two blocks of what it yields. Nothing else of the code is changed, and what is struck is
real.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Literal

import psutil

from erp_feeds import tasks
from erp_feeds.batch import Batch
from erp_feeds.errors import FeedError
from erp_feeds.merchant import Merchant
from erp_feeds.store import waiting_files

STEPS = ("sense", "download", "unzip", "parse", "deduplicate", "split", "load", "report")
RUN = "run"

Carried = dict[str, Any] | None
"""What the step before left in XCom."""


@dataclass(frozen=True)
class Point:
    """A moment in a step."""

    name: str
    step: str
    call: str
    """module:function or module:Class.method, as the step finds it."""
    when: Literal["before", "after", "within"]
    """Within: after a block of what a generator yields."""
    nth: int = 1
    """Which call of the step, or which block."""

    def __str__(self) -> str:
        return re.sub("[^a-z]+", "-", f"{self.step} {self.name}")


def run_step(merchant: Merchant, step: str, carried: Carried, run: str = RUN) -> Any:
    """Run one step, as its task does; return what it leaves in XCom."""
    if step == "sense":
        sensed = tasks.sense(merchant, run)
        return (tasks.sense(merchant, run) if sensed.uploading else sensed).batch.to_xcom()
    assert carried is not None
    result: Any = getattr(tasks, step)(merchant, Batch.from_xcom(carried))
    return result.to_xcom() if isinstance(result, Batch) else result


def run_pipeline(
    parent: Connection, environment: Mapping[str, str], merchant: Merchant, kind: str, at: Point
) -> None:
    """Body of the process: run the tasks from the first one, and send the parent what each step left.

    Tells ("ended", step, what it left); ("struck",), and waits for an answer: the parent may have to
    strike; and ("failed", step, kind of the error, its text), which is the last.
    """
    os.environ.update(environment)  # the fork server may have started in another test's environment
    waiting_files.RETRY_SECONDS = 0
    strikes: dict[str, Callable[[], None]] = {"worker": _kill_this_process, "ftps": _cut_connections}
    now: list[str] = []

    def strike() -> None:
        strikes.get(kind, lambda: None)()
        parent.send(("struck",))
        parent.recv()

    arm(at, strike, now)
    carried: Any = None
    for step in STEPS:
        now[:] = [step]
        try:
            carried = run_step(merchant, step, carried)
        except FeedError as fault:
            parent.send(("failed", step, type(fault).__name__, str(fault)))
            return
        parent.send(("ended", step, carried))


def arm(at: Point, strike: Callable[[], None], now: list[str]) -> None:
    """Wrap the call of a point, so that it strikes in the point's step; `now` names the step that runs."""
    module, _, path = at.call.partition(":")
    owner: Any = import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real = getattr(owner, name)
    counter = itertools.count(1)

    def is_here() -> bool:
        return now == [at.step] and next(counter) == at.nth

    def blocks(found: Iterator[Any]) -> Iterator[Any]:
        for block in found:
            yield block
            if is_here():
                strike()

    @wraps(real)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if at.when == "within":
            return blocks(real(*arguments, **named))
        here = is_here()
        if here and at.when == "before":
            strike()
        result = real(*arguments, **named)
        if here and at.when == "after":
            strike()
        return result

    setattr(owner, name, wrapped)


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _cut_connections() -> None:
    """Break every TCP connection of this process, control and data, as a dying router does."""
    found = psutil.Process().net_connections("tcp")
    alive = [connection.fd for connection in found if connection.status == psutil.CONN_ESTABLISHED]
    assert alive
    for descriptor in alive:
        with socket.socket(fileno=os.dup(descriptor)) as cut:
            cut.shutdown(socket.SHUT_RDWR)
