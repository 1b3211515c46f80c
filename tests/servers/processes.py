"""A server as a process: started, waited for until it listens, and ended with all that it forked."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

START_SECONDS = 10
GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""


class StartError(Exception):
    """A server did not start; the message ends with what it said."""


@contextmanager
def running(
    command: Sequence[str], address: tuple[str, int], log: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """Run a server in the foreground for the length of a `with`.

    Raises:
        StartError: It ended, or does not listen in time.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            _await_listening(process, address, log)
            yield
        finally:
            _end(process)


def _await_listening(process: subprocess.Popen[bytes], address: tuple[str, int], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(address, timeout=1):
            return
        time.sleep(0.02)
    state = f"ended with {process.returncode}" if process.poll() is not None else "does not listen"
    said = log.read_text("utf-8", "replace")[-1500:]
    raise StartError(f"{Path(process.args[0]).name} {state} at {address}: {said}")  # type: ignore[index,arg-type]  # args is the list that Popen was given


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, who may be another user's and in groups of their own."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        family = [parent, *parent.children(recursive=True)]
    for insist in (False, True):
        for member in family:
            with suppress(psutil.Error):
                member.kill() if insist else member.terminate()
        _, family = psutil.wait_procs(family, timeout=GRACE)
        if not family:
            break
    process.wait(GRACE)
