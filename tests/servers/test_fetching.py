"""Fetching: the same bytes as on the server, whatever happens to the connection on the way."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from erp_feeds.errors import FailError
from erp_feeds.ftps import FileGoneError, FtpsHook
from servers.endpoint import Endpoint
from servers.ground import RELAY_ADDRESS, is_root
from servers.relay import Relay
from servers.share import Share

Connect = Callable[..., str]
CONTENT = os.urandom(4_000_001)
VERSIONS = {"1.2": "TLSv1.2", "1.3": "TLSv1.3"}


@pytest.mark.column("download")
def test_download_brings_the_same_bytes(connect: Connect, endpoint: Endpoint, share: Share) -> None:
    large = share.place("two  blanks ünïcødé.zip", CONTENT)
    empty = share.place("empty.zip", b"")
    with FtpsHook(connect()) as client:
        assert b"".join(client.fetch(large)) == CONTENT
        assert b"".join(client.fetch(empty)) == b""
        assert b"".join(client.fetch(large.replace("/", "\\"))) == CONTENT


@pytest.mark.column("download")
def test_download_tells_a_file_that_is_gone_from_one_that_is_closed(
    connect: Connect, endpoint: Endpoint, share: Share
) -> None:
    closed = share.place("closed.zip")
    (share.folder / "closed.zip").chmod(0)
    hook = FtpsHook(connect(), back_off=0.01)
    with hook as client, pytest.raises(FileGoneError):
        b"".join(client.fetch(f"{share.path}/gone.zip"))
    if endpoint.server.is_packaged or not is_root():  # as root pyftpdlib, in our own process, may read all
        with hook as client, pytest.raises(FailError, match="550") as caught:
            b"".join(client.fetch(closed))
        assert not isinstance(caught.value, FileGoneError)


@pytest.mark.column("resume")
def test_resume_brings_the_same_bytes_after_cuts(connect: Connect, relay: Relay, share: Share) -> None:
    path = share.place("large.zip", CONTENT)
    with (
        FtpsHook(connect(host=RELAY_ADDRESS), back_off=0.01) as client,
        relay.fault("close", "reset", after=1_200_000) as fault,
    ):
        assert b"".join(client.fetch(path)) == CONTENT
    assert fault.happened == ["close", "reset"]
    assert relay.connections == 3
    # Each went on where the one before was cut; what a reset overtook had to be sent again.
    assert relay.bytes < 1.4 * len(CONTENT)


@pytest.mark.column("stall")
def test_stall_ends_by_itself_and_the_rest_comes(connect: Connect, relay: Relay, share: Share) -> None:
    path = share.place("large.zip", CONTENT)
    with (
        FtpsHook(connect(host=RELAY_ADDRESS, extra={"timeout": 0.5}), back_off=0.01) as client,
        relay.fault("stall", after=1_200_000) as fault,
    ):
        assert b"".join(client.fetch(path)) == CONTENT
    assert fault.happened == ["stall"]
    assert relay.connections == 2
