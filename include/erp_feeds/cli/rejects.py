"""Commands on what was not loaded: rejected records, quarantined files, and what became of one record."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from erp_feeds.cli.connections import (
    checked_code,
    checked_interface,
    checked_merchant,
    know_connections,
    merchant_named,
    opened_store,
)
from erp_feeds.cli.options import (
    AsJson,
    CodeOption,
    FieldOption,
    FileOption,
    InterfaceOption,
    Limit,
    MerchantName,
    RawOption,
)
from erp_feeds.cli.output import facts_of, print_facts, print_json, print_table, say
from erp_feeds.errors import counted

if TYPE_CHECKING:
    from erp_feeds.store.reject_rows import Reject


def rejects(
    merchant: MerchantName,
    *,
    interface: InterfaceOption = None,
    code: CodeOption = None,
    field: FieldOption = None,
    file: FileOption = None,
    with_all: Annotated[
        bool, typer.Option("--all", help="Also rejects that are resolved or dismissed, and replaced files.")
    ] = False,
    raw: RawOption = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv|FILE.xlsx",
            help="Write all of them into a file for the ERP party; it holds customer and order numbers.",
        ),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show open rejects and quarantined files, with code and reason."""
    from erp_feeds.store import queries, reject_queries

    if export and export.suffix.lower() not in {".csv", ".xlsx"}:
        raise typer.BadParameter("--export wants a name that ends in .csv or .xlsx")
    wanted: dict[str, Any] = {"interface": interface and checked_interface(interface).name, "file": file}
    wanted["code"] = code and checked_code(code)
    of_files = {**wanted, "with_replaced": with_all, "limit": limit}
    chosen: dict[str, Any] = {**wanted, "field": field, "with_all": with_all}
    with opened_store() as connection:
        name = checked_merchant(connection, merchant)
        if export:
            _export(reject_queries.each_reject(connection, name, **chosen), export, as_json)
            return
        records = reject_queries.rejects(connection, name, **chosen, limit=limit, with_raw=raw)
        files = [] if field else queries.quarantined(connection, name, **of_files)
    if as_json:
        shown = [facts_of(each) if raw else facts_of(each, "key", "raw") for each in records]
        print_json({"rejects": shown, "quarantined": files})
        return
    columns = ("file", "record", "line", "code", "field", "reason")
    more = [*(["state"] if with_all else []), *(["raw"] if raw else [])]
    print_table(f"Rejects of {name}", records, (*columns, *more))
    replaced = ("replaced_by",) if with_all else ()
    print_table(f"Quarantined files of {name}", files, ("file", "code", "reason", "at", *replaced))


def _export(rejects: Iterable[Reject], path: Path, as_json: bool) -> None:
    from erp_feeds.operations.reject_export import write

    number = write(path, rejects)
    summary = f"{path}: {counted(number, 'reject')}, for you and the ERP party only"
    print_json({"path": str(path), "rejects": number}) if as_json else say(summary)


def record(
    merchant: MerchantName,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File name, as `files` shows it.")],
    number: Annotated[int, typer.Argument(metavar="RECORD", min=1, help="Number of the record in its file.")],
    raw: RawOption = False,
    as_json: AsJson = False,
) -> None:
    """Show what became of one record: loaded into which row, collapsed, skipped, or rejected and why."""
    owner = merchant_named(merchant)
    know_connections()  # the archive may need one
    from erp_feeds.batch import Replay
    from erp_feeds.operations.record_trace import trace_record

    with opened_store() as connection:
        found = trace_record(connection, owner, Replay(files=(file,)), number)
    shown = facts_of(found, *(() if raw else ("raw",)))
    if as_json:
        print_json(shown)
        return
    del shown["errors"]
    shown["fields"] = ", ".join(found.fields) or None
    print_facts(f"Record {number} of {file}", {**shown, "file": None, "record": None})
    if found.errors:
        print_table("Rejected because of", found.errors, ("code", "field", "reason"))
