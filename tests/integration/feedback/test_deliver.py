"""Result files on the ERP party's server: what they say, when they are written, what an error costs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from lxml import etree

from erp_feeds.batch import Replay
from erp_feeds.demo.exports import Export
from erp_feeds.errors import FailError
from erp_feeds.ftps import FtpsHook
from erp_feeds.merchant import Feedback
from erp_feeds.store.connection import one_at_a_time, open_uri
from support import odd_servers
from support.ftps_fixtures import RunningFtps
from support.shop_fixtures import Shop
from support.srs_exports import customers, numbers, person

GOOD = customers("20170101", person("1", email="ada@example.org"))
MIXED = customers("20170101", person("1"), person("x" * 9000), person("3", email="not an address"))
BROKEN = Export(GOOD.interface, GOOD.name, GOOD.day, b"neither zip nor XML")
RESULT = f"{GOOD.name}.result.xml"


@pytest.fixture
def teller(shop: Shop) -> Shop:
    """A shop whose ERP party wants to hear of its files."""
    shop.merchant = shop.merchant.model_copy(update={"feedback": Feedback()})
    return shop


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of what was stored, in order."""
    stored: list[str] = []
    store = FtpsHook.store_bytes

    def counting(self: FtpsHook, path: str, content: bytes) -> None:
        store(self, path, content)
        stored.append(path)

    monkeypatch.setattr(FtpsHook, "store_bytes", counting)
    return stored


def run(shop: Shop, name: str, replay: Replay | None = None) -> None:
    batch = shop.run_tasks(name, replay)
    with suppress(FailError):  # the report fails where something was refused
        shop.report(batch)


def results(shop: Shop) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in shop.inbox.glob("results/*")}


def root(shop: Shop) -> Any:
    (content,) = results(shop).values()
    return etree.fromstring(content)


def test_a_loaded_file_with_rejects_and_warnings(teller: Shop) -> None:
    teller.place(MIXED)
    run(teller, "run")
    assert results(teller).keys() == {RESULT}
    result = root(teller)
    (sha256,) = teller.store.execute("SELECT sha256 FROM files").fetchone() or ()
    assert (result.get("state"), result.get("sha256"), result.get("code")) == ("loaded", sha256, None)
    assert result.find("Counts").get("read") == "3"
    rejects = teller.store.execute(
        "SELECT record, line, code, field FROM rejects ORDER BY 1, 3, 4"
    ).fetchall()
    assert rejects
    assert [
        (int(each.get("record")), int(each.get("line")), each.get("code"), each.get("field"))
        for each in result.iter("Reject")
    ] == rejects
    assert result.find("Warning") is not None
    (content,) = results(teller).values()
    assert b"xxx" not in content
    assert b"not an address" not in content
    assert b"Ada" not in content


def test_a_quarantined_file(teller: Shop) -> None:
    teller.place(BROKEN)
    run(teller, "run")
    assert (root(teller).get("state"), root(teller).get("code")) == ("quarantined", "not_a_zip")


def test_csv_in_another_folder(shop: Shop) -> None:
    shop.merchant = shop.merchant.model_copy(update={"feedback": Feedback(format="csv", folder="answers")})
    shop.place(GOOD)
    run(shop, "run")
    (path,) = (shop.inbox / "answers").iterdir()
    assert path.name == f"{GOOD.name}.result.csv"
    assert "state,,,,,,loaded" in path.read_text()


def test_without_the_setting_nothing_is_written(shop: Shop, uploads: list[str]) -> None:
    shop.place(GOOD)
    run(shop, "run")
    assert not (shop.inbox / "results").exists()
    assert uploads == []


def test_the_same_outcome_uploads_nothing(teller: Shop, uploads: list[str]) -> None:
    teller.place(GOOD)
    run(teller, "run")
    run(teller, "next run")
    run(teller, "replay", Replay(files=(GOOD.name,)))
    assert uploads == [f"/testshop/results/{RESULT}"]


