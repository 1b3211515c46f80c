"""What leaves the inbox after its load: never too early, never a newer file, and nothing gets lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest

from erp_feeds import tasks
from erp_feeds.batch import Batch, RemoteFile
from erp_feeds.demo.exports import Export
from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox import cleanup
from erp_feeds.store import load as loading
from support import odd_servers
from support.ftps_fixtures import RunningFtps
from support.shop_fixtures import STEPS, Shop
from support.srs_exports import customers, numbers, person

COMMANDS = ("stat", "rename", "delete_file", "create_directory")
FIRST = customers("20170101", person("1"))
SECOND = Export(
    FIRST.interface, FIRST.name, FIRST.day, customers("20170101", person("2", name="Newer")).content
)


def clearing_shop(shop: Shop, after_load: str) -> Shop:
    ftps = shop.merchant.ftps.model_copy(update={"after_load": after_load})
    shop.merchant = shop.merchant.model_copy(update={"ftps": ftps})
    return shop


@pytest.fixture(params=["move", "delete"])
def clearer(request: pytest.FixtureRequest, shop: Shop) -> Shop:
    """A shop whose inbox is cleared, in either way."""
    return clearing_shop(shop, request.param)


@pytest.fixture
def mover(shop: Shop) -> Shop:
    """A shop whose loaded files go to the folder of processed ones."""
    return clearing_shop(shop, "move")


def on_server(shop: Shop) -> dict[str, bytes]:
    """Path below the interface's folder -> bytes."""
    folder = shop.inbox / "srs"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(shop: Shop, name: str) -> Batch:
    batch = shop.run_tasks(name)
    shop.report(batch)
    return batch


def left(shop: Shop, *exports: Export) -> dict[str, bytes]:
    """What the server holds when just these have been loaded and cleared, each under its own name."""
    if shop.merchant.ftps.after_load == "delete":
        return {}
    return {f"processed/{export.name}": export.content for export in exports}


