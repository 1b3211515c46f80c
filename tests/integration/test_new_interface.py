"""A fourth interface is added by the steps of docs/adding-an-interface.md, and a file of it loads."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from erp_feeds import interfaces, records
from erp_feeds.codes import WarningCode
from erp_feeds.interfaces.spec import Field, FieldType, Interface
from erp_feeds.records.by_key import kind_by_key
from erp_feeds.store import sql
from support import intake
from support.deliveries import File
from support.store_feed import TABLES

PRICE_LISTS = Interface(
    name="erp_cache_price_lists",
    title="ERP Cache Price Lists",
    source="a test",
    folder="ErpCache",
    token="ErpCache_PriceLists",
    record_path=("Import", "PriceLists", "PriceList"),
    key=("code",),
    rank=0,
    tables=("price_lists",),
    fields=(
        Field("code", "Code", FieldType.IDENTIFIER, required=True),
        Field("title", "Title"),
        Field("discount", "Discount", FieldType.DECIMAL),
    ),
)
KIND = kind_by_key(PRICE_LISTS, "price_lists", {WarningCode.UNKNOWN_VALUE: "price_lists/untitled"})
MIGRATION = """
CREATE TABLE price_lists (
    merchant text, code text, title text, discount numeric(18,2),
    sequence numeric NOT NULL, file_id bigint NOT NULL, record int NOT NULL,
    field_versions jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant, code)
)
"""
WARNING = (
    "-- name: untitled\n"
    "SELECT file_id, count(*) FROM price_lists JOIN loading USING (file_id)\n"
    "WHERE merchant = {merchant} AND title IS NULL GROUP BY file_id\n"
)


def test_a_new_interface_is_a_declaration_a_kind_a_query_and_a_table(
    store: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = PRICE_LISTS.name
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(interfaces.INTERFACES, name, PRICE_LISTS)  # type: ignore[arg-type]
    monkeypatch.setitem(records.KINDS, name, KIND)  # type: ignore[arg-type]
    monkeypatch.setitem(intake.LOADED_FRAMES, name, ("price_lists",))
    settings = {**intake.SHOP.interfaces, name: intake.InterfaceSettings()}
    monkeypatch.setattr(intake, "SHOP", intake.SHOP.model_copy(update={"interfaces": settings}))
    folder = tmp_path / "sql"
    folder.mkdir()
    for file in sql.FOLDER.iterdir():
        folder.joinpath(file.name).symlink_to(file)
    folder.joinpath("price_lists.sql").write_text(WARNING)
    monkeypatch.setattr(sql, "FOLDER", folder)
    store.execute(MIGRATION)
    store.commit()

    first = File(name, 1, ({"Code": "A", "Title": "All", "Discount": "1.50"}, {"Code": "B"}, {"Title": "x"}))
    second = File(name, 2, ({"Code": "A", "Title": ""}, {"Code": "A", "Discount": "2"}, {"Code": "C"}))
    delivery = intake.Intake(store, intake.prepare((first, second), intake.SHOP))
    delivery.run("together", [0, 1])

    rows = store.execute("SELECT code, title, discount::text FROM price_lists ORDER BY code").fetchall()
    assert rows == [("A", None, "2.00"), ("B", None, None), ("C", None, None)]
    counts = store.execute("SELECT counts FROM files ORDER BY file_id").fetchall()
    assert [(each["read"], each["loaded"], each["collapsed"]) for (each,) in counts] == [(3, 2, 0), (3, 2, 1)]
    assert [each["warnings"].get("unknown_value") for (each,) in counts] == [1, 2]
    assert counts[0][0]["rejected"] == {"missing_field": 1}
    store.execute("DROP TABLE price_lists")
    assert "price_lists" not in TABLES
