"""What must not be lost, doubled, blocked or silent when a server, a file or a run misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from erp_feeds import tasks
from erp_feeds.batch import Replay
from erp_feeds.demo.exports import Export, packed
from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import FileRefusedError, FtpsHook, transfer
from erp_feeds.inbox import fetch
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import InterfaceSettings
from erp_feeds.store import ledger
from support.ftps_fixtures import RunningFtps
from support.shop_fixtures import STEPS, Shop
from support.srs_exports import customers, numbers, person, purchases
from support.store_feed import dump, scalar

JANUARY = (date(2017, 1, 1), date(2017, 2, 1))


def total(shop: Shop) -> Any:
    return scalar(shop.store, "SELECT sum(total) FROM purchases")


def test_a_retry_of_download_keeps_what_it_archived_before_the_name_was_reused(shop: Shop) -> None:
    shop.place(customers("20170101", person("1"), person("11")))
    batch = shop.sense("run")
    tasks.download(shop.merchant, batch)  # archived, then killed before its result was kept
    shop.place(customers("20170101", person("2", name="Replacement")), minute=1)
    for step in STEPS:
        batch = step(shop.merchant, batch)
    shop.run_tasks("next run")
    assert numbers(shop) == {"1", "11", "2"}


def test_a_cleared_download_changes_nothing_after_the_name_was_reused(shop: Shop) -> None:
    shop.place(customers("20170101", person("1")))
    batch = shop.sense("run")
    for step in STEPS:
        batch = step(shop.merchant, batch)
    first = batch.model_copy(
        update={"files": tuple(f.model_copy(update={"archived": ""}) for f in batch.files)}
    )
    shop.place(customers("20170101", person("2", name="Replacement")), minute=1)
    shop.run_tasks("next run")
    before = dump(shop.store)
    tasks.download(shop.merchant, first)
    assert dump(shop.store) == before


@pytest.mark.parametrize(
    "poison",
    [
        customers("20170101", person("x" * 9000)),
        purchases(
            "20170101",
            ({"OrderNumber": "X", "DateTime": "0001-01-01T00:00:00", "CustomerNumber": "9"}, "1.00"),
        ),
    ],
    ids=["number of 9000 signs", "the year 1"],
)
def test_a_value_that_fits_nowhere_blocks_no_other_file(shop: Shop, poison: Export) -> None:
    shop.place(poison, customers("20170102", person("2")))
    batch = shop.run_tasks("run")
    assert numbers(shop) == {"2"}
    with pytest.raises(FailError, match=r"records? rejected"):
        shop.report(batch)


def test_a_file_that_changes_while_it_is_fetched_waits_and_blocks_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.place(customers("20170101", person("1")))
    shop.place(customers("20170102", person("2")))
    fetched = transfer.blocks

    def growing(session: Any, transferred: Any, *others: Any) -> Iterator[bytes]:
        yield from fetched(session, transferred, *others)
        if transferred.path.endswith("_20170101.zip"):
            with path.open("ab") as upload:
                upload.write(b"more")

    monkeypatch.setattr(transfer, "blocks", growing)
    shop.run_tasks("run")
    assert numbers(shop) == {"2"}
    assert shop.states()[1] == "waiting"


@pytest.mark.parametrize("reply", ["450 Locked.", "500 OOPS: it cannot be read", "530 Not for you."])
def test_a_file_that_the_server_never_delivers_blocks_no_other(
    shop: Shop, ftps: RunningFtps, reply: str
) -> None:
    shop.place(*(customers(f"2017010{day}", person(str(day))) for day in range(1, 4)))
    deliver = ftps.server.handler.ftp_RETR

    def refuse(handler: Any, path: str) -> None:
        handler.respond(reply) if path.endswith("_20170101.zip") else deliver(handler, path)

    ftps.server.handler.ftp_RETR = refuse
    batch = shop.run_tasks("run")
    assert numbers(shop) == {"2", "3"}
    assert shop.states()[1] == "waiting"
    assert batch.files[0].name.endswith("_20170102.zip")
    ftps.server.handler.ftp_RETR = deliver
    shop.run_tasks("later")
    assert numbers(shop) == {"1", "2", "3"}


@pytest.mark.parametrize("how", ["breaks off", "breaks off and hangs up", "450 Locked.", "no bytes"])
def test_stuck_files_cost_no_other_its_place_however_many(
    shop: Shop, ftps: RunningFtps, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """More of them than a run takes, in front of the good one, and each new good one comes at once."""
    monkeypatch.setattr(fetch, "TRIES", 1)  # no pause between two tries
    limits = shop.merchant.limits.model_copy(update={"files_per_run": 3, "incomplete_attempts": 99})
    shop.merchant = shop.merchant.model_copy(update={"limits": limits})
    shop.place(*(customers(f"2017010{day}", person(str(day))) for day in range(1, 9)))
    deliver = ftps.server.handler.ftp_RETR

    def stuck(handler: Any, path: str) -> None:
        if "_2017010" not in path:
            deliver(handler, path)
        elif how == "450 Locked.":
            handler.respond(how)
        elif how == "no bytes":
            handler.push_dtp_data(b"", cmd="RETR")
        else:
            handler.data_channel.close() if handler.data_channel else None
            handler.close() if "hangs up" in how else handler.respond("426 It broke off.")

    ftps.server.handler.ftp_RETR = stuck
    shop.place(customers("20170201", person("201")))
    for run in range(4):
        with suppress(RetryError, FailError):
            shop.run_tasks(f"run {run}")
    assert numbers(shop) == {"201"}
    shop.place(customers("20170202", person("202")))
    shop.run_tasks("at once")
    assert numbers(shop) == {"201", "202"}
    ftps.server.handler.ftp_RETR = deliver
    shop.store.execute("UPDATE files SET attempted_at = attempted_at - interval '1 minute'")
    shop.store.commit()
    for run in range(3):
        shop.run_tasks(f"well again {run}")
    assert set(shop.states().values()) == {"loaded"}


def test_a_download_that_is_tried_again_is_no_further_attempt(shop: Shop, ftps: RunningFtps) -> None:
    shop.place(customers("20170101", person("1")), customers("20170102", person("2")))
    replies = {"1": "450 Locked.", "2": "500 OOPS: no process left"}
    ftps.server.handler.ftp_RETR = lambda self, path: self.respond(replies[path[-5]])
    batch = shop.sense("run")
    for _ in range(4):
        with pytest.raises(FailError, match="no process left"):
            tasks.download(shop.merchant, batch)
    assert shop.store.execute("SELECT state, attempts FROM files ORDER BY file_id").fetchall() == [
        ("waiting", 1),
        ("registered", 0),
    ]


def test_a_server_that_delivers_nothing_marks_no_file_and_holds_up_nothing_archived(
    shop: Shop, ftps: RunningFtps
) -> None:
    shop.place(customers("20170101", person("1")))
    tasks.download(shop.merchant, shop.sense("a run that dies here"))
    shop.place(customers("20170102", person("2")), customers("20170103", person("3")))
    deliver = ftps.server.handler.ftp_RETR
    ftps.server.handler.ftp_RETR = lambda self, _: self.respond("500 OOPS: no process left")
    shop.run_tasks("run")
    assert shop.states() == {1: "loaded", 2: "registered", 3: "registered"}
    with pytest.raises(FailError, match="no process left"):
        shop.run_tasks("next")
    ftps.server.handler.ftp_RETR = deliver
    shop.run_tasks("later")
    assert numbers(shop) == {"1", "2", "3"}


def test_an_original_lost_from_the_archive_blocks_no_other(shop: Shop) -> None:
    shop.place(customers("20170101", person("1")), customers("20170102", person("2")))
    batch = tasks.download(shop.merchant, shop.sense("run"))
    Path(batch.files[0].archived.removeprefix("file://")).unlink()
    for step in STEPS[1:]:
        batch = step(shop.merchant, batch)
    assert numbers(shop) == {"2"}
    with pytest.raises(FailError, match="not_archived"):
        shop.report(batch)


def test_what_is_archived_loads_while_the_server_is_away(
    shop: Shop, ftps_connection: Callable[..., str]
) -> None:
    shop.place(customers("20170101", person("1")))
    tasks.download(shop.merchant, shop.sense("a run that dies here"))
    ftps_connection(password="changed meanwhile")
    shop.run_tasks("next run")
    assert numbers(shop) == {"1"}
    with pytest.raises(FailError, match="password"):
        shop.sense("nothing is left to do without the server")


def test_a_truncated_file_that_goes_away_incomplete_is_reported(shop: Shop) -> None:
    whole = customers("20170101", person("1"))
    path = shop.place(Export(whole.interface, whole.name, whole.day, whole.content[:60]))
    shop.report(shop.run_tasks("first scan"))
    path.unlink()
    batch = shop.run_tasks("second scan")
    with pytest.raises(FailError, match="truncated"):
        shop.report(batch)


def test_a_retry_of_unzip_is_no_further_attempt(shop: Shop) -> None:
    whole = customers("20170101", person("1"))
    shop.place(Export(whole.interface, whole.name, whole.day, whole.content[:60]))
    batch = tasks.download(shop.merchant, shop.sense("run"))
    for _ in range(5):
        tasks.unzip(shop.merchant, batch)
    assert shop.states()[1] == "waiting"


def test_a_quarantined_file_sent_again_after_the_setting_was_corrected_loads(shop: Shop) -> None:
    xml = (
        b"<Import><ImportSettings><Importer>Authorization</Importer><Version>1.1</Version></ImportSettings>"
        b"<Customers><Customer><AccountNumber>1</AccountNumber><PriceListName>A</PriceListName></Customer>"
        b"</Customers></Import>"
    )
    export = packed(INTERFACES["erp_cache_customers"], "TestShop", "20170101", xml)
    shop.place(export)
    shop.run_tasks("refused")
    accepting = InterfaceSettings(accepted_importers=("Authorization",))
    interfaces = {**shop.merchant.interfaces, "erp_cache_customers": accepting}
    shop.merchant = shop.merchant.model_copy(update={"interfaces": interfaces})
    shop.place(export, minute=1)
    shop.run_tasks("accepted")
    assert shop.accounts() == {"1": "A"}


def test_a_replay_leaves_out_again_the_email_that_is_free_by_now(shop: Shop) -> None:
    shop.place(customers("20170101", person("1", "x@example.com"), person("2")))
    shop.run_tasks("day 1")
    shop.place(customers("20170102", person("2", "x@example.com")))
    shop.run_tasks("day 2")
    shop.place(customers("20170103", person("1", "y@example.com")))
    shop.run_tasks("day 3")
    before = dump(shop.store)
    assert shop.run_tasks("replay", JANUARY).files
    assert dump(shop.store) == before


def test_purchases_8_two_returns_of_one_order_on_one_day_both_stay(shop: Shop) -> None:
    order = {"OrderNumber": "W1", "DateTime": "2017-01-01", "CustomerNumber": "1"}
    shop.place(purchases("20170101", (order, "-1.00"), (order, "-2.00")))
    shop.run_tasks("run")
    assert total(shop) == -3


def test_purchases_7_a_basket_keeps_its_id_in_a_later_file(shop: Shop) -> None:
    till = {"ReceiptNumber": "1", "Branch": "1", "DateTime": "2017-01-01T10:00:00", "CustomerNumber": "1"}
    shop.place(purchases("20170101", (till, "1.00"), (till, "2.00")))
    shop.run_tasks("both")
    shop.place(purchases("20170102", (till, "2.00")))
    shop.run_tasks("the second again")
    assert total(shop) == 3


@pytest.fixture
def refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the server has refused to hand out, an hour ago."""
    path = shop.place(customers("20170101", person("1")))
    shop.place(customers("20170102", person("2")))
    fetch = FtpsHook.fetch

    def refusing(self: FtpsHook, name: str, *rest: Any) -> Iterator[bytes]:
        if name.endswith(path.name):
            raise FileRefusedError("550: no rights", "not_readable")
        return fetch(self, name, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(FtpsHook, "fetch", refusing)
        for attempt in range(shop.merchant.limits.incomplete_attempts):
            if attempt:
                assert shop.states()[1] == "waiting"
                shop.store.execute("UPDATE files SET attempted_at = attempted_at - interval '1 minute'")
                shop.store.commit()
            batch = shop.run_tasks(f"refused {attempt}")
    with pytest.raises(FailError, match="not_readable"):
        shop.report(batch)
    assert numbers(shop) == {"2"}
    shop.store.execute("UPDATE files SET finished_at = finished_at - interval '1 hour'")
    shop.store.commit()
    return path


def test_a_server_that_refuses_one_file_is_asked_again(shop: Shop, refused: Path) -> None:
    assert refused.exists()
    shop.run_tasks("an hour later")
    assert numbers(shop) == {"1", "2"}
    assert ledger.problems(shop.store, shop.merchant.name, "an hour later") == []


def test_a_refused_file_that_goes_away_is_asked_for_no_more(shop: Shop, refused: Path) -> None:
    refused.unlink()
    shop.report(shop.run_tasks("an hour later"))
    assert sorted(shop.states().values()) == ["loaded", "missing"]
    assert shop.sense("another hour later").files == ()


def test_a_replay_fetches_a_file_that_was_never_archived(shop: Shop, ftps: RunningFtps) -> None:
    path = shop.place(customers("20170101", person("1")))
    allowed = shop.merchant.limits.incomplete_attempts
    original = ftps.server.handler.ftp_RETR
    ftps.server.handler.ftp_RETR = lambda self, _: self.respond("550 Permission denied.")
    for attempt in range(allowed):
        batch = shop.run_tasks(f"refused {attempt}")
    with pytest.raises(
        FailError, match=r"not_readable: .*\nWhat was fetched is archived; a replay of any other"
    ):
        shop.report(batch)
    wanted = Replay(files=(path.name,))
    with pytest.raises(FailError, match="has no archived original"):
        ledger.archived(shop.store, shop.merchant.name, list(shop.merchant.interfaces), wanted)
    ftps.server.handler.ftp_RETR = original
    assert shop.sense("within the hour").files == ()
    away = path.rename(path.with_suffix(".part"))
    with pytest.raises(FailError, match=f"never delivered {path.name} and does not list it any more"):
        shop.sense("gone", wanted)
    away.rename(path)
    shop.report(shop.run_tasks("replay", wanted))
    assert numbers(shop) == {"1"}
    assert shop.states() == {1: "loaded"}
