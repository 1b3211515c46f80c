"""Questions to the store, each a typed function over one statement of sql/queries.sql; it writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Unpack

from psycopg import Connection

from erp_feeds.interfaces import INTERFACES
from erp_feeds.store.file_rows import (
    Drift,
    FileProgress,
    FileRun,
    Holdings,
    LedgerFile,
    MerchantFiles,
    MerchantStatus,
    RunFile,
)
from erp_feeds.store.reject_queries import open_rejects
from erp_feeds.store.reject_rows import FileFilters, OpenRejects, QuarantinedFile
from erp_feeds.store.rows import (
    Account,
    Identifier,
    Kind,
    MappingVersion,
    Profile,
    ProfileField,
    Purchase,
    PurchaseLine,
    RecordRows,
)
from erp_feeds.store.sql import Row, read_rows, statement

if TYPE_CHECKING:
    from erp_feeds.records.invoice_graph import InvoiceGraph

ABOUT_THE_ROW = ("profile_id", "custom", "mapping_version", "file", "record", "created_at", "updated_at")
"""What a profile says of its row, not of its person."""


def merchants(connection: Connection[Any]) -> list[str]:
    """Return every merchant that has sent a file."""
    return [merchant for (merchant,) in connection.execute(statement("queries/merchants"))]


def status(
    connection: Connection[Any], merchant: str | None = None, known: Collection[str] = ()
) -> list[MerchantStatus]:
    """Return what the store holds of each merchant, by name; `known` ones even when that is nothing."""
    found = _rows(connection, MerchantStatus, "status", merchant=merchant, merchants=list(known))
    rejected = open_rejects(connection, [each.merchant for each in found])
    none = OpenRejects("", 0, {})
    counted = ((each, rejected.get(each.merchant, none)) for each in found)
    return [replace(each, open_rejects=rejects.records, rejects=rejects.codes) for each, rejects in counted]


def files(
    connection: Connection[Any],
    merchant: str,
    *,
    states: Collection[str] = (),
    interface: str | None = None,
    file_ids: Collection[int] = (),
    day: date | None = None,
    before: int | None = None,
    with_drift: bool = True,
    limit: int | None = None,
) -> list[LedgerFile]:
    """Return the ledger's files, the latest seen first; `before` a file id only those seen earlier."""
    wanted = {"states": list(states) or None, "interface": interface, "file_ids": list(file_ids) or None}
    paging = {"day": day, "before": before, "with_drift": with_drift, "max_rows": limit}
    return _rows(connection, LedgerFile, "files", merchant=merchant, **wanted, **paging)


def overview(connection: Connection[Any], merchants: Collection[str], days: int) -> list[MerchantFiles]:
    """Return the latest file and run of each merchant, and what came on each of the last days."""
    return _rows(connection, MerchantFiles, "overview", merchants=list(merchants), days=days)


def holdings(connection: Connection[Any], merchant: str) -> Holdings:
    """Return how many rows of a merchant there are."""
    (found,) = _rows(connection, Holdings, "holdings", merchant=merchant)
    return found


def drift(connection: Connection[Any], merchant: str, file_id: int | None = None) -> dict[str, Drift]:
    """Return by interface how a file, or the latest of each, differs from those before, where it does."""
    wanted = {"merchant": merchant, "interfaces": list(INTERFACES), "file_id": file_id}
    return dict(connection.execute(statement("queries/drift"), wanted).fetchall())


def file_runs(connection: Connection[Any], merchant: str, file_id: int) -> list[FileRun]:
    """Return what each run made of a file, in their order."""
    return _rows(connection, FileRun, "file_runs", merchant=merchant, file_id=file_id)


def people(
    connection: Connection[Any],
    merchant: str,
    *,
    phones: Collection[str] = (),
    name: str | None = None,
    limit: int,
) -> list[Profile]:
    """Return the profiles of a phone number, however spelled, or whose last or whole name begins so."""
    begins = name and "".join("\\" + each if each in "\\%_" else each for each in name) + "%"
    return _rows(
        connection, Profile, "people", merchant=merchant, phones=list(phones), name=begins, max_rows=limit
    )


def run_files(connection: Connection[Any], merchant: str, run_ids: Collection[str]) -> list[RunFile]:
    """Return what some runs made of their files."""
    return _rows(connection, RunFile, "run_files", merchant=merchant, run_ids=list(run_ids))


