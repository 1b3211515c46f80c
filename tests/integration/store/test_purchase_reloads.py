"""A purchases file that loads again after a change of configuration replaces what it brought."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from erp_feeds.batch import Replay
from erp_feeds.operations.dry_run import DryRun, dry_run_of
from erp_feeds.store import ledger
from erp_feeds.store.connection import open_uri
from erp_feeds.store.migrate import SCRIPTS
from support.shop_files import basket, configure, export
from support.shop_fixtures import Shop
from support.store_feed import Feed, dump, purchase, purchases, scalar

PURCHASES = "srs_purchases"
EVERYTHING = Replay(since="2017-01-01")


def web(order_number: str, deposit: str, amount: str, number: str = "1") -> str:
    """The same as a receipt, with an order number."""
    receipt = basket("R", deposit, amount, number)
    return f"<OrderNumber>{order_number}</OrderNumber>" + receipt.partition("</Branch>")[2]


def absent(shop: Shop, *numbers: str) -> None:
    """Configure numbers that stand for nobody."""
    shop.merchant = shop.merchant.model_copy(update={"excluded_identifiers": numbers})


def stored(shop: Shop) -> dict[str, str]:
    rows = shop.store.execute("SELECT purchase_id, kind || ' ' || total FROM purchases").fetchall()
    shop.store.rollback()
    return dict(rows)


@pytest.fixture
def dry_run(shop: Shop, store_uri: str) -> Callable[..., DryRun]:
    def run(*files: str) -> DryRun:
        chosen = ledger.archived(shop.store, "testshop", [PURCHASES], Replay(files=files))
        shop.store.rollback()
        with open_uri(store_uri) as writing, open_uri(store_uri, autocommit=True) as reading:
            return dry_run_of(writing, reading, shop.merchant, chosen, 10)

    return run


def test_purchases_6_a_reload_leaves_nothing_under_the_old_id(
    shop: Shop, dry_run: Callable[[], DryRun]
) -> None:
    shop.place(export(PURCHASES, "20170101", web("W", "1.00", "-5.00"), web("V", "1.00", "2.00", "2")))
    shop.run_tasks("run")
    assert stored(shop) == {"W": "order -4.00", "V": "order 3.00"}
    absent(shop, "2")
    configure(shop, PURCHASES, excluded_skus=("d",))
    found = dry_run().tables["purchases"]
    assert (found.new, found.changed, found.removed) == (1, 0, 2)
    gone = {row.key: (row.before["kind"], row.after) for row in found.rows if row.before}
    assert gone == {"W": ("order", {}), "V": ("order", {})}
    assert stored(shop) == {"W": "order -4.00", "V": "order 3.00"}

    shop.run_tasks("replay", EVERYTHING)
    assert stored(shop) == {"W-R20170101100000": "return -4.00"}
    assert scalar(shop.store, "SELECT count(*) FROM orders") == 0
    assert scalar(shop.store, "SELECT count(DISTINCT purchase_id) FROM purchase_lines") == 1
    assert scalar(shop.store, "SELECT count(*) FROM profiles") == 2
    before = dump(shop.store, ("purchases", "purchase_lines", "profiles"))
    shop.run_tasks("again", EVERYTHING)
    assert dump(shop.store, ("purchases", "purchase_lines", "profiles")) == before
    assert "purchases" not in dry_run().tables

    absent(shop)
    configure(shop, PURCHASES)
    shop.run_tasks("back", EVERYTHING)
    assert stored(shop) == {"W": "order -4.00", "V": "order 3.00"}


def test_purchases_6_what_another_file_has_written_since_stays(shop: Shop) -> None:
    shop.place(export(PURCHASES, "20170101", web("W", "1.00", "-5.00"), web("V", "1.00", "2.00")))
    shop.place(export(PURCHASES, "20170102", web("W", "1.00", "-5.00")))
    shop.run_tasks("run")
    absent(shop, "1")
    first = ledger.archived(shop.store, "testshop", [PURCHASES], Replay())[0]
    shop.store.rollback()
    shop.run_tasks("replay", Replay(files=(first.name,)))
    assert stored(shop) == {"W": "order -4.00"}


def test_purchases_6_what_a_newer_file_brings_as_it_is_is_not_written_but_goes_with_it(
    shop: Shop, dry_run: Callable[..., DryRun]
) -> None:
    shop.place(export(PURCHASES, "20170101", web("W", "1.00", "2.00"), basket("R", "1.00", "2.00")))
    shop.run_tasks("run")
    written = "SELECT array_agg(xmin::text || file_id || record ORDER BY purchase_id) FROM purchases"
    before = scalar(shop.store, written)
    shop.place(export(PURCHASES, "20170102", web("W", "1.00", "2.00"), basket("R", "1.00", "2.00")))
    shop.run_tasks("again")
    assert scalar(shop.store, written) == before
    first, second = ledger.archived(shop.store, "testshop", [PURCHASES], Replay())
    shop.store.rollback()
    absent(shop, "1")
    assert dry_run(second.name).tables["purchases"].removed == 2
    shop.run_tasks("older", Replay(files=(first.name,)))
    assert len(stored(shop)) == 2
    shop.run_tasks("newer", Replay(files=(second.name,)))
    assert stored(shop) == {}


def test_purchases_6_a_basket_whose_neighbour_went_is_still_known(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file(PURCHASES, 1)
    receipt = {"number": "1", "channel": "offline"}
    feed.load(file, purchases(purchase("r", 1, **receipt), purchase("r~2", 2, **receipt)))
    feed.load(file, purchases(purchase("r", 2, record=2, **receipt)), "replay")
    feed.purchases(2, purchase("r", 2, **receipt))
    found = feed.connection.execute("SELECT purchase_id, total::int, trunc(sequence)::int FROM purchases")
    assert found.fetchall() == [("r~2", 2, 2)]


def test_purchases_6_a_receipt_of_somebody_suppressed_stays_without_a_name(store: psycopg.Connection) -> None:
    feed = Feed(store)
    file = feed.file(PURCHASES, 1)
    feed.load(file, purchases(purchase("p1", 1, number="1"), purchase("p2", 1, number="2")))
    feed.connection.execute("UPDATE purchases SET profile_id = NULL WHERE purchase_id = 'p1'")
    feed.load(file, purchases(purchase("p2", 1, number="2", record=2)), "replay")
    found = scalar(feed.connection, "SELECT array_agg(purchase_id ORDER BY purchase_id) FROM purchases")
    assert found == ["p1", "p2"]


def test_purchases_7_the_migration_makes_the_hashes_that_the_steps_make(shop: Shop) -> None:
    shop.place(export(PURCHASES, "20170101", web("W", "1.00", "-5.00"), web("V", "0", "0.1")))
    shop.run_tasks("run")
    hashes = "SELECT array_agg(content_hash ORDER BY purchase_id) FROM purchases"
    before = scalar(shop.store, hashes)
    script = (SCRIPTS / "versions" / "0011_baskets.sql").read_text(encoding="utf-8")
    shop.store.execute(script[script.index("UPDATE erp_feeds.purchases") :])  # type: ignore[call-overload]
    assert scalar(shop.store, hashes) == before
