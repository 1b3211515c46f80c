"""The table at the end: a row for each server, mode and TLS version, a column for each thing tested."""

from __future__ import annotations

from dataclasses import dataclass, field

OK, FAILED, LEFT_OUT = "ok", "FAILED", "-"
REASON_LENGTH = 600


@dataclass
class Table:
    """What came of each cell."""

    columns: tuple[str, ...]
    versions: dict[str, str] = field(default_factory=dict)
    """Server -> version, of those that ran."""
    cells: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)
    """(server, mode, TLS version) -> column -> outcome."""
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """Why something failed or was left out -> the cells that it befell."""

    def note(self, row: tuple[str, str, str], column: str, outcome: str, reason: str = "") -> None:
        """Write one cell; a failure is never overwritten by a later phase of its test."""
        cells = self.cells.setdefault(row, {})
        if cells.get(column) in (FAILED, LEFT_OUT):
            return
        cells[column] = outcome
        if reason:
            plain = " ".join(reason.split()).removeprefix("Skipped: ").removeprefix("Failed: ")
            text = f"{outcome} {plain[:REASON_LENGTH]}"
            self.reasons.setdefault(text, []).append(f"{' '.join(row)} {column}")

    def lines(self) -> list[str]:
        """Return the table, and below it the reasons of what is not ok."""
        head = ["server", "mode", "TLS", *self.columns]
        body = [
            [f"{row[0]} {self.versions.get(row[0], '')}".strip(), *row[1:], *self._of(row)]
            for row in sorted(self.cells)
        ]
        widths = [max(len(line[number]) for line in [head, *body]) for number in range(len(head))]
        rule = ["-" * width for width in widths]
        return [
            *(_line(cells, widths) for cells in [head, rule, *body]),
            *(f"{text}  [{_places(places)}]" for text, places in self.reasons.items()),
        ]

    def _of(self, row: tuple[str, str, str]) -> list[str]:
        return [self.cells[row].get(column, "") for column in self.columns]


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _places(places: list[str]) -> str:
    return places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"
