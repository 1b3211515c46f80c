"""What must hold of a store after any delivery, told by the steps' own frames and the ledger."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa

from erp_feeds.batch import FeedFile
from erp_feeds.interfaces.targets import PROFILE_FIELDS
from support.deliveries import CUSTOMERS, PURCHASES, Delivery
from support.intake import Intake, Prepared, named_rows

Row = dict[str, Any]

REFUSED = "resolved_by_file IS DISTINCT FROM file_id"
"""What a replay of the file itself did not mend."""


def check_accounting(intake: Intake, delivery: Delivery) -> None:
    """Every record read was loaded, collapsed, skipped or rejected: in the ledger and in every run."""
    store = intake.feed.connection
    for place, file in intake.loaded().items():
        _check_file(store, file.file_id, intake.prepared[place], len(delivery[place].records))
        runs = store.execute(
            "SELECT state, counts FROM file_runs WHERE file_id = %s", [file.file_id]
        ).fetchall()
        assert runs
        for state, counts in runs:
            assert state == "loaded"
            left = sum(counts["skipped"].values()) + sum(counts["rejected"].values())
            assert counts["read"] == counts["loaded"] + counts["collapsed"] + left


def _check_file(store: psycopg.Connection, file_id: int, prepared: Prepared, delivered: int) -> None:
    query = f"SELECT record, code FROM rejects WHERE file_id = %s AND {REFUSED}"
    rejects = set(store.execute(query, [file_id]).fetchall())
    flipped = {record for record, code in rejects if code == "class_changed"}
    found = prepared.rejects()
    first = found.drop_duplicates("record")
    refused = set(first["record"])
    parsed = prepared.records("parse")
    unique, kept = (prepared.standing(step) - prepared.superseded() for step in ("deduplicate", "split"))
    assert flipped <= kept <= unique <= parsed
    assert not parsed & refused
    assert parsed | refused == set(range(1, delivered + 1))
    assert rejects == {
        *zip(found["record"], found["code"], strict=True),
        *((r, "class_changed") for r in flipped),
    }

    [(state, counts)] = store.execute("SELECT state, counts FROM files WHERE file_id = %s", [file_id])
    assert state == "loaded"
    assert counts["read"] == delivered
    assert counts["loaded"] == len(kept - flipped)
    assert counts["collapsed"] == len(parsed - unique)
    assert sum(counts["skipped"].values()) == len(unique - kept)
    assert +Counter(counts["rejected"]) == +(Counter(first["code"]) + Counter(class_changed=len(flipped)))


def check_owners(intake: Intake) -> None:
    """A purchase belongs to its number's profile, or else to the one that its e-mail found."""
    store = intake.feed.connection
    owner = _owner(store)
    rows = {
        (file.file_id, row["record"]): row for file, row in _taken(intake, PURCHASES, "orders", "returns")
    }
    for file_id, record, profile_id in store.execute("SELECT file_id, record, profile_id FROM purchases"):
        assert owner(file_id, rows[file_id, record]) in (profile_id, None)
    numbers = {row["number"] for row in rows.values()}
    numbers |= {row["number"] for _, row in _taken(intake, CUSTOMERS, "profiles")}
    assert {value for (value,) in store.execute("SELECT value FROM identifiers")} == numbers - {None}


def check_fields(intake: Intake) -> None:
    """A profile's fields are what its records bring, laid over each other in index order."""
    store = intake.feed.connection
    owner = _owner(store)
    expected: dict[int | None, Row] = {}
    for file, row in sorted(_taken(intake, CUSTOMERS, "profiles"), key=_version):
        profile = expected.setdefault(owner(file.file_id, row), {})
        for name in PROFILE_FIELDS:
            if row.get(name) is not None:
                profile[name] = row[name]
            elif f",{name}," in (row["cleared"] or ""):
                profile.pop(name, None)
        profile.update(json.loads(row["custom"]))
    names = list(PROFILE_FIELDS)
    for profile_id, custom, *values in store.execute(
        f"SELECT profile_id, custom, {', '.join(names)} FROM profiles"
    ):
        known = expected.get(profile_id, {})
        assert dict(zip(names, values, strict=True)) == {name: known.get(name) for name in names}
        assert {name: value for name, value in known.items() if name not in names}.items() <= custom.items()


