"""How the reading of files stands hostile ones: thousands of broken samples through unzip, parse and steps.

Every file must end in frames whose records are all accounted for, or in a quarantine with a stable code,
within its time and its process within its memory. Anything else is a failure: its file is kept with its
number, a process that hangs or dies is replaced, and the run ends with status 1. The same numbers make the
same files, so `--first NUMBER --inputs 1` replays one.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from hostile_reading import outcome_of
from measured import parser_of, peak
from mutations import mutated

IMPORT_SECONDS = 20.0
"""Seconds a fresh process may take to import its libraries and read its first file."""
PROGRESS_SECONDS = 30.0
"""Seconds between two lines that say how far the run is."""


def _limit_memory(megabytes: int) -> None:
    """Let this process address so much more than it does now; elsewhere than on Linux the peak is judged."""
    status = Path("/proc/self/statm")
    if status.exists():
        used = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 1_000_000,) * 2)


def _work(numbers: range, memory: int, answers: Connection) -> None:
    """Read files one after the other, and answer after each: outcome, error, peak memory above the start."""
    outcome_of(mutated(0))  # imports what the first file imports
    _limit_memory(memory)
    before = peak()
    answers.send(None)
    for number in numbers:
        outcome, error = "", ""
        try:
            outcome = outcome_of(mutated(number))
        except BaseException:  # whatever escapes is what the run looks for
            error = traceback.format_exc()
        grown = peak() - before
        if not error and grown > memory:
            error = f"took {grown:.0f} MB"
        answers.send((outcome, error, grown))


@dataclass
class _Worker:
    """A process and the numbers that it has still to read."""

    numbers: range
    process: BaseProcess
    answers: Connection
    due: float

    @classmethod
    def start(cls, numbers: range, memory: int) -> _Worker:
        """Start a fresh process: what one file broke must not touch the next."""
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(numbers, memory, sender), daemon=True)
        process.start()
        sender.close()
        return cls(numbers, process, receiver, time.monotonic() + IMPORT_SECONDS)

    def stop(self) -> int | None:
        """End the process and return how it ended."""
        self.process.join(1)
        self.process.kill()
        self.process.join()
        self.answers.close()
        return self.process.exitcode


@dataclass
class Run:
    """What a fuzz run found."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    peak: float = 0.0
    """Largest growth of a process, in MB."""


def run(
    first: int,
    inputs: int,
    *,
    workers: int,
    seconds: float,
    memory: int,
    report: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Read the files of some numbers in processes of their own.

    Args:
        first: Number of the first file.
        inputs: How many.
        workers: How many processes at a time.
        seconds: In which one file must be read.
        memory: Megabytes by which a process may grow.
        report: Gets what was found so far, several times a second.
    """
    found = Run()
    numbers = range(first, first + inputs)
    shares = [numbers[share::workers] for share in range(min(workers, inputs))]
    active = [_Worker.start(share, memory) for share in shares]
    while active:
        ready = set(wait([worker.answers for worker in active], timeout=0.2))
        for worker in list(active):
            error = _heard(worker, seconds, found) if worker.answers in ready else _late(worker, seconds)
            if error:
                found.outcomes["failed"] += 1
                found.failures[worker.numbers[0]] = error
                worker.numbers = worker.numbers[1:]
            if error or not worker.numbers:
                worker.stop()
                active.remove(worker)
                if worker.numbers:
                    active.append(_Worker.start(worker.numbers, memory))
        report(found)
    return found


def _heard(worker: _Worker, seconds: float, found: Run) -> str:
    """Take one answer; return what failed: the next file then gets a fresh process."""
    try:
        answer = worker.answers.recv()
    except EOFError:
        worker.process.join(1)
        return f"the process died with status {worker.process.exitcode}"
    worker.due = time.monotonic() + seconds
    if answer is not None:
        outcome, error, grown = answer
        found.peak = max(found.peak, grown)
        if error:
            return str(error)
        found.outcomes[outcome] += 1
        worker.numbers = worker.numbers[1:]
    return ""


def _late(worker: _Worker, seconds: float) -> str:
    return f"took more than {seconds:.0f} s" if time.monotonic() > worker.due else ""


@dataclass
class _Reporter:
    """Says while the run goes on how far it is, and keeps each failed file at once: a run may be stopped."""

    folder: Path
    inputs: int
    reported: set[int] = field(default_factory=set)
    due: float = field(default_factory=lambda: time.monotonic() + PROGRESS_SECONDS)

    def report(self, found: Run) -> None:
        """Print the failures that are new, and now and then how many files are read."""
        for number in found.failures.keys() - self.reported:
            self.reported.add(number)
            path, interface = self._kept(number)
            print(
                f"failure {number} ({interface}), kept as {path}\n{found.failures[number]}", file=sys.stderr
            )
        if time.monotonic() > self.due:
            self.due += PROGRESS_SECONDS
            print(f"{found.outcomes.total():>9,} of {self.inputs:,} files read", flush=True)

    def _kept(self, number: int) -> tuple[Path, str]:
        file = mutated(number)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / file.name
        path.write_bytes(file.data)
        return path, file.interface


def main() -> int:
    """Read the files, print the outcomes, and return 1 if any failed."""
    parser = parser_of(__doc__)
    state = Path(os.environ.get("ERP_FEEDS_HOME") or ".erp-feeds")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=60, help="for one file, on a busy machine too")
    parser.add_argument(
        "--memory",
        type=int,
        default=320,
        help="MB by which a process may grow; 2 MiB of tiny records take 270",
    )
    parser.add_argument("--failures", type=Path, default=state / "fuzzing", help="folder for failed files")
    chosen = parser.parse_args()
    began = time.monotonic()
    found = run(
        chosen.first,
        chosen.inputs,
        workers=chosen.workers,
        seconds=chosen.seconds,
        memory=chosen.memory,
        report=_Reporter(chosen.failures, chosen.inputs).report,
    )
    took = time.monotonic() - began
    for outcome, count in found.outcomes.most_common():
        print(f"{count:>9,}  {outcome}")
    rate = chosen.inputs / took
    print(f"{chosen.inputs:,} inputs in {took:.0f} s: {rate:.0f} a second, {chosen.workers} workers")
    print(f"largest growth of a process: {found.peak:.0f} MB of {chosen.memory} MB")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
