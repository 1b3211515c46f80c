"""Exports rejects as a table for the ERP party, which knows its files and records but not this system."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkstemp

import pandas as pd

from erp_feeds.codes import Actor, RejectCode
from erp_feeds.errors import FailError, visible
from erp_feeds.store.file_rows import Reject

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


def write(path: Path, rejects: Sequence[Reject]) -> None:
    """Write rejects into a .csv (UTF-8, with the mark that spreadsheets look for) or .xlsx file, a row each.

    It appears whole or not at all, and only its owner may read it: the numbers are personal data. An address
    that stands for a number is left out; file and record lead to it.

    Raises:
        FailError: The file cannot be written there.
    """
    table = pd.DataFrame([_row(each) for each in rejects], columns=list(COLUMNS))
    table["line"] = table["line"].astype("Int64")  # unknown ones would make the others 3.0
    try:
        handle, name = mkstemp(dir=path.parent)  # for its owner only
        os.close(handle)
        try:
            _write_as(path.suffix.lower(), name, table)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise FailError(f"{path} cannot be written: {error.strerror}", "not_written") from None


def _write_as(suffix: str, name: str, table: pd.DataFrame) -> None:
    if suffix == ".csv":
        table.to_csv(name, index=False, encoding="utf-8-sig")
        return
    if len(table) > SHEET_ROWS:
        raise FailError(f"a sheet has room for {SHEET_ROWS:,} rejects: export .csv", "not_written")
    options = {"options": PLAIN_CELLS}
    with Path(name).open("wb") as file, pd.ExcelWriter(file, "xlsxwriter", engine_kwargs=options) as book:
        table.to_excel(book, index=False, sheet_name="rejects", freeze_panes=(1, 0))


def _row(reject: Reject) -> tuple[object, ...]:
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
