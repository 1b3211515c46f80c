"""What all benchmarks here do alike: each way runs in a process of its own, in turn; medians count."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from erp_feeds.orchestration.preload import NEEDED

Figures = dict[str, float]
RESULTS = Path(__file__).parent / "results"


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """Return the parser of a benchmark's options; its help begins with the text of the module."""
    return argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)


def keep(name: str, found: Mapping[str, Any]) -> None:
    """Write figures down as JSON."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def cpu(who: int = resource.RUSAGE_SELF) -> float:
    """Return the CPU seconds, of user and system, of this process (or of its children that have ended)."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def peak() -> float:
    """Return the most memory that this process held, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def alone(way: Callable[..., Any], *arguments: Any) -> Any:
    """Run one way in a fresh process, so that no way pays for or profits from another."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(way, arguments)


def forked(way: Callable[..., Any], *arguments: Any) -> Any:
    """Run one way in a process of its own that finds its modules imported, as Airflow forks its tasks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*NEEDED, "erp_feeds.store.ledger"])
    with context.Pool(1) as pool:
        return pool.apply(way, arguments)


def in_turn(
    ways: Mapping[str, Callable[..., Figures]], rounds: int, *arguments: Any
) -> dict[str, list[Figures]]:
    """Run all ways round by round, so that what else the machine does falls on all of them."""
    found: dict[str, list[Figures]] = {way: [] for way in ways}
    for number in range(rounds):
        for name, way in ways.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            found[name].append(alone(way, *arguments))
    return found


def median(figures: Sequence[Figures], name: str) -> float:
    """Return the median of one figure over all rounds."""
    return statistics.median(each[name] for each in figures)