class Interference:
    """Does something before or after one command of the client, counted from 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.at = 0
        self.late = False
        self.act: Callable[[], object] = lambda: None
        for name in COMMANDS:
            monkeypatch.setattr(FtpsHook, name, self._around(getattr(FtpsHook, name)))

    def _around(self, command: Callable[..., Any]) -> Callable[..., Any]:
        def interfering(*arguments: Any) -> Any:
            self.count += 1
            due = self.count == self.at
            if due and not self.late:
                self.act()
            answer = command(*arguments)
            if due and self.late:
                self.act()
            return answer

        return interfering


class KilledError(BaseException):
    """The task ends here, whatever it was doing."""


def kill() -> None:
    raise KilledError


def test_files_leave_only_after_their_load_has_committed(clearer: Shop) -> None:
    clearer.place(FIRST)
    batch = clearer.sense("run")
    for step in STEPS:
        batch = step(clearer.merchant, batch)
        assert on_server(clearer) == {FIRST.name: FIRST.content}, step.__name__
    clearer.report(batch)
    assert on_server(clearer) == left(clearer, FIRST)


def test_a_file_whose_load_failed_stays(clearer: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    clearer.place(FIRST)
    batch = clearer.sense("run")
    for step in STEPS[:-1]:
        batch = step(clearer.merchant, batch)

    def fails(*_: Any) -> None:
        raise RetryError("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(loading, "load_files", fails)
        with pytest.raises(RetryError):
            tasks.load(clearer.merchant, batch)
    clearer.report(batch)
    assert on_server(clearer) == {FIRST.name: FIRST.content}
    run(clearer, "next run")
    assert on_server(clearer) == left(clearer, FIRST)


def test_files_stay_where_the_merchant_says_so(shop: Shop) -> None:
    shop.place(FIRST)
    run(shop, "run")
    run(shop, "next run")
    assert on_server(shop) == {FIRST.name: FIRST.content}


def test_what_was_refused_stays(clearer: Shop) -> None:
    clearer.place(Export(FIRST.interface, FIRST.name, FIRST.day, b"neither zip nor XML"))
    batch = clearer.run_tasks("run")
    with pytest.raises(FailError, match="not_a_zip"):
        clearer.report(batch)
    run(clearer, "next run")
    assert on_server(clearer).keys() == {FIRST.name}


@pytest.mark.parametrize("at", range(1, 8))
def test_a_newer_file_placed_at_any_moment_is_loaded(
    mover: Shop, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    mover.place(FIRST)
    batch = mover.run_tasks("run")
    interference = Interference(monkeypatch)
    interference.at, interference.act = at, lambda: mover.place(SECOND, minute=1)
    mover.report(batch)
    assert interference.count >= at or at == 7
    if at > interference.count:
        mover.place(SECOND, minute=1)
    run(mover, "next run")
    assert numbers(mover) == {"1", "2"}
    run(mover, "one more")
    moved = on_server(mover)
    assert all(name.startswith("processed/") for name in moved)
    assert SECOND.content in moved.values()
    # Placed before the first rename, the newer one wrote over the older: the ERP party's own doing.
    assert sorted(moved.values()) in [sorted([FIRST.content, SECOND.content]), [SECOND.content]]


def test_a_kill_at_any_moment_loses_nothing_and_the_next_run_finishes(
    clearer: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared: list[Export] = []
    for at in range(1, 20):
        for late in (False, True):
            export = customers(f"201702{len(cleared) + 1:02}", person("1"))
            clearer.place(export)
            batch = clearer.run_tasks(f"run {at} {late}")
            with monkeypatch.context() as patched:
                interference = Interference(patched)
                interference.at, interference.late, interference.act = at, late, kill
                with suppress(KilledError):
                    clearer.report(batch)
            cleared.append(export)
            assert late or interference.count < at or export.content in on_server(clearer).values()
            run(clearer, f"next run {at} {late}")
            assert on_server(clearer) == left(clearer, *cleared)
        if interference.count < at:
            break
    assert 4 < at < 10


def test_an_older_file_of_the_name_in_the_folder_of_processed_ones_stays(mover: Shop) -> None:
    mover.place(FIRST)
    run(mover, "run")
    mover.place(SECOND, minute=1)
    run(mover, "next run")
    third = Export(FIRST.interface, FIRST.name, FIRST.day, customers("20170101", person("33")).content)
    mover.place(third, minute=2)
    run(mover, "third run")
    assert sorted(on_server(mover).values()) == sorted(each.content for each in (FIRST, SECOND, third))
    assert all(name.startswith("processed/") for name in on_server(mover))


@pytest.mark.parametrize(
    ("permissions", "goes"),
    [("elr", False), ("elrm", False), ("elrf", False), ("elrfm", True)],
    ids=["reads only", "no rename", "no new folder", "rename and new folder"],
)
def test_a_server_that_refuses_leaves_the_run_good(
    mover: Shop, ftps: RunningFtps, caplog: pytest.LogCaptureFixture, permissions: str, goes: bool
) -> None:
    mover.place(FIRST)
    ftps.server.handler.authorizer.permissions = permissions
    batch = mover.run_tasks("run")
    with caplog.at_level(logging.WARNING):
        assert mover.report(batch)["loaded"] == 1
    assert numbers(mover) == {"1"}
    assert on_server(mover) == (left(mover, FIRST) if goes else {FIRST.name: FIRST.content})
    assert (f"{FIRST.name} could not be moved or deleted" in caplog.text) is not goes
    ftps.server.handler.authorizer.permissions = "elradfmwMT"
    run(mover, "next run")
    assert on_server(mover) == left(mover, FIRST)


@pytest.mark.parametrize("missing", ["SIZE", "MDTM"])
def test_a_server_that_cannot_tell_a_newer_file_keeps_all(
    mover: Shop, ftps: RunningFtps, caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    odd_servers.without(ftps.server, missing)
    mover.place(FIRST)
    with caplog.at_level(logging.WARNING):
        run(mover, "run")
    assert on_server(mover) == {FIRST.name: FIRST.content}
    assert f"does not answer {missing}" in caplog.text
    assert "set ftps.after_load to 'leave'" in caplog.text


def test_the_same_bytes_again_are_cleared_too(clearer: Shop) -> None:
    clearer.place(FIRST)
    run(clearer, "run")
    clearer.place(FIRST, minute=1)
    run(clearer, "next run")
    run(clearer, "one more")
    assert set(on_server(clearer).values()) <= {FIRST.content}
    assert all(name.startswith("processed/") for name in on_server(clearer))
    assert clearer.states() == {1: "loaded", 2: "duplicate"}


def test_a_server_without_mlsd_is_cleared(clearer: Shop, ftps: RunningFtps) -> None:
    odd_servers.without(ftps.server, "MLSD")
    clearer.place(FIRST)
    run(clearer, "run")
    assert on_server(clearer) == left(clearer, FIRST)


def test_two_runs_clear_one_file_at_the_same_time(clearer: Shop) -> None:
    path = clearer.place(FIRST)
    (file,) = clearer.run_tasks("run").files
    remote_file = RemoteFile(
        interface=FIRST.interface,
        name=FIRST.name,
        size=len(FIRST.content),
        modified=datetime.fromtimestamp(int(path.stat().st_mtime), UTC),
        path=file.path,
    )
    together = Barrier(2)

    def clear() -> bool | str:
        with FtpsHook(clearer.merchant.ftps.connection) as hook:
            hook.get_conn()
            together.wait(timeout=10)
            try:
                return cleanup.clear(hook, remote_file, clearer.merchant.ftps)
            except FailError as fault:  # the other one was faster between two commands
                return fault.code

    with ThreadPoolExecutor(2) as pool:
        outcomes = [answer.result() for answer in [pool.submit(clear), pool.submit(clear)]]
    run(clearer, "next run")
    assert on_server(clearer) == left(clearer, FIRST)
    assert set(outcomes) <= {True, False, "refused"}