def check_baskets(intake: Intake) -> None:
    """Each basket of the newest file that brings a receipt is stored once, and none is stored twice."""
    store = intake.feed.connection
    stored: dict[str, list[str]] = {}
    for purchase_id, content in store.execute(
        "SELECT purchase_id, content_hash FROM purchases WHERE channel = 'offline' OR kind = 'return'"
    ):
        stored.setdefault(_receipt(purchase_id), []).append(content)
    newest: dict[str, tuple[int, set[str]]] = {}
    for file, row in sorted(_taken(intake, PURCHASES, "orders", "returns"), key=_version):
        if row["channel"] == "offline" or row["kind"] == "return":
            receipt = _receipt(row["purchase_id"])
            if newest.get(receipt, (0, set()))[0] != file.file_id:
                newest[receipt] = (file.file_id, set())
            newest[receipt][1].add(row["content_hash"])
    assert set(stored) == set(newest)
    for receipt, contents in stored.items():
        assert len(set(contents)) == len(contents)
        assert newest[receipt][1] <= set(contents)


def independent_rows(store: psycopg.Connection) -> dict[str, list[Any]]:
    """Return what does not depend on arrival, whatever was delivered.

    That is: accounts, orders with an order number and their lines, and rejects; but neither the profile of an
    order, nor which class of a receipt came first.
    """
    found = named_rows(store)
    bought = [json.loads(row) for row in found["purchases"]]
    orders = [row for row in bought if (row["channel"], row["kind"]) == ("online", "order")]
    ids = {row["purchase_id"] for row in orders}
    return {
        "accounts": found["accounts"],
        "orders": [{name: value for name, value in row.items() if name != "profile_id"} for row in orders],
        "lines": [row for row in found["purchase_lines"] if json.loads(row)["purchase_id"] in ids],
        "rejects": [row for row in found["rejects"] if json.loads(row)["code"] != "class_changed"],
    }


def _taken(intake: Intake, interface: str, *names: str) -> Iterator[tuple[FeedFile, Row]]:
    """Yield the rows that `load` got of an interface's files and did not refuse."""
    query = f"SELECT file_id, record FROM rejects WHERE code = 'class_changed' AND {REFUSED}"
    flipped = set(intake.feed.connection.execute(query).fetchall())
    for place, file in intake.loaded().items():
        if file.interface == interface:
            frames = intake.prepared[place].frames["split"]
            superseded = intake.prepared[place].superseded()
            for row in (row for name in names for row in pa.Table.from_pandas(frames[name]).to_pylist()):
                if row["record"] not in superseded and (file.file_id, row["record"]) not in flipped:
                    yield file, row


def _version(taken: tuple[FeedFile, Row]) -> tuple[Decimal, int, int]:
    file, row = taken
    return Decimal(file.sequence), file.file_id, row["record"]


def _receipt(purchase_id: str) -> str:
    return re.sub("~[0-9]+$", "", purchase_id)


def _owner(store: psycopg.Connection) -> Callable[[int, Row], int | None]:
    """Return the profile of a row; None of a basket whose number an earlier file brought (purchases 7)."""
    numbers: dict[str, int] = dict(store.execute("SELECT value, profile_id FROM identifiers").fetchall())
    matches = store.execute("SELECT file_id, record, profile_id FROM email_matches").fetchall()
    matched = {(file_id, record): profile_id for file_id, record, profile_id in matches}
    return lambda file_id, row: (
        numbers[row["number"]] if row["number"] else matched.get((file_id, row["record"]))
    )
