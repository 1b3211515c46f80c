"""Exports rejects as a table for the ERP party, which knows its files and records but not this system."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkstemp

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from erp_feeds.codes import Actor, RejectCode
from erp_feeds.errors import FailError, visible
from erp_feeds.store.reject_rows import Reject

Row = tuple[object, ...]
COLUMNS = (
    *("file", "record", "line", "customer or order number"),
    *("code", "field", "reason", "what it means", "what to do"),
)
ASKING = "Ask the sender to "
"""How most actions begin; what follows is what the sender reads."""
SHEET_ROWS = 1_048_575
"""Rows that fit on a sheet below its header."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""
PLAIN_CELLS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write(path: Path, rejects: Iterable[Reject]) -> int:
    """Write rejects into a .csv (UTF-8, with the mark that spreadsheets look for) or .xlsx file, a row each.

    It appears whole or not at all, and only its owner may read it: the numbers are personal data. An address
    that stands for a number is left out; file and record lead to it. Each is written as it comes: there may
    be millions.

    Returns:
        How many.

    Raises:
        FailError: The file cannot be written there.
    """
    write_rows = _write_csv if path.suffix.lower() == ".csv" else _write_sheet
    try:
        handle, name = mkstemp(dir=path.parent)  # for its owner only
        os.close(handle)
        try:
            number = write_rows(name, map(_row, rejects))
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except (OSError, FileCreateError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise FailError(f"{path} cannot be written: {words}", "not_written") from None
    return number


def _write_csv(name: str, rows: Iterable[Row]) -> int:
    number = 0
    with Path(name).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, row in enumerate(rows, 1):  # noqa: B007 - the last one counts
            writer.writerow(row)
    return number


def _write_sheet(name: str, rows: Iterable[Row]) -> int:
    number = 0
    with xlsxwriter.Workbook(name, {**PLAIN_CELLS, "constant_memory": True}) as book:
        sheet = book.add_worksheet("rejects")
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True}))
        for number, row in enumerate(rows, 1):
            if number > SHEET_ROWS:
                raise FailError(f"a sheet has room for {SHEET_ROWS:,} rejects: export .csv", "not_written")
            sheet.write_row(number, 0, row)
    return number


def _row(reject: Reject) -> Row:
    code = RejectCode(reject.code)  # type: ignore[call-arg] # a look-up, as of any enum
    number = "" if "@" in (reject.key or "") else reject.key
    texts = (number, code.value, reject.field, reject.reason, code.meaning, _request(code))
    return (_cell(reject.file), reject.record, reject.line, *map(_cell, texts))


def _request(code: RejectCode) -> str:
    """Return the action of a code as the sender reads it."""
    if code.actor is not Actor.SENDER:
        return "Nothing: we look into it."
    if code.action.startswith(ASKING):
        return f"Please {code.action.removeprefix(ASKING).split(';')[0].rstrip('.')}."
    return "Please correct the record and send it again."


def _cell(text: str | None) -> str:
    """Return a text that no spreadsheet runs as a formula, and in which nothing is hidden."""
    plain = visible(text or "")
    return "'" + plain if plain.startswith(FORMULA_STARTS) else plain
