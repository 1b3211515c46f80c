"""Clearing on a server in memory: whatever others do in between, each content is loaded, none destroyed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erp_feeds.batch import RemoteFile
from erp_feeds.errors import FailError, FeedError
from erp_feeds.inbox import listing
from erp_feeds.inbox.cleanup import clear
from erp_feeds.inbox.paths import claimed_path
from erp_feeds.interfaces import interfaces_of
from erp_feeds.merchant import Ftps, Merchant
from support.memory_server import MemoryServer
from support.merchants import merchant_of

NAME = "TestShop_SRS_Customers_1.zip"
FOLDER = "/testshop/srs"
PATH = f"{FOLDER}/{NAME}"


def ftps(after_load: str) -> Ftps:
    return Ftps.model_validate({"connection": "x", "root": "\\testshop\\", "after_load": after_load})


def loaded(server: MemoryServer, path: str = PATH) -> RemoteFile:
    found = server.files[path]
    return RemoteFile(
        interface="srs_customers", name=NAME, size=len(found.content), modified=found.modified, path=path
    )


@pytest.fixture
def server() -> MemoryServer:
    """A server with one loaded file."""
    found = MemoryServer()
    found.place(PATH, "first")
    return found


def test_a_server_that_calls_every_name_taken_is_given_up(server: MemoryServer) -> None:
    stat = server.stat
    server.stat = lambda path: (1, None) if "/processed/" in path else stat(path)  # type: ignore[method-assign]
    with pytest.raises(FailError, match="clear that folder"):
        clear(server, loaded(server), ftps("move"))
    assert contents(server) == {PATH: "first"}


def contents(server: MemoryServer) -> dict[str, str]:
    return {path: found.content for path, found in server.files.items()}


def test_move(server: MemoryServer) -> None:
    assert clear(server, loaded(server), ftps("move"))
    assert contents(server) == {f"{FOLDER}/processed/{NAME}": "first"}


def test_delete(server: MemoryServer) -> None:
    assert clear(server, loaded(server), ftps("delete"))
    assert contents(server) == {}
    assert "create_directory" not in server.commands


def test_a_name_that_is_taken_gets_the_time_and_then_a_number(server: MemoryServer) -> None:
    for _ in range(3):
        server.place(PATH, "first")
        assert clear(server, loaded(server), ftps("move"))
    stem = f"{FOLDER}/processed/TestShop_SRS_Customers_1"
    assert contents(server).keys() == {
        f"{stem}.zip",
        f"{stem}.20170105115326.zip",
        f"{stem}.20170105115326-2.zip",
    }


@pytest.mark.parametrize(("content", "second"), [("newer", 1), ("other", 0), ("longer", 0), ("", 5)])
def test_another_file_of_the_name_stays(server: MemoryServer, content: str, second: int) -> None:
    remote_file = loaded(server)
    server.place(PATH, content, second)
    same = (content, second) == ("other", 0)  # of one size and second: no server can tell them apart
    assert clear(server, remote_file, ftps("delete")) is same
    assert contents(server) == ({} if same else {PATH: content})


def test_a_file_that_is_gone_is_no_error(server: MemoryServer) -> None:
    remote_file = loaded(server)
    server.files.clear()
    assert not clear(server, remote_file, ftps("move"))
    assert server.commands == ["stat", "stat"]


def test_what_was_left_aside_goes_without_another_name(server: MemoryServer) -> None:
    path = claimed_path(PATH)
    server.rename(PATH, path)
    server.commands.clear()
    assert clear(server, loaded(server, path), ftps("delete"))
    assert contents(server) == {}
    assert server.commands == ["stat", "delete_file"]


@pytest.mark.parametrize("refused", ["create_directory", "rename"])
def test_where_the_server_refuses_the_file_keeps_its_name(server: MemoryServer, refused: str) -> None:
    server.refuses = {refused}
    with pytest.raises(FailError, match=refused):
        clear(server, loaded(server), ftps("move"))
    assert contents(server) == {PATH: "first"}


@pytest.mark.parametrize("missing", ["SIZE", "MDTM"])
def test_what_cannot_be_told_from_a_newer_file_stays(server: MemoryServer, missing: str) -> None:
    server.knows = {"SIZE", "MDTM"} - {missing}
    with pytest.raises(FailError, match=f"does not answer {missing}.*set ftps.after_load to 'leave'"):
        clear(server, loaded(server), ftps("delete"))
    assert contents(server) == {PATH: "first"}


class KilledError(BaseException):
    """The task ends here."""


class World:
    """An ERP party that places files under one name, and runs that load and clear them, step by step."""

    def __init__(self, merchant: Merchant, after_load: str, script: list[str]) -> None:
        self.merchant = merchant.model_copy(update={"ftps": ftps(after_load)})
        self.server = MemoryServer(folders={"/testshop", FOLDER})
        self.server.meanwhile = self._next
        self.script = script
        self.loaded: dict[tuple[int, datetime], str] = {}
        """The ledger: size and time -> content."""
        self.placed: set[str] = set()
        self.overwritten: set[str] = set()
        """What the ERP party itself wrote over before anybody had looked."""

    def _next(self) -> None:
        """Let happen what is due before a command."""
        event = self.script.pop(0) if self.script else ""
        if event == "place":
            self.place()
        elif event == "kill":
            raise KilledError
        elif event == "another run":
            meanwhile, self.server.meanwhile = self.server.meanwhile, lambda: None
            self.run()
            self.server.meanwhile = meanwhile

    def place(self) -> None:
        content = "x" * len(self.placed) + "."
        if PATH in self.server.files:
            self.overwritten.add(self.server.files[PATH].content)
        self.server.place(PATH, content, len(self.placed))
        self.placed.add(content)

    def run(self) -> None:
        """Load what is new as it lies there, then clear what is loaded."""
        found = listing.list_files(self.server, self.merchant, interfaces_of(self.merchant)).remote_files
        for remote_file in found:
            file = self.server.files.get(remote_file.path)
            if file and (len(file.content), file.modified) == (remote_file.size, remote_file.modified):
                self.loaded[remote_file.size, remote_file.modified] = file.content
        for remote_file in found:
            if (remote_file.size, remote_file.modified) in self.loaded:
                self.clear(remote_file)

    def clear(self, remote_file: RemoteFile) -> None:
        with suppress(FeedError):  # the next run takes it up
            clear(self.server, remote_file, self.merchant.ftps)


EVENTS = st.lists(st.sampled_from(["", "", "place", "kill", "another run"]), max_size=40)


@given(after_load=st.sampled_from(["move", "delete"]), script=EVENTS)
@settings(max_examples=400, deadline=None)
def test_whatever_happens_in_between_each_content_is_loaded_and_the_inbox_ends_empty(
    after_load: str, script: list[str]
) -> None:
    merchant = merchant_of(interfaces={"srs_customers": {}})
    world = World(merchant, after_load, script)
    world.place()
    while world.script:
        try:
            world.run()
        except KilledError:
            continue
    world.run()
    world.run()
    assert set(world.loaded.values()) >= world.placed - world.overwritten
    assert world.server.written_over == []
    here = {path: found.content for path, found in world.server.files.items()}
    assert all(path.startswith(f"{FOLDER}/processed/") for path in here)
    if after_load == "move":
        assert set(here.values()) >= world.placed - world.overwritten
    else:
        assert here == {}
