"""Clearing the inbox: a loaded file is moved or deleted, and no other file is lost by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from erp_feeds.batch import RemoteFile
from erp_feeds.errors import FeedError
from erp_feeds.ftps import FtpsHook
from erp_feeds.inbox import cleanup
from erp_feeds.merchant import Ftps
from servers.endpoint import Endpoint
from servers.ground import is_root
from servers.share import PLACED, Share

Connect = Callable[..., str]
NAMES = ("a b.zip", "ünï.zip")


def contents(share: Share) -> dict[str, bytes]:
    found = sorted(path for path in share.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(share.folder)): path.read_bytes() for path in found}


def loaded(share: Share, name: str, size: int) -> RemoteFile:
    """Return a file as the ledger remembers it after its load."""
    return RemoteFile(
        interface="srs_customers", name=name, size=size, modified=PLACED, path=f"{share.path}/{name}"
    )


@pytest.mark.column("move")
def test_move_makes_the_folder_and_never_writes_over_a_file(connect: Connect, share: Share) -> None:
    settings = Ftps(connection=connect(), after_load="move")
    with FtpsHook(settings.connection) as client:
        for content in (b"first", b"again"):
            for name in NAMES:
                share.place(name, content)
                assert cleanup.clear(client, loaded(share, name, 5), settings)
        share.place("a b.zip", b"changed since")
        assert not cleanup.clear(client, loaded(share, "a b.zip", 5), settings)
        assert not cleanup.clear(client, loaded(share, "gone.zip", 5), settings)
    assert contents(share) == {
        "a b.zip": b"changed since",
        "processed/a b.zip": b"first",
        "processed/a b.20170105115326.zip": b"again",
        "processed/ünï.zip": b"first",
        "processed/ünï.20170105115326.zip": b"again",
    }


@pytest.mark.column("move")
def test_delete_removes_the_loaded_file_alone(connect: Connect, share: Share) -> None:
    settings = Ftps(connection=connect(), after_load="delete")
    for name in (*NAMES, "other.zip"):
        share.place(name)
    with FtpsHook(settings.connection) as client:
        for name in NAMES:
            assert cleanup.clear(client, loaded(share, name, 7), settings)
    assert contents(share) == {"other.zip": b"content"}


@pytest.mark.column("move")
def test_move_without_the_right_to_is_refused_and_leaves_the_file(
    connect: Connect, endpoint: Endpoint, share: Share
) -> None:
    if not endpoint.server.is_packaged and is_root():
        return  # pyftpdlib runs in our own process, and root may move everything
    settings = Ftps(connection=connect(), after_load="move")
    share.place("a.zip")
    share.folder.chmod(0o555)
    with FtpsHook(settings.connection) as client, pytest.raises(FeedError, match=r"a\.zip|processed"):
        cleanup.clear(client, loaded(share, "a.zip", 7), settings)
    share.folder.chmod(0o777)
    assert contents(share) == {"a.zip": b"content"}
