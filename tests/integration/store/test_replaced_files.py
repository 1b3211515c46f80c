"""A quarantined file in whose place a good one came is shown as replaced, kept, and asks for nothing more."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from erp_feeds.batch import Replay
from erp_feeds.cli import app
from erp_feeds.demo.exports import Export, packed
from erp_feeds.demo.testshop import ACCOUNTS_1_0, erp_cache_xml
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.store import ledger, queries
from support.shop_fixtures import Shop

INDEX = "20170103060000"


def version(number: str) -> Export:
    """An ERP cache file; of a version that is not known, it is quarantined."""
    xml = erp_cache_xml(ACCOUNTS_1_0, number)
    return packed(INTERFACES["erp_cache_customers"], "TestShop", INDEX, xml)


GOOD, OTHER, BAD, WORSE = (version(number) for number in ("1.0", "1.1", "2.0", "3.0"))
CODE = "unsupported_version"


def arrive(shop: Shop, *exports: Export) -> None:
    """Let one file after the other lie under the same name, each taken by a run of its own: run0, run1."""
    for minute, export in enumerate(exports):
        shop.place(export, minute=minute)
        shop.run_tasks(f"run{minute}")


def shown(shop: Shop) -> list[tuple[str, int | None]]:
    """State and replacing file as `files` shows them, in the order of their first scan."""
    shop.store.commit()
    return [(each.state, each.replaced_by) for each in reversed(queries.files(shop.store, "testshop"))]


def test_a_new_revision_that_loads_leaves_no_open_quarantine_and_the_history(shop: Shop) -> None:
    arrive(shop, BAD)
    with pytest.raises(FailError, match=CODE):
        shop.report(shop.sense("run0"))
    assert queries.status(shop.store)[0].quarantined == {CODE: 1}
    arrive(shop, BAD, GOOD)
    assert shown(shop) == [("replaced", 2), ("loaded", None)]
    [status] = queries.status(shop.store)
    assert (status.quarantined, status.files) == ({}, {"loaded": 1, "replaced": 1})
    assert queries.quarantined(shop.store, "testshop") == []
    [kept] = queries.quarantined(shop.store, "testshop", with_replaced=True)
    assert (kept.code, kept.replaced_by) == (CODE, 2)
    assert [each.code for each in queries.run_files(shop.store, "testshop", ["run0"])] == [CODE]
    assert [each.file_id for each in queries.files(shop.store, "testshop", states=["replaced"])] == [1]
    assert queries.files(shop.store, "testshop", states=["quarantined"]) == []


def test_a_failed_report_is_green_when_it_is_cleared_after_the_fix(shop: Shop) -> None:
    arrive(shop, BAD, GOOD)
    assert shop.report(shop.sense("run0"))["files"] == 0


@pytest.mark.parametrize(
    ("exports", "states"),
    [
        ((BAD, WORSE), ["quarantined", "quarantined"]),
        ((GOOD, BAD), ["loaded", "quarantined"]),
        ((BAD, WORSE, GOOD, OTHER), ["replaced", "replaced", "loaded", "loaded"]),
        ((GOOD, BAD, GOOD), ["loaded", "replaced", "duplicate"]),
        ((BAD, BAD), ["quarantined", "quarantined"]),
    ],
)
def test_only_a_later_file_whose_bytes_are_loaded_replaces(
    shop: Shop, exports: tuple[Export, ...], states: list[str]
) -> None:
    arrive(shop, *exports)
    assert [state for state, _ in shown(shop)] == states


def test_another_name_replaces_nothing(shop: Shop) -> None:
    arrive(shop, BAD)
    xml = erp_cache_xml(ACCOUNTS_1_0, "1.0")
    shop.place(packed(INTERFACES["erp_cache_customers"], "TestShop", "20170104060000", xml))
    shop.run_tasks("later")
    assert [state for state, _ in shown(shop)] == ["quarantined", "loaded"]


def test_a_replay_by_code_leaves_the_replaced_alone_and_one_by_name_takes_all(shop: Shop) -> None:
    arrive(shop, BAD, GOOD)
    names = list(INTERFACES)
    assert ledger.archived(shop.store, "testshop", names, Replay(rejects=CODE)) == []
    found = ledger.archived(shop.store, "testshop", names, Replay(files=(BAD.name,)))
    assert [file.file_id for file in found] == [1, 2]


def test_the_command_shows_replaced_ones_on_demand(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(shop, BAD, GOOD)
    shop.store.commit()
    for options, number in (([], 0), (["--all"], 1)):
        asked = CliRunner().invoke(app, ["rejects", "testshop", "--json", *options])
        assert len(json.loads(asked.stdout)["quarantined"]) == number
    assert "replaced by" in CliRunner().invoke(app, ["rejects", "testshop", "--all"]).stdout.lower()
