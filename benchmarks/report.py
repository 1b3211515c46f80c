"""Writes what `make bench` measured into the documents: a table in docs/performance.md, and a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"
PLOT = "![Records a CPU second, by case and way](images/performance.svg)"
COLUMNS = ("case", "way", "CPU s, client", "CPU s, PostgreSQL", "records a CPU s", "of the floor", "peak MB")
COLOURS = {"floor": "#7f8c8d", "first": "#16607a", "same": "#2e8b9e", "changed": "#76b7c1"}
PEER = "#c0873f"


def write(found: dict[str, Any]) -> None:
    """Put a run of the benchmark into the documents."""
    page = DOCS / "performance.md"
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    measured = f"{PLOT}\n\n{table(found)}"
    page.write_text(before + BEGIN + measured + END + rest.partition(END)[2], "utf-8")
    plot(found["rows"], DOCS / "images" / "performance.svg")


def table(found: dict[str, Any]) -> str:
    """Return the figures as a Markdown table, and a line for each that stands beside it."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "--:|" * (len(COLUMNS) - 2)]
    for row in found["rows"]:
        figures = f"{row['client']:,.1f} | {row['server']:,.1f} | {row['records_per_cpu_second']:,}"
        figures += f" | {row['of_floor']:.2f} | {row['peak_mb']}"
        lines.append(f"| {row['case']} | {row['way']} | {figures} |")
    lines += ["", *(f"- {line}" for line in found["notes"])]
    return "\n".join(lines) + "\n"


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the records that each way takes a CPU second, case by case."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "erp-feeds"  # the same figures give the same file
    labels = [f"{row['case']}: {row['way']}" for row in rows]
    figure, axes = plt.subplots(figsize=(10, 0.3 * len(rows) + 1))
    colours = [COLOURS.get(row["way"], PEER) for row in rows]
    bars = axes.barh(labels, [row["records_per_cpu_second"] for row in rows], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set(xscale="log", xlabel="records a CPU second of client and PostgreSQL (logarithmic)")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    write(json.loads((Path(__file__).parent / "results" / "pipeline-full.json").read_text("utf-8")))
