"""The FTPS client against a real server: TLS, faults, resume, and what is never done."""

from __future__ import annotations

import ftplib
import os
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from pyftpdlib.handlers import FTPHandler, TLS_DTPHandler

from erp_feeds.demo.certificates import Certificates, certificates
from erp_feeds.demo.ftps_server import local_server
from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError
from erp_feeds.ftps import FileGoneError, FtpsHook, Listing, normalised
from support import odd_servers
from support.ftps_fixtures import PASSWORD, USER, RunningFtps, names

Connect = Callable[..., str]
CONTENT = os.urandom(3_000_000)


def hook(connection: str) -> FtpsHook:
    return FtpsHook(connection, back_off=0.01)


def test_lists_and_fetches(ftps: RunningFtps, ftps_connection: Connect) -> None:
    file = ftps.root / "srs" / "a b.zip"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    os.utime(file, (1_483_617_206, 1_483_617_206))
    with hook(ftps_connection()) as client:
        (entry,) = client.listing("\\srs\\").entries
        assert (entry.name, entry.size, entry.is_folder) == ("a b.zip", len(CONTENT), False)
        assert entry.modified == datetime(2017, 1, 5, 11, 53, 26, tzinfo=UTC)
        assert b"".join(client.fetch("\\srs\\a b.zip")) == CONTENT
        assert [entry.is_folder for entry in client.listing("/").entries] == [True]
        assert client.listing("/nothing/here") == Listing()


def test_plain_ftp_is_refused_by_the_server(ftps: RunningFtps) -> None:
    with ftplib.FTP() as client:
        client.connect("localhost", ftps.server.port, timeout=5)
        with pytest.raises(ftplib.error_perm, match="required on the control channel"):
            client.login(USER, PASSWORD)
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    with ftplib.FTP_TLS(context=unverified) as client:
        client.connect("localhost", ftps.server.port, timeout=5)
        client.login(USER, PASSWORD)
        with pytest.raises(ftplib.error_perm, match="required on the data channel"):
            client.nlst()


def test_server_without_tls_is_refused_by_the_client(ftps: RunningFtps, ftps_connection: Connect) -> None:
    ftps.server.handler.proto_cmds = FTPHandler.proto_cmds
    refused(ftps_connection(), "offers no TLS")


def test_unknown_authority_is_refused(
    ftps: RunningFtps, ftps_connection: Connect, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = certificates(tmp_path / "other")
    refused(ftps_connection(extra={"ca_file": str(other.ca)}), "ca_file")
    refused(ftps_connection(extra={"ca_file": None}), "ca_file")
    with hook(ftps_connection(extra={"ca_file": str(other.ca), "verify": False})) as client:
        assert names(client) == []
    assert "NOT verified" in capsys.readouterr().out


def test_certificate_of_another_host_is_refused(
    tmp_path: Path, ftps: RunningFtps, ftps_connection: Connect
) -> None:
    authority = trustme.CA()
    made = Certificates(ca=tmp_path / "ca.pem", server=tmp_path / "server.pem")
    authority.cert_pem.write_to_path(str(made.ca))
    authority.issue_cert("ftps.example.com").private_key_and_cert_chain_pem.write_to_path(str(made.server))
    with local_server(tmp_path / "other", made, {USER: PASSWORD}) as server:
        refused(ftps_connection(port=server.port, extra={"ca_file": str(made.ca)}), "host")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "wrong-" + PASSWORD}, "login refused"),
        ({"extra": {"ca_file": "/nowhere/ca.pem"}}, "'ca_file'"),
        ({"extra": {"timeout": "soon"}}, "timeout"),
        ({"extra": {"encoding": "klingon"}}, "encoding"),
        ({"host": ""}, "names no host"),
    ],
)
def test_wrong_connections_say_what_to_change(
    ftps_connection: Connect, changes: dict[str, Any], message: str
) -> None:
    refused(ftps_connection(**changes), message)


def refused(connection: str, message: str) -> None:
    with pytest.raises(FailError, match=message) as caught, hook(connection) as client:
        names(client)
    assert PASSWORD not in repr(caught.value)


def test_connection_that_does_not_exist() -> None:
    with pytest.raises(ConfigurationError, match="create it"), hook("nowhere") as client:
        names(client)


def test_server_that_is_down_is_worth_another_try(ftps: RunningFtps, ftps_connection: Connect) -> None:
    connection = ftps_connection(extra={"timeout": "2"})
    ftps.server.stop()
    time.sleep(0.5)
    with pytest.raises(RetryError), hook(connection) as client:
        names(client)


class Fault:
    """Breaks the server's data connections after some bytes."""

    def __init__(self, kind: str, after: int = 700_000, times: int = 1) -> None:
        self.kind = kind
        self.after = after
        self.times = times
        self.happened = 0

    def dtp(fault) -> type[Any]:  # noqa: N805 - `self` is the connection below
        """Return a data connection that breaks so."""

        class BrokenDtp(TLS_DTPHandler):  # type: ignore[misc]  # pyftpdlib has no type hints
            sent = 0

            def send(self, data: bytes) -> int:
                if fault.happened < fault.times and self.sent > fault.after:
                    if fault.kind == "stall":
                        return 0
                    fault.happened += 1
                    if fault.kind == "cut":
                        self.socket.sock_shutdown(2)
                        return 0
                    self.close()
                    return 0
                count = int(super().send(data))
                self.sent += count
                return count

        return BrokenDtp


