"""Servers that never stop or tell lies: each ends in an error of ours, in time and within bounds."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from erp_feeds import tasks
from erp_feeds.errors import FailError, RetryError
from erp_feeds.ftps import ChangedError, FolderRefusedError, FtpsHook
from support import odd_servers
from support.ftps_fixtures import RunningFtps
from support.shop_fixtures import Shop
from support.srs_exports import customers, person

Connect = Callable[..., str]


@pytest.fixture
def endless_greeting() -> Iterator[int]:
    """The port of a server whose greeting never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            client, _ = listener.accept()
            with client:
                try:
                    while True:
                        client.sendall(b"220-welcome, and welcome again\r\n" * 1_000)
                except OSError:
                    return

        threading.Thread(target=speak, daemon=True).start()
        yield listener.getsockname()[1]


def test_a_greeting_without_end_is_given_up(endless_greeting: int, ftps_connection: Connect) -> None:
    connection = ftps_connection(port=endless_greeting)
    with pytest.raises(FailError, match="'max_reply_kb'"), FtpsHook(connection) as hook:
        hook.get_conn()


def test_a_listing_larger_than_allowed_is_given_up(ftps: RunningFtps, ftps_connection: Connect) -> None:
    odd_servers.lists(ftps.server, lambda _: b"size=1;type=file; a.zip\r\n" * 100_000)
    with (
        pytest.raises(FailError, match="'max_listing_mb'"),
        FtpsHook(ftps_connection(extra={"max_listing_mb": 1})) as hook,
    ):
        hook.listing("/")
    with (
        pytest.raises(FailError, match="'max_listing_entries'"),
        FtpsHook(ftps_connection(extra={"max_listing_entries": 99_999})) as hook,
    ):
        hook.listing("/")


def test_one_odd_line_hides_no_other(ftps: RunningFtps, ftps_connection: Connect) -> None:
    sizes = {"a.zip": "\u00b2", "b.zip": "1" + 20 * "0", "c.zip": "1"}
    said = "".join(f"size={size};type=file; {name}\r\n" for name, size in sizes.items())
    odd_servers.lists(ftps.server, lambda _: said.encode())
    with FtpsHook(ftps_connection()) as hook:
        listing = hook.listing("/")
    assert ([entry.name for entry in listing.entries], listing.unreadable) == (["c.zip"], 2)


def test_a_link_is_asked_for_size_and_time(ftps: RunningFtps, ftps_connection: Connect) -> None:
    (ftps.root / "there.bin").write_bytes(b"x" * 500)
    (ftps.root / "link.zip").symlink_to("there.bin")
    odd_servers.lists(ftps.server, lambda _: b"size=9;type=OS.unix=slink;modify=20170101000000; link.zip\r\n")
    with FtpsHook(ftps_connection()) as hook:
        assert [(entry.size, entry.is_certain()) for entry in hook.listing("/").entries] == [(None, False)]
        assert hook.stat("/link.zip")[0] == 500


def test_a_file_that_looks_like_a_link_is_asked_for_once(shop: Shop, ftps: RunningFtps) -> None:
    """Where a share gives every file all rights, a scan would else ask for each, again and again."""
    every = lambda said: re.sub(rb"type=file;", b"type=file;unix.mode=0777;", said)  # noqa: E731
    odd_servers.lists(ftps.server, every)
    shop.place(*(customers(f"2017010{day}", person(str(day))) for day in range(1, 4)))
    asked: list[str] = []
    size = ftps.server.handler.ftp_SIZE
    ftps.server.handler.ftp_SIZE = lambda self, path: (asked.append(path), size(self, path))
    shop.run_tasks("run")
    shop.run_tasks("next")
    asked.clear()
    assert shop.sense("later").files == ()
    assert asked == []


def test_more_bytes_than_the_file_has_are_not_taken(ftps: RunningFtps, ftps_connection: Connect) -> None:
    (ftps.root / "x.zip").write_bytes(b"x" * 1_000_000)
    ftps.server.handler.ftp_SIZE = lambda self, _: self.respond("213 1000")
    with pytest.raises(ChangedError), FtpsHook(ftps_connection()) as hook:
        assert sum(map(len, hook.fetch("/x.zip"))) <= 1_000


