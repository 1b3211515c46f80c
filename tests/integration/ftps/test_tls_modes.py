"""Modes of TLS, of data connections and of refusal: what each takes, and what its message says to change."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL

from erp_feeds.demo.certificates import Certificates
from erp_feeds.demo.ftps_server import local_server
from erp_feeds.errors import ConfigurationError, FailError, FeedError, RetryError
from erp_feeds.ftps import FtpsHook
from erp_feeds.ftps_server import FtpsServer
from support.ftps_fixtures import PASSWORD, USER, RunningFtps, names

Connect = Callable[..., str]
CONTENT = b"every byte of it" * 50_000
KEY_PASSWORD = "only-for-the-key"


def fetched(connection: str) -> tuple[bytes, list[str], str]:
    """A file, the names beside it, and the version of TLS."""
    notes: list[str] = []
    with FtpsHook(connection, tries=1) as hook:
        hook.get_conn(notes.append)
        listed, content = names(hook), b"".join(hook.fetch("/x.zip"))
    versions = [found[1] for note in notes if (found := re.match(r"SSL connection using (\S+)", note))]
    return content, listed, versions[0]


def refusal(connection: str, kind: type[FeedError]) -> str:
    """What a refused connection says; it is of just this kind, and keeps the secrets."""
    with pytest.raises(FeedError) as caught, FtpsHook(connection, tries=1) as hook:
        names(hook)
    assert type(caught.value) is kind
    for secret in (PASSWORD, KEY_PASSWORD):
        assert secret not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"
    return str(caught.value)


@pytest.fixture
def file(ftps: RunningFtps) -> Path:
    """A file on the server."""
    path = ftps.root / "x.zip"
    path.write_bytes(CONTENT)
    return path


def make_implicit(server: FtpsServer) -> None:
    """Let TLS come before the greeting, as on port 990."""
    greet = server.handler.handle
    server.handler.handle = lambda self: self.secure_connection(self.ssl_context)
    server.handler.handle_ssl_established = greet


def context_of(certificates: Certificates) -> Any:
    """The server's TLS, to be made stricter."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(certificates.server))
    context.use_privatekey_file(str(certificates.server))
    context.set_session_id(b"strict")
    return context


@pytest.fixture
def client_files(ftps: RunningFtps, tmp_path: Path) -> dict[str, Path]:
    """Certificate and keys of a client; the server takes nobody else from now on."""
    authority = trustme.CA()
    issued = authority.issue_cert("client@example.com")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key", "locked", "both", "foreign")}
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    authority.cert_pem.write_to_path(str(files["ca"]))
    issued.cert_chain_pems[0].write_to_path(str(files["cert"]))
    issued.private_key_pem.write_to_path(str(files["key"]))
    issued.private_key_and_cert_chain_pem.write_to_path(str(files["both"]))
    trustme.CA().issue_cert("x@example.com").private_key_and_cert_chain_pem.write_to_path(
        str(files["foreign"])
    )
    files["locked"].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(KEY_PASSWORD.encode()))
    )
    context = context_of(ftps.certificates)
    context.load_verify_locations(str(files["ca"]))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    ftps.server.handler.ssl_context = context
    return files


def test_active_mode(file: Path, ftps_connection: Connect) -> None:
    assert fetched(ftps_connection(extra={"passive": "false"}))[:2] == (CONTENT, ["x.zip"])


def test_active_mode_that_the_server_cannot_use_ends_in_time(
    ftps: RunningFtps, file: Path, ftps_connection: Connect
) -> None:
    ftps.server.handler.active_dtp = lambda *_: None  # like a firewall that lets nothing back in
    with (
        pytest.raises(RetryError),
        FtpsHook(ftps_connection(extra={"passive": False, "timeout": 0.3}), tries=1) as hook,
    ):
        list(hook.fetch("/x.zip"))


def test_implicit_tls(ftps: RunningFtps, file: Path, ftps_connection: Connect) -> None:
    make_implicit(ftps.server)
    for passive in (True, False):
        connection = ftps_connection(extra={"tls": "implicit", "passive": passive})
        assert fetched(connection)[:2] == (CONTENT, ["x.zip"])


def test_the_wrong_tls_mode_names_the_extra(ftps: RunningFtps, ftps_connection: Connect) -> None:
    said = refusal(ftps_connection(extra={"tls": "implicit"}), FailError)
    assert "set the extra tls to 'explicit'" in said
    make_implicit(ftps.server)
    said = refusal(ftps_connection(extra={"timeout": 0.5}), RetryError)
    assert "set the extra tls to 'implicit'" in said


def test_tls_no_higher_than_asked(ftps: RunningFtps, file: Path, ftps_connection: Connect) -> None:
    assert fetched(ftps_connection())[2] == "TLSv1.3"
    assert fetched(ftps_connection(extra={"max_tls": "1.2"})) == (CONTENT, ["x.zip"], "TLSv1.2")
    assert fetched(ftps_connection(extra={"max_tls": 1.2}))[2] == "TLSv1.2"


def test_no_common_version_of_tls_names_the_extra(ftps: RunningFtps, ftps_connection: Connect) -> None:
    context = context_of(ftps.certificates)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    ftps.server.handler.ssl_context = context
    assert "'max_tls'" in refusal(ftps_connection(extra={"max_tls": "1.2"}), FailError)


