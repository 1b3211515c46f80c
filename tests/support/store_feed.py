"""What the store's tests share: typed frames, a feed that registers and loads files, a dump of all rows."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa

from erp_feeds.batch import Counts, FeedFile, RemoteFile
from erp_feeds.inbox import scan
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.records import KINDS
from erp_feeds.store import confirmations, ledger, waiting_files
from erp_feeds.store.load import load_files
from support.merchants import merchant_of

TESTSHOP = merchant_of(ftps={"connection": "ftps_testshop"})

TEXT = pa.string()
SCHEMAS: dict[str, pa.Schema] = {
    "profiles": pa.schema(
        [
            ("record", pa.int32()),
            *((name, TEXT) for name in ("key", "number", "email", "firstname", "lastname", "gender")),
            ("birthdate", pa.date32()),
            *((name, TEXT) for name in ("phone", "postcode", "city", "country", "language", "currency")),
            *((name, pa.bool_()) for name in ("newsletter", "service", "marketing")),
            *((name, TEXT) for name in ("custom", "cleared", "mapping_version")),
        ]
    ),
    "purchases": pa.schema(
        [
            ("record", pa.int32()),
            *((name, TEXT) for name in ("key", "purchase_id", "kind", "channel", "number", "email")),
            *((name, TEXT) for name in ("order_number", "receipt_number", "branch", "local_time")),
            ("occurred_at", pa.timestamp("us", tz="UTC")),
            ("currency", TEXT),
            ("total", pa.decimal128(14, 2)),
            ("line_count", pa.int32()),
            *((name, TEXT) for name in ("content_hash", "custom", "mapping_version")),
        ]
    ),
    "lines": pa.schema(
        [
            ("record", pa.int32()),
            ("line_no", pa.int32()),
            ("sku", TEXT),
            ("description", TEXT),
            ("quantity", pa.decimal128(14, 3)),
            ("amount", pa.decimal128(14, 2)),
        ]
    ),
    "accounts": pa.schema(
        [
            ("record", pa.int32()),
            *((name, TEXT) for name in ("key", "account_number", "price_list_name")),
            *((name, TEXT) for name in ("invoice_to", "delivery_scheme_code")),
            *((name, pa.decimal128(18, 2)) for name in ("cumulative_sales_volume", "cash_back")),
            ("cash_back_calculate_to_date", pa.date32()),
            ("discount_percentage", pa.decimal128(5, 2)),
            ("cleared", TEXT),
        ]
    ),
    "originals": pa.schema([("record", pa.int32()), ("line", pa.int32()), ("text", TEXT)]),
    "rejects": pa.schema(
        [
            ("record", pa.int32()),
            *((name, TEXT) for name in ("code", "field", "reason", "key")),
        ]
    ),
}


def frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A frame as the steps stage it: Arrow-backed, None where a row says nothing."""
    schema = SCHEMAS[name]
    complete = [{column: row.get(column) for column in schema.names} for row in rows]
    arrow = pa.Table.from_pylist(complete, schema=schema)
    return pd.DataFrame(arrow.to_pandas(types_mapper=pd.ArrowDtype))