@pytest.mark.parametrize("reply", ["500 OOPS: cannot change directory", "550 No home", "501 Not now"])
def test_a_login_that_is_refused_quarantines_no_file(shop: Shop, ftps: RunningFtps, reply: str) -> None:
    shop.place(customers("20170101", person("1")))
    batch = shop.sense("run")
    ftps.server.handler.ftp_PASS = lambda self, _: self.respond(reply)
    with pytest.raises(FailError, match=re.escape(reply)):
        tasks.download(shop.merchant, batch)
    assert set(shop.states().values()) == {"registered"}


def test_a_folder_that_may_not_be_listed_is_not_missing(ftps: RunningFtps, ftps_connection: Connect) -> None:
    (ftps.root / "srs").mkdir()

    def closed(self: Any, path: str) -> None:
        if path.endswith("srs"):
            self.respond("550 Permission denied.")
        else:
            original(self, path)

    original = ftps.server.handler.ftp_CWD
    ftps.server.handler.ftp_CWD = closed
    with FtpsHook(ftps_connection()) as hook:
        assert hook.listing("/missing").form == ""
        with pytest.raises(FolderRefusedError, match="may not list /srs"):
            hook.listing("/srs")


def test_a_closed_folder_holds_up_no_file_of_another_and_is_told(shop: Shop, ftps: RunningFtps) -> None:
    shop.place(customers("20170101", person("1")))
    (shop.inbox / "ErpCache").mkdir()
    original = ftps.server.handler.ftp_MLSD

    def closed(self: Any, path: str) -> None:
        self.respond("550 Permission denied.") if path.endswith("ErpCache") else original(self, path)

    ftps.server.handler.ftp_MLSD = closed
    shop.run_tasks("run")
    assert set(shop.states().values()) == {"loaded"}
    (reason,) = shop.store.execute(
        "SELECT reason FROM inbox_scans WHERE failing_since IS NOT NULL"
    ).fetchone()
    assert "may not list /testshop/ErpCache" in reason
    with pytest.raises(FolderRefusedError, match="may not list /testshop/ErpCache"):
        shop.sense("nothing else is new")
    ftps.server.handler.ftp_MLSD = original
    assert shop.sense("open again").files == ()
    assert shop.store.execute("SELECT 1 FROM inbox_scans WHERE failing_since IS NOT NULL").fetchone() is None


@pytest.mark.parametrize(
    ("command", "reply", "is_empty"),
    [
        ("CWD", "550 srs: Access is denied.", False),
        ("MLSD", "550 Permission denied.", False),
        ("MLSD", "550 The system is busy.", False),
        ("MLSD", "550 No files found.", True),
    ],
)
def test_a_folder_that_is_refused_is_neither_missing_nor_empty(
    ftps: RunningFtps, ftps_connection: Connect, command: str, reply: str, is_empty: bool
) -> None:
    handler = ftps.server.handler
    (ftps.root / "srs").mkdir()
    odd_servers.lists(ftps.server, lambda _: b"")  # its parent does not show it either
    original = getattr(handler, f"ftp_{command}")

    def refuse(self: Any, path: str) -> None:
        self.respond(reply) if path.endswith("srs") else original(self, path)

    setattr(handler, f"ftp_{command}", refuse)
    with FtpsHook(ftps_connection()) as hook:
        if is_empty:
            assert hook.listing("/srs").form == "LIST"
        else:
            with pytest.raises(FolderRefusedError, match="ask for the right"):
                hook.listing("/srs")


@pytest.mark.parametrize("path", ["/a\r\nDELE x", "/a\0b"])
def test_a_path_that_would_end_a_command_is_an_error_of_the_caller(
    ftps_connection: Connect, path: str
) -> None:
    with pytest.raises(FailError, match="control characters"), FtpsHook(ftps_connection()) as hook:
        hook.delete_file(path)


def test_a_server_that_drips_is_given_up(ftps: RunningFtps, ftps_connection: Connect) -> None:
    (ftps.root / "x.zip").write_bytes(b"x" * 100_000)
    ftps.server.handler.dtp_handler = type(
        "Slow", (ftps.server.handler.dtp_handler,), {"send": lambda self, data: 0}
    )
    connection = ftps_connection(extra={"timeout": 1})
    with pytest.raises(RetryError, match="min_rate"), FtpsHook(connection, 1) as hook:
        list(hook.fetch("/x.zip"))
