"""What a server or the client refuses is said as something that a person can correct."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from erp_feeds.demo.certificates import certificates
from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.ftps import FolderRefusedError, FtpsHook
from servers.endpoint import EXPLICIT, IMPLICIT, PASSWORD, Endpoint
from servers.ground import RELAY_ADDRESS, SERVER_ADDRESS, has_relay_address, is_root
from servers.relay import Relay
from servers.share import Share

Connect = Callable[..., str]


@pytest.mark.column("login")
def test_login_that_is_refused_names_login_and_password(connect: Connect, endpoint: Endpoint) -> None:
    wrong = "wrong-" + PASSWORD
    with (
        FtpsHook(connect(login="nobody-here", password=wrong)) as client,
        pytest.raises(FailError, match="login refused") as caught,
    ):
        client.listing("/")
    assert PASSWORD not in str(caught.value)


@pytest.mark.column("certificate")
def test_certificate_of_another_authority_is_refused(
    connect: Connect, endpoint: Endpoint, tmp_path: Path
) -> None:
    other = certificates(tmp_path)
    with (
        FtpsHook(connect(extra={"ca_file": str(other.ca)})) as client,
        pytest.raises(FailError, match="ca_file"),
    ):
        client.listing("/")


@pytest.mark.column("mode")
def test_mode_that_is_not_the_servers_is_said(connect: Connect, endpoint: Endpoint) -> None:
    other = EXPLICIT if endpoint.mode == IMPLICIT else IMPLICIT
    with (
        FtpsHook(connect(extra={"tls": other, "timeout": 0.5, "connect_timeout": 0.5})) as client,
        pytest.raises(FeedError, match="tls"),
    ):
        client.listing("/")


@pytest.mark.column("rights")
@pytest.mark.parametrize("mode", [0o000, 0o311], ids=["shut", "to be entered only"])
def test_a_folder_that_this_user_may_not_list_is_not_missing(
    connect: Connect, endpoint: Endpoint, share: Share, mode: int
) -> None:
    if not endpoint.server.is_packaged and is_root():
        return  # pyftpdlib runs in our own process, and root may list everything
    folder = share.make("srs")
    share.place("srs/a.zip")
    folder.chmod(mode)
    try:
        with FtpsHook(connect()) as client, pytest.raises(FolderRefusedError, match="ask for the right"):
            client.listing(f"{share.path}/srs")
    finally:
        folder.chmod(0o777)


@pytest.mark.column("passive")
def test_passive_ports_that_are_closed_are_named(connect: Connect, endpoint: Endpoint, share: Share) -> None:
    if not has_relay_address():
        pytest.skip(f"needs the loopback address {RELAY_ADDRESS}, as Linux has it")
    share.place("a.zip")
    with (
        Relay(RELAY_ADDRESS, SERVER_ADDRESS, endpoint.ports.control, data=()),
        FtpsHook(connect(host=RELAY_ADDRESS), tries=1) as client,
        pytest.raises(RetryError, match="passive ports are closed"),
    ):
        client.listing(share.path)