def numbered(rows: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Number the records of a file from 1, unless they have a number."""
    return [{"record": position, **row} for position, row in enumerate(rows, 1)]


def customer(number: str | None = None, email: str | None = None, **fields: Any) -> dict[str, Any]:
    """One row of the frame `profiles`."""
    custom = fields.pop("custom", {}) | ({"custom_srs_customer_number": number} if number else {})
    keys = {"key": number or email, "number": number, "email": email}
    return {**keys, "custom": json.dumps(custom), **fields}


def purchase(
    purchase_id: str, *amounts: float, number: str | None = None, email: str | None = None, **fields: Any
) -> dict[str, Any]:
    """One row of the frame `purchases`, with its lines under the key `lines`."""
    lines = [
        {"line_no": n, "sku": f"sku{n}", "quantity": Decimal(1), "amount": Decimal(str(amount))}
        for n, amount in enumerate(amounts, 1)
    ]
    total = sum((Decimal(str(amount)) for amount in amounts), Decimal(0))
    bare = purchase_id.partition("~")[0]
    web = f"{fields.get('order_number')}@{fields.get('local_time')}"
    return {
        "key": web if fields.get("order_number") else bare,
        "purchase_id": purchase_id,
        "kind": "return" if total < 0 else "order",
        "channel": "online",
        "number": number,
        "email": email,
        "currency": "EUR",
        "occurred_at": datetime(2017, 1, 5, 10, 53, 26, tzinfo=UTC),
        "total": total,
        "line_count": len(lines),
        "content_hash": hashlib.sha256(repr(amounts).encode()).hexdigest(),
        "lines": lines,
        **fields,
    }


def register(connection: psycopg.Connection, merchant: str, *remote_files: RemoteFile) -> None:
    """Let two scans find some files, which makes them complete."""
    for _ in range(2):
        scan.register(connection, merchant, INTERFACES.values(), remote_files, 0)


class Feed:
    """Files of one merchant on their way into a store."""

    def __init__(self, connection: psycopg.Connection, merchant: Merchant = TESTSHOP) -> None:
        self.connection = connection
        self.merchant = merchant
        self._seconds = itertools.count()

    def remote_file(self, interface: str, index: int, content: str = "a", **changes: Any) -> RemoteFile:
        """A file as the inbox lists it."""
        name = INTERFACES[interface].file_name("TestShop", str(index))
        moment = datetime(2017, 1, 1, 0, next(self._seconds) % 60, tzinfo=UTC)
        values = {
            "interface": interface,
            "name": name,
            "size": len(content),
            "modified": moment,
            "path": f"/{name}",
        }
        return RemoteFile(**{**values, **changes})

    def seen(self, remote_file: RemoteFile) -> FeedFile:
        """The ledger's row of a new file."""
        register(self.connection, self.merchant.name, remote_file)
        files = waiting_files.unfinished(self.connection, self.merchant)
        return next(file for file in files if file.name == remote_file.name and not file.archived)

    def file(self, interface: str, index: int, content: str = "a") -> FeedFile:
        """An archived file."""
        digest = hashlib.sha256(content.encode()).hexdigest()
        seen = self.seen(self.remote_file(interface, index, content))
        kept = ledger.archive(self.connection, seen, digest, f"file:///archive/{digest}", date(2017, 1, 1))
        assert kept is not None
        return kept

    def load(self, file: FeedFile, frames: dict[str, pd.DataFrame], run: str = "run1") -> Counts:
        """Load the frames of a file."""
        (done,) = load_files(self.connection, [file], self.merchant, run, lambda _: [frames])
        if done.error:
            raise done.error
        return done.file.counts

    def customers(self, index: int, *rows: dict[str, Any]) -> Counts:
        """Register and load a customers file."""
        return self.load(self.file("srs_customers", index), customers(*rows))

    def purchases(self, index: int, *rows: dict[str, Any]) -> Counts:
        """Register and load a purchases file."""
        return self.load(self.file("srs_purchases", index), purchases(*rows))

    def accounts(self, index: int, *rows: dict[str, Any]) -> Counts:
        """Register and load an accounts file."""
        return self.load(self.file("erp_cache_customers", index), accounts(*rows))


def customers(*rows: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The frames of a customers file."""
    return {"profiles": frame("profiles", numbered(rows)), "rejects": frame("rejects", [])}


def accounts(*rows: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The frames of an accounts file."""
    keyed = tuple({"key": row["account_number"], **row} for row in rows)
    return {"accounts": frame("accounts", numbered(keyed)), "rejects": frame("rejects", [])}


def purchases(*rows: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The frames of a purchases file."""
    records = numbered(rows)
    lines = [{"record": row["record"], **line} for row in records for line in row["lines"]]
    kinds = {name: [row for row in records if row["kind"] == kind] for name, kind in PARTED.items()}
    parted = {name: frame("purchases", rows) for name, rows in kinds.items()}
    return {**parted, "lines": frame("lines", lines)}


PARTED = {"orders": "order", "returns": "return"}


TABLES = (
    "files",
    "rejects",
    "rejected_records",
    "profiles",
    "identifiers",
    "email_matches",
    "email_conflicts",
    "purchases",
    "purchase_lines",
    "accounts",
    "mappings",
    "totals",
    "confirmations",
)


def emptied(connection: psycopg.Connection, merchant: Merchant = TESTSHOP) -> Feed:
    """A feed into the emptied store, for the many examples of a property test."""
    connection.execute(f"TRUNCATE {', '.join(TABLES)}, file_runs RESTART IDENTITY")
    connection.commit()
    return Feed(connection, merchant)


def apply_confirmations(connection: psycopg.Connection) -> None:
    """Let the rows themselves say which file brought them last."""
    targets = {kind.rows.table: kind.rows for kind in KINDS.values()}
    with connection.transaction():
        found = connection.execute("SELECT DISTINCT merchant, table_name FROM confirmations").fetchall()
        for merchant, table in found:
            confirmations.apply(connection, merchant, targets[table])
    connection.commit()


def dump(connection: psycopg.Connection, tables: tuple[str, ...] = TABLES) -> dict[str, list[str]]:
    """Every row of the tables as text, with its writing transaction: a rerun must write nothing."""
    apply_confirmations(connection)
    return {
        table: [
            row[0]
            for row in connection.execute(f"SELECT to_jsonb(t)::text || t.xmin FROM {table} t ORDER BY 1")
        ]
        for table in tables
    }


def profiles(connection: psycopg.Connection, *columns: str) -> dict[str, Any]:
    """Number -> the asked columns of its profile (one column: its value)."""
    names = ", ".join(f"p.{column}" for column in columns)
    found = connection.execute(
        f"SELECT i.value, {names} FROM identifiers i JOIN profiles p USING (profile_id) ORDER BY 1"
    )
    return {row[0]: row[1] if len(row) == 2 else row[1:] for row in found}


def scalar(connection: psycopg.Connection, query: str) -> Any:
    """The one value of a query."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
