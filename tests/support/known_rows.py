"""Rows of two merchants that the tests of queries and command line know by heart."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

DAY = date(2017, 1, 1)
SEEN = datetime(2017, 1, 2, tzinfo=UTC)
COUNTS = {
    "customers": {
        "read": 10,
        "loaded": 4,
        "collapsed": 0,
        "skipped": {"no_identifier": 3, "no_lines": 0},
        "rejected": {"missing_field": 2, "invalid_decimal": 1},
        "warnings": {"no_email": 2},
    },
    "purchases": {"read": 3, "loaded": 2, "skipped": {"no_lines": 1}, "rejected": {}, "warnings": {}},
}


def fill(store: psycopg.Connection) -> None:
    """Write two loaded, a quarantined and a waiting file of `shop`, one of `other`, and their rows."""
    customers = _file(
        store, "srs_customers", "Shop_SRS_Customers_20170101.zip", "loaded", counts=COUNTS["customers"]
    )
    purchases = _file(
        store, "srs_purchases", "Shop_SRS_Purchases_20170101.zip", "loaded", counts=COUNTS["purchases"]
    )
    refusal = {"code": "doctype", "reason": "a document type is declared"}
    _file(store, "srs_customers", "Shop_SRS_Customers_20170102.zip", "quarantined", **refusal)
    _file(store, "srs_purchases", "Shop_SRS_Purchases_20170102.zip", "waiting", finished_at=None)
    other = _file(store, "srs_customers", "Other_SRS_Customers_1.zip", "loaded", merchant="other")
    _people(store, customers, other)
    _bought(store, purchases)
    _accounts(store, customers)
    for record, code in ((2, "missing_field"), (5, "missing_field"), (7, "invalid_decimal")):
        reject = {"file_id": customers, "record": record, "code": code, "field": "email", "line": record * 10}
        _row(store, "rejects", **reject, reason="is wrong")
        kept = {"file_id": customers, "record": record, "raw": "<Customer/>"}
        _row(store, "rejected_records", **kept, merchant="shop", interface="srs_customers")
    store.commit()


def _file(store: psycopg.Connection, interface: str, name: str, state: str, **more: Any) -> int:
    number = _scalar(store, "SELECT count(*) FROM files")
    seen = SEEN + timedelta(minutes=number)
    values = {
        "merchant": "shop", "interface": interface, "name": name, "size": 100, "modified": seen,
        "index_number": number,
        "revision": 1, "sequence": number, "day": DAY, "state": state, "first_seen_at": seen,
        "finished_at": seen + timedelta(seconds=2.5), **more,
    }  # fmt: skip
    values["counts"] = json.dumps(values.get("counts", {}))
    _row(store, "files", **values)
    return _scalar(store, "SELECT max(file_id) FROM files")


def _people(store: psycopg.Connection, file_id: int, other: int) -> None:
    custom = json.dumps({"custom_srs_customer_number": "00123"})
    wrote = {"sequence": 1, "file_id": file_id, "record": 4}
    person = {
        "merchant": "shop",
        "email": "ada@example.com",
        "firstname": "Ada",
        "birthdate": date(1985, 4, 12),
    }
    _row(store, "profiles", profile_id=1, **person, custom=custom, **wrote)
    _row(store, "profiles", profile_id=2, merchant="shop", firstname="Bob", **wrote)
    _row(store, "profiles", profile_id=3, merchant="other", firstname="Eve", **{**wrote, "file_id": other})
    for value, profile_id in (("00123", 1), ("77", 1), ("88", 2)):
        key = {"merchant": "shop", "type": "srs", "value": value}
        _row(store, "identifiers", **key, profile_id=profile_id, file_id=file_id, record=4)


def _bought(store: psycopg.Connection, file_id: int) -> None:
    wrote = {"merchant": "shop", "profile_id": 1, "currency": "EUR", "sequence": 1, "file_id": file_id}
    order = {"purchase_id": "W-1", "kind": "order", "channel": "online", "order_number": "W-1", "record": 1}
    back = {"purchase_id": "R|1", "kind": "return", "channel": "offline", "receipt_number": "R", "record": 2}
    at = datetime(2017, 1, 5, 10, 0, tzinfo=UTC)
    _row(store, "purchases", **order, **wrote, occurred_at=at, total="10.00", line_count=2)
    _row(
        store, "purchases", **back, **wrote, occurred_at=at + timedelta(hours=1), total="-1.99", line_count=1
    )
    for purchase_id, number, sku, amount in (
        ("W-1", 1, "A", "4.00"),
        ("W-1", 2, "B", "6.00"),
        ("R|1", 1, "A", "-1.99"),
    ):
        key = {"merchant": "shop", "purchase_id": purchase_id, "line_no": number}
        _row(store, "purchase_lines", **key, sku=sku, quantity=1, amount=amount)


def _accounts(store: psycopg.Connection, file_id: int) -> None:
    for number, price_list, debtor in (
        ("own", "RETAIL", None),
        ("self", "RETAIL", "self"),
        ("orphan", "RETAIL", "nobody"),
        ("debtor", "WHOLESALE", "own"),
        ("child", "RETAIL", "debtor"),
    ):
        row = {
            "merchant": "shop",
            "account_number": number,
            "price_list_name": price_list,
            "invoice_to": debtor,
        }
        _row(store, "accounts", **row, discount_percentage="2.50", sequence=1, file_id=file_id, record=1)


def _row(store: psycopg.Connection, table: str, **values: Any) -> None:
    names, places = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    store.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", values)  # type: ignore[arg-type]  # names of this file


def _scalar(store: psycopg.Connection, query: str) -> int:
    row = store.execute(query).fetchone()  # type: ignore[arg-type]  # texts of this file
    assert row is not None
    return int(row[0])
