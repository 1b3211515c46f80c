"""The table of `make bench-scale`; run by itself, it prints that of the figures that are written down."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from typing import Any

from measured import RESULTS

MACHINE = "the machine"
STAGES = ("upload to run", "run to its first task", "first task to rows")


def shown(found: dict[str, Any]) -> Iterator[str]:
    """Yield the table, line by line."""
    yield f"{found['merchants']:,} merchants, {found['active']} of them active at once; {found['at']}"
    yield from _processes(found)
    yield from _latencies([file for each in found["rounds"] for file in each["files"]])
    yield f"erp_feeds_check, every five minutes: {found['idle']['check_seconds']:.1f} s"
    first, parse = found["first_read"], found["parse"]
    yield f"all merchant files to DAGs: {parse['all']['cpu']:.1f} CPU s"
    if "one" in parse:
        yield f"one merchant file to its DAG, as each task does: {parse['one']['cpu']:.3f} CPU s"
    yield f"the DAG processor's first reading: {first['seconds']:.0f} s, {first['cpu']:.1f} CPU s"


def _processes(found: dict[str, Any]) -> Iterator[str]:
    rounds, idle = found["rounds"], found["idle"]
    runs = sum(len(each["files"]) for each in rounds)
    yield f"{'process':<16}{'idle CPU s/min':>15}{'idle MB':>10}{'most MB':>10}{'CPU s a run':>13}"
    for name, calm in idle["cpu_a_minute"].items():
        a_run = sum(each["cpu"][name] - calm * each["seconds"] / 60 for each in rounds) / runs
        held = f"{idle['memory_mb'][name]:.0f}" if name != MACHINE else "-"
        most = f"{max(each['memory_mb'][name] for each in rounds):.0f}" if name != MACHINE else "-"
        yield f"{name:<16}{calm:>15.1f}{held:>10}{most:>10}{a_run:>13.2f}"
    yield f"({MACHINE}: all that ran on its {found['cores']} cores, work of others too)"


def _latencies(files: list[list[float]]) -> Iterator[str]:
    yield f"{'latency of ' + str(len(files)) + ' files':<28}{'p50 s':>8}{'p95 s':>8}"
    values = dict(zip(STAGES, zip(*files, strict=True), strict=True))
    for name, each in [*values.items(), ("upload to rows", [sum(file) for file in files])]:
        cuts = statistics.quantiles(each, n=20, method="inclusive")
        yield f"{name:<28}{cuts[9]:>8.1f}{cuts[18]:>8.1f}"


if __name__ == "__main__":
    for written in sorted(RESULTS.glob("scale-*.json")):
        print("\n".join(shown(json.loads(written.read_text("utf-8")))))