@pytest.mark.parametrize("max_tls", ["1.2", "1.3"])
def test_client_certificate(
    file: Path, client_files: dict[str, Path], ftps_connection: Connect, max_tls: str
) -> None:
    apart = {"cert_file": str(client_files["cert"]), "key_file": str(client_files["key"])}
    locked = {**apart, "key_file": str(client_files["locked"]), "key_password": KEY_PASSWORD}
    for extra in ({"cert_file": str(client_files["both"])}, apart, locked):
        assert fetched(ftps_connection(extra={**extra, "max_tls": max_tls}))[0] == CONTENT
    for extra in ({}, {"cert_file": str(client_files["foreign"])}):
        connection = ftps_connection(extra={**extra, "max_tls": max_tls})
        # A reset may overtake the alert that says why.
        with pytest.raises(FeedError, match="'cert_file'"), FtpsHook(connection) as hook:
            names(hook)


@pytest.mark.parametrize(
    "change",
    [
        {"key_password": "wrong-" + KEY_PASSWORD},
        {"key_password": ""},
        {"key_file": "ca"},
        {"cert_file": "key", "key_file": ""},
    ],
    ids=["wrong password", "no password", "no key", "no certificate"],
)
def test_client_files_that_cannot_be_used_name_the_extras(
    client_files: dict[str, Path], ftps_connection: Connect, change: dict[str, str]
) -> None:
    extra = {"cert_file": "cert", "key_file": "locked", "key_password": KEY_PASSWORD} | change
    paths = {
        name: str(client_files[value]) if value in client_files else value for name, value in extra.items()
    }
    said = refusal(ftps_connection(extra=paths), ConfigurationError)
    assert "correct 'cert_file', 'key_file', 'key_password'" in said


def test_a_ca_file_that_is_no_file_names_the_extra(ftps_connection: Connect, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (tmp_path, empty):
        assert "'ca_file'" in refusal(ftps_connection(extra={"ca_file": str(path)}), ConfigurationError)


@pytest.mark.parametrize(
    ("host", "identity", "options", "help_"),
    [
        ("localhost", "localhost", {"not_after": datetime(2017, 1, 5, tzinfo=UTC)}, "renewed"),
        ("localhost", "ftps.example.com", {}, "'host'"),
        ("127.0.0.1", "localhost", {}, "'host'"),
    ],
    ids=["expired", "of another host", "of another address"],
)
def test_a_certificate_that_is_refused_says_why(  # noqa: PLR0917 - what each case needs
    tmp_path: Path, ftps_connection: Connect, host: str, identity: str, options: Any, help_: str
) -> None:
    authority = trustme.CA()
    made = Certificates(ca=tmp_path / "ca.pem", server=tmp_path / "server.pem")
    authority.cert_pem.write_to_path(str(made.ca))
    issued = authority.issue_cert(identity, **options)
    issued.private_key_and_cert_chain_pem.write_to_path(str(made.server))
    with local_server(tmp_path / "other", made, {USER: PASSWORD}) as server:
        connection = ftps_connection(host=host, port=server.port, extra={"ca_file": str(made.ca)})
        said = refusal(connection, FailError)
    assert help_ in said


@pytest.mark.parametrize(
    ("said_by_server", "kind", "help_"),
    [
        ("Sorry, the maximum number of clients is connected.", RetryError, "server is full"),
        ("Too many users - please try again later.", RetryError, "server is full"),
        ("Login incorrect.", FailError, "correct login and password"),
    ],
)
def test_a_full_server_is_told_from_a_wrong_login(
    ftps: RunningFtps, ftps_connection: Connect, said_by_server: str, kind: type[FeedError], help_: str
) -> None:
    ftps.server.handler.ftp_PASS = lambda self, _: self.handle_auth_failed(said_by_server, "")
    ftps.server.handler.auth_failed_timeout = 0.01
    said = refusal(ftps_connection(), kind)
    assert said_by_server in said
    assert help_ in said


def test_a_server_that_closes_for_now_is_worth_another_try(
    ftps: RunningFtps, file: Path, ftps_connection: Connect
) -> None:
    ftps.server._listeners[0].max_cons = 1
    assert "421 Too many connections" in refusal(ftps_connection(), RetryError)
    ftps.server._listeners[0].max_cons = 512
    ftps.server.handler.ftp_SIZE = lambda self, _: self.respond("421 Shutting down.")
    with pytest.raises(RetryError, match="421 Shutting down"), FtpsHook(ftps_connection(), 1) as hook:
        list(hook.fetch("/x.zip"))


@pytest.mark.parametrize("reply", ["521 Not today.", "534 Not today.", "536 Not today."])
def test_data_in_the_clear_is_never_agreed_to(
    ftps: RunningFtps, ftps_connection: Connect, reply: str
) -> None:
    ftps.server.handler.ftp_PROT = lambda self, _: self.respond(reply)
    assert "never sent in the clear" in refusal(ftps_connection(), FailError)


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example.com"])
def test_what_cannot_be_a_host_name_says_so(ftps_connection: Connect, host: str) -> None:
    assert "'host'" in refusal(ftps_connection(host=host), ConfigurationError)


def test_a_port_where_something_else_listens(ftps_connection: Connect) -> None:
    assert "'port'" in refusal(ftps_connection(port=1), RetryError)
