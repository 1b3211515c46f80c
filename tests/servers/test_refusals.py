"""What a server or the client refuses is said as something that a person can correct."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from erp_feeds.demo.certificates import certificates
from erp_feeds.errors import FailError, FeedError
from erp_feeds.ftps import FtpsHook
from servers.endpoint import EXPLICIT, IMPLICIT, PASSWORD, Endpoint

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