def test_a_replay_with_another_outcome_writes_over_it(
    teller: Shop, uploads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    teller.place(MIXED)
    strict = teller.merchant.interfaces[GOOD.interface].model_copy(update={"max_reject_percent": 0})
    lenient = teller.merchant
    interfaces = {**lenient.interfaces, GOOD.interface: strict}
    teller.merchant = lenient.model_copy(update={"interfaces": interfaces})
    run(teller, "run")
    assert root(teller).get("code") == "too_many_rejects"
    teller.merchant = lenient
    run(teller, "replay", Replay(files=(MIXED.name,)))
    assert root(teller).get("state") == "loaded"
    assert len(uploads) == 2


def test_two_runs_never_place_at_once(teller: Shop, uploads: list[str], store_uri: str) -> None:
    teller.place(GOOD)
    batch = teller.run_tasks("run")
    with open_uri(store_uri, autocommit=True) as other, ThreadPoolExecutor() as pool:
        with one_at_a_time(other, "feedback", "testshop"):
            reporting = pool.submit(teller.report, batch)
            with pytest.raises(TimeoutError):
                reporting.result(0.5)
            assert uploads == []
        reporting.result(30)
    assert len(uploads) == 1


def test_another_revision_of_a_name_replaces_its_result(teller: Shop) -> None:
    teller.place(BROKEN)
    run(teller, "run")
    teller.place(GOOD, minute=1)
    run(teller, "next run")
    assert root(teller).get("state") == "loaded"
    run(teller, "replay of both", Replay(files=(GOOD.name,)))
    assert root(teller).get("state") == "loaded"


def test_a_reject_that_a_newer_file_resolves_leaves_the_result(teller: Shop) -> None:
    wrong = customers("20170101", {**person("1"), "Phone": "<b>1</b>"})
    teller.place(wrong)
    run(teller, "run")
    assert len(root(teller).findall("Reject")) == 1
    teller.place(customers("20170102", {**person("1"), "Phone": "1"}))
    run(teller, "next run")
    assert etree.fromstring(results(teller)[RESULT]).findall("Reject") == []


def test_a_server_that_is_away_gets_the_result_from_the_next_run(
    teller: Shop, ftps_connection: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    teller.place(GOOD)
    batch = teller.run_tasks("run")
    ftps_connection(port=1)
    with caplog.at_level(logging.WARNING):
        assert teller.report(batch)["loaded"] == 1
    assert "Result files could not be uploaded" in caplog.text
    assert results(teller) == {}
    ftps_connection()
    assert not teller.sense("next run").files
    assert root(teller).get("state") == "loaded"


@pytest.mark.parametrize(
    ("permissions", "warning"),
    [
        ("elrm", f"{RESULT} could not be uploaded"),
        ("elrmw", f"{RESULT} could not be uploaded"),
        ("elrfw", "Result files could not be uploaded"),
    ],
    ids=["no store", "no rename", "no new folder"],
)
def test_a_refused_folder_is_a_warning_only(
    teller: Shop, ftps: RunningFtps, caplog: pytest.LogCaptureFixture, permissions: str, warning: str
) -> None:
    teller.place(GOOD)
    batch = teller.run_tasks("run")
    users = ftps.server.handler.authorizer
    allowed = users.permissions
    users.permissions = permissions
    with caplog.at_level(logging.WARNING):
        assert teller.report(batch)["loaded"] == 1
    assert numbers(teller) == {"1"}
    users.permissions = allowed
    assert RESULT not in results(teller)
    assert warning in caplog.text
    run(teller, "next run")
    assert results(teller).keys() == {RESULT}


def test_a_server_that_writes_over_no_file_gets_the_newer_result_too(
    teller: Shop, ftps: RunningFtps, caplog: pytest.LogCaptureFixture
) -> None:
    odd_servers.writes_over_nothing(ftps.server)
    teller.place(BROKEN)
    run(teller, "run")
    (teller.inbox / "results" / f"{RESULT}.part").write_bytes(b"half, of a killed upload")
    teller.place(GOOD, minute=1)
    with caplog.at_level(logging.WARNING):
        run(teller, "next run")
    assert "could not be uploaded" not in caplog.text
    assert results(teller).keys() == {RESULT}
    assert root(teller).get("state") == "loaded"


@pytest.mark.parametrize("permissions", ["elrdmw", "elrfm"], ids=["no rename", "no store"])
def test_the_older_result_stays_where_a_newer_one_is_refused(
    teller: Shop, ftps: RunningFtps, permissions: str
) -> None:
    teller.place(BROKEN)
    run(teller, "run")
    users = ftps.server.handler.authorizer
    allowed = users.permissions
    users.permissions = permissions
    teller.place(GOOD, minute=1)
    run(teller, "next run")
    assert numbers(teller) == {"1"}
    assert etree.fromstring(results(teller)[RESULT]).get("state") == "quarantined"
    users.permissions = allowed
    assert not teller.sense("run after").files
    assert results(teller).keys() == {RESULT}
    assert root(teller).get("state") == "loaded"


def test_a_server_that_kept_less_than_was_sent_never_shows_it(
    teller: Shop, ftps: RunningFtps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    teller.place(GOOD)
    batch = teller.run_tasks("run")
    with monkeypatch.context() as patched:
        patched.setattr(ftps.server.handler, "ftp_SIZE", lambda self, path: self.respond("213 1"))
        teller.report(batch)
    assert "has 1 of" in caplog.text
    assert results(teller).keys() <= {f"{RESULT}.part"}
    run(teller, "next run")
    assert results(teller).keys() == {RESULT}
