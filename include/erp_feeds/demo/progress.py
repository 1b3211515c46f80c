"""What a person sees while files travel: a table that redraws itself, or a line per event."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from erp_feeds.codes import FileState
from erp_feeds.demo.environment import Home
from erp_feeds.demo.mail import received
from erp_feeds.demo.processes import log_of
from erp_feeds.errors import counted, visible
from erp_feeds.store.file_rows import FileProgress

SHOWN = 15
"""Files in the table."""
FINAL = frozenset({FileState.LOADED, FileState.QUARANTINED, FileState.DUPLICATE})
TO_LOAD = frozenset({FileState.REGISTERED, FileState.ARCHIVED})
"""Of an abandoned run, where the same file was sent again and is a duplicate of the one that waits."""
Expected = set[tuple[str, str]]
"""Merchant and name of each file that the ERP party sends."""
DELIVERED = re.compile(r"\d{4}-\d\d-\d\d: |done: ")
DONE = re.compile("done: ")
"""What the ERP party says of its deliveries; a stack trace is shown with the error, not here."""
COLOURS: Mapping[str, str] = {
    FileState.LOADED: "green",
    FileState.QUARANTINED: "red",
    FileState.DUPLICATE: "yellow",
}


class Screen:
    """Shows each file, mail and delivery once it happens."""

    def __init__(self, console: Console, home: Home, expected: Expected) -> None:
        self._console = console
        self._home = home
        self._expected = expected
        self._reported: set[tuple[str, str, str]] = set()
        self._told_mails = len(received(home.mail))
        self._told_deliveries = 0
        self._live: Live | None = None

    def table(self) -> Live | None:
        """Return the table for a `with`, or None where the output is no terminal."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        return self._live

    def close_table(self) -> None:
        """Go on with plain lines."""
        self._live = None

    def skip(self, files: Iterable[FileProgress]) -> None:
        """Do not report again what earlier runs finished."""
        self._reported |= {(file.merchant, file.file, file.state) for file in files if file.state in FINAL}

    def show(self, files: Sequence[FileProgress]) -> None:
        """Show what is new since the last call."""
        for line in [*self._delivery_lines(), *self._mail_lines()]:
            self._console.print(visible(line), markup=False, highlight=False, soft_wrap=True)
        if self._live:
            self._live.update(self._drawn(files))
            return
        for file in files:
            entry = (file.merchant, file.file, file.state)
            if file.state in FINAL and entry not in self._reported:
                self._reported.add(entry)
                self._console.print(visible(_line(file)), markup=False, highlight=False, soft_wrap=True)

    def _mail_lines(self) -> list[str]:
        mails = received(self._home.mail)
        fresh, self._told_mails = mails[self._told_mails :], len(mails)
        return [f"mail to {mail.to}: {mail.subject}" for mail in fresh]

    def _delivery_lines(self) -> list[str]:
        """Return what the ERP party says; on a screen only its last word, since the table shows the files."""
        log = log_of(self._home, "exporter")
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        fresh, self._told_deliveries = lines[self._told_deliveries :], len(lines)
        wanted = DONE if self._live else DELIVERED
        return [f"ERP party: {line}" for line in fresh if wanted.match(line)]

    def _drawn(self, files: Sequence[FileProgress]) -> Group:
        table = Table(title=None, expand=False)
        for name, side in (("file", "left"), ("interface", "left"), ("state", "left")):
            table.add_column(name, justify=side)  # type: ignore[arg-type]  # a literal of rich's
        for name in ("records", "rejects", "seconds"):
            table.add_column(name, justify="right")
        for file in files[-SHOWN:]:
            state = Text(file.code or file.state, style=COLOURS.get(file.state, ""))
            numbers = (f"{file.read:,}", f"{file.rejected:,}", f"{file.seconds:.1f}")
            table.add_row(Text(visible(file.file)), file.interface, state, *numbers)
        return Group(table, Text(totals(files, self._expected)))


def pending(files: Iterable[FileProgress], expected: Expected) -> Expected:
    """Return the expected files that are not in a final state, or whose earlier delivery is still to load."""
    listed = list(files)
    final = {(file.merchant, file.file) for file in listed if file.state in FINAL}
    to_load = {(file.merchant, file.file) for file in listed if file.state in TO_LOAD}
    return expected - final | expected & to_load


def totals(files: Iterable[FileProgress], expected: Expected) -> str:
    """Return one line over all files: how many of the expected are done, and what the ledger holds in all."""
    listed = list(files)
    states = Counter(file.state for file in listed)
    done = len(expected) - len(pending(listed, expected))
    parts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    records = sum(file.read for file in listed)
    wanted = counted(len(expected), "file")
    return f"{done} of {wanted} done ({parts or 'none seen yet'}), {counted(records, 'record')}"


def _line(file: FileProgress) -> str:
    state = f"{file.state} {file.code}" if file.code else file.state
    return (
        f"{file.merchant}: {file.file} {state}, {counted(file.read, 'record')}, "
        f"{file.rejected:,} rejected, {file.seconds:.1f} s"
    )