def open_files(
    connection: Connection[Any], merchants: Collection[str]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return, by merchant and interface, how many files wait, and how many are quarantined, not replaced."""
    found = connection.execute(statement("queries/open_files"), {"merchants": list(merchants)})
    return {(merchant, interface): (waiting, held) for merchant, interface, waiting, held in found}


def columns(connection: Connection[Any], tables: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the columns of some tables in their order, each with its type."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(statement("queries/columns"), {"tables": list(tables)}):
        found.setdefault(table, {})[column] = kind
    return found


def days(connection: Connection[Any], file_ids: Collection[int]) -> tuple[date, date] | None:
    """Return the first and the last day of some files; None without any."""
    found = connection.execute(statement("queries/days"), {"file_ids": list(file_ids)}).fetchone()
    return (found[0], found[1]) if found and found[0] else None


def progress(connection: Connection[Any]) -> list[FileProgress]:
    """Return how far each file is, in the order of their first scan."""
    return _rows(connection, FileProgress, "progress")


def profile(
    connection: Connection[Any],
    merchant: str,
    *,
    srs: str | None = None,
    email: str | None = None,
    profile_id: int | None = None,
) -> Profile | None:
    """Return the profile of a customer number, e-mail address or id."""
    wanted = {"srs": srs, "email": email, "profile_id": profile_id}
    rows = _rows(connection, Profile, "profile", merchant=merchant, **wanted)
    return rows[0] if rows else None


def profile_fields(connection: Connection[Any], merchant: str, profile_id: int) -> list[ProfileField]:
    """Return the filled and the emptied fields of a profile, each with the file and record that set it."""
    names = [each.name for each in fields(Profile) if each.name not in ABOUT_THE_ROW]
    values = {"merchant": merchant, "profile_id": profile_id, "fields": names}
    return _rows(connection, ProfileField, "profile_fields", **values)


def identifiers(connection: Connection[Any], merchant: str, profile_id: int) -> list[Identifier]:
    """Return what leads to a profile, and by which rule it was linked."""
    return _rows(connection, Identifier, "identifiers", merchant=merchant, profile_id=profile_id)


def purchases(
    connection: Connection[Any],
    merchant: str,
    *,
    kind: Kind | None = None,
    profile_id: int | None = None,
    srs: str | None = None,
    purchase_id: str | None = None,
    limit: int | None = None,
) -> list[Purchase]:
    """Return orders and returns, the latest first."""
    wanted = {"kind": kind, "profile_id": profile_id, "srs": srs, "purchase_id": purchase_id}
    return _rows(connection, Purchase, "purchases", merchant=merchant, max_rows=limit, **wanted)


def lines(
    connection: Connection[Any], merchant: str, purchase_ids: Collection[str]
) -> dict[str, list[PurchaseLine]]:
    """Return the lines of some orders and returns, by purchase."""
    found: dict[str, list[PurchaseLine]] = {}
    values = {"merchant": merchant, "purchase_ids": list(purchase_ids)}
    for purchase_id, *line in connection.execute(statement("queries/lines"), values):
        found.setdefault(purchase_id, []).append(PurchaseLine(*line))
    return found


def mapping_versions(connection: Connection[Any], merchant: str) -> list[MappingVersion]:
    """Return how many profiles and purchases each version of the mapping has filled."""
    return _rows(connection, MappingVersion, "mapping_versions", merchant=merchant)


def account(connection: Connection[Any], merchant: str, number: str) -> Account | None:
    """Return an account with the price list that applies to it."""
    rows = _rows(connection, Account, "account", merchant=merchant, number=number)
    return rows[0] if rows else None


def invoice_graph(connection: Connection[Any], merchant: str, limit: int | None = None) -> InvoiceGraph:
    """Return the unusual invoice debtors of a merchant's accounts, at most `limit` of each kind."""
    from erp_feeds.records.invoice_graph import invoice_graph as graph_of  # the records' room is heavy

    return graph_of(connection.execute(statement("queries/invoice_edges", merchant=merchant)), limit)


def record_rows(
    connection: Connection[Any], merchant: str, file_id: int, record: int, keys: Mapping[str, str]
) -> RecordRows:
    """Return the rows that the keys of a record lead to; keys as in `steps.record_trace`."""
    inputs = dict.fromkeys(("number", "email", "purchase_id", "account_number")) | dict(keys)
    (found,) = read_rows(
        connection,
        RecordRows,
        "queries/record_rows",
        merchant=merchant,
        file_id=file_id,
        record=record,
        **inputs,
    )
    return found


def quarantined(
    connection: Connection[Any],
    merchant: str,
    *,
    limit: int | None = None,
    with_replaced: bool = False,
    **wanted: Unpack[FileFilters],
) -> list[QuarantinedFile]:
    """Return the quarantined files, the latest first; on request also those that other files replaced."""
    inputs = {**dict.fromkeys(FileFilters.__annotations__), **wanted, "with_replaced": with_replaced}
    return _rows(connection, QuarantinedFile, "quarantined", merchant=merchant, max_rows=limit, **inputs)


def _rows(connection: Connection[Any], shape: type[Row], name: str, /, **inputs: Any) -> list[Row]:
    return read_rows(connection, shape, f"queries/{name}", **inputs)