def with_file(ftps: RunningFtps, content: bytes = CONTENT) -> Path:
    file = ftps.root / "x.zip"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("kind", ["cut", "close"])
def test_cut_transfer_is_taken_up_again(ftps: RunningFtps, ftps_connection: Connect, kind: str) -> None:
    with_file(ftps)
    fault = Fault(kind, times=2)
    ftps.server.handler.dtp_handler = fault.dtp()
    with hook(ftps_connection(extra={"timeout": 0.5})) as client:
        assert b"".join(client.fetch("/x.zip")) == CONTENT
    assert fault.happened == 2


def test_transfer_that_never_succeeds_ends_in_a_retry(ftps: RunningFtps, ftps_connection: Connect) -> None:
    with_file(ftps)
    fault = Fault("cut", after=-1, times=100)
    ftps.server.handler.dtp_handler = fault.dtp()
    with pytest.raises(RetryError), FtpsHook(ftps_connection(), tries=3, back_off=0.01) as client:
        b"".join(client.fetch("/x.zip"))
    assert fault.happened == 3


def test_patience_begins_anew_with_every_byte(ftps: RunningFtps, ftps_connection: Connect) -> None:
    with_file(ftps)
    fault = Fault("cut", times=100)
    ftps.server.handler.dtp_handler = fault.dtp()
    with FtpsHook(ftps_connection(), tries=2, back_off=0.01) as client:
        assert b"".join(client.fetch("/x.zip")) == CONTENT
    assert fault.happened >= 3


def test_stalled_transfer_ends_in_time(ftps: RunningFtps, ftps_connection: Connect) -> None:
    with_file(ftps)
    ftps.server.handler.dtp_handler = Fault("stall", after=-1).dtp()
    with pytest.raises(RetryError), FtpsHook(ftps_connection(extra={"timeout": 0.5}), tries=1) as client:
        b"".join(client.fetch("/x.zip"))


def test_file_that_grows_under_our_hands_is_not_taken(ftps: RunningFtps, ftps_connection: Connect) -> None:
    file = with_file(ftps)
    with hook(ftps_connection()) as client:
        blocks = client.fetch("/x.zip")
        next(blocks)
        with file.open("ab") as more:
            more.write(b"more")
        with pytest.raises(RetryError, match="changed"):
            b"".join(blocks)
        assert b"".join(client.fetch("/x.zip")) == CONTENT + b"more"


def test_abandoned_fetch_leaves_the_client_usable(ftps: RunningFtps, ftps_connection: Connect) -> None:
    with_file(ftps)
    with hook(ftps_connection()) as client:
        blocks = client.fetch("/x.zip")
        next(blocks)
        blocks.close()  # type: ignore[attr-defined]  # an iterator that is a generator
        assert names(client) == ["x.zip"]


def test_empty_file_and_vanished_file(ftps: RunningFtps, ftps_connection: Connect) -> None:
    with_file(ftps, b"")
    with hook(ftps_connection()) as client:
        assert b"".join(client.fetch("/x.zip")) == b""
        with pytest.raises(FileGoneError, match="no longer there"):
            list(client.fetch("/gone.zip"))
        assert len(names(client)) == 1


def test_server_without_mlsd(ftps: RunningFtps, ftps_connection: Connect) -> None:
    odd_servers.without(ftps.server, "MLSD")
    file = with_file(ftps)
    os.utime(file, (1_483_617_206, 1_483_617_206))
    (ftps.root / "srs").mkdir()
    with hook(ftps_connection()) as client:
        listing = client.listing("/")
        assert client.stat("/x.zip") == (len(CONTENT), "20170105115326")
    assert listing.form == "LIST (Unix)"
    found = {entry.name: entry for entry in listing.entries}
    assert found["srs"].is_folder
    assert (found["x.zip"].size, found["x.zip"].is_certain()) == (len(CONTENT), False)


def test_methods_that_need_ftplib_are_not_offered(ftps_connection: Connect) -> None:
    with hook(ftps_connection()) as client, pytest.raises(NotImplementedError, match="see fetch, listing"):
        client.describe_directory("/")


def test_one_latin_name_does_not_hide_the_others(ftps: RunningFtps, ftps_connection: Connect) -> None:
    ftps.server.handler.unicode_errors = "surrogateescape"
    (ftps.root / "é.zip").write_bytes(b"utf-8")
    Path(os.fsdecode(os.fsencode(ftps.root) + b"/\xe9.zip")).write_bytes(b"latin")
    with hook(ftps_connection()) as client:
        assert names(client) == ["é.zip", "é.zip"]
        assert b"".join(client.fetch("/é.zip")) == b"utf-8"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("\\testshop\\", "/testshop"),
        ("/", "/"),
        ("", "/"),
        ("//a//b/", "/a/b"),
        ("srs/.x", "/srs/.x"),
        ("/../a.", "/a."),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert normalised(path) == expected


def test_errors_share_one_tree() -> None:
    assert issubclass(FileGoneError, FeedError)
