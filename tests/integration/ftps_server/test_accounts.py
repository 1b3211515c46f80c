"""The FTPS server with accounts of the store, as stock clients of ERP parties meet it."""

from __future__ import annotations

import ftplib
import io
import json
import logging
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from erp_feeds.demo.certificates import Certificates
from erp_feeds.errors import ConfigurationError, FailError
from erp_feeds.ftps import FtpsHook
from erp_feeds.ftps_server import FtpsServer, Limits, gate, server
from erp_feeds.ftps_server.store_accounts import StoreAccounts
from erp_feeds.store import audit, ftps_accounts
from erp_feeds.store.ftps_accounts import READER
from support.merchants import merchant_of

READERS_PASSWORD = "of the reader"
SHOP = merchant_of()
OTHER = merchant_of(name="other", ftps={"connection": "other_ftps", "root": "/other"})
ZIP = os.urandom(200_000)


class Place:
    """A server on the accounts of the store."""

    def __init__(self, home: Path, made: Certificates, server: FtpsServer, store: psycopg.Connection) -> None:
        self.home = home
        self.made = made
        self.server = server
        self.store = store

    def log_in(self, login: str, password: str) -> ftplib.FTP_TLS:
        """Log in as a stock client does."""
        client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=str(self.made.ca)), timeout=120)
        client.connect("localhost", self.server.port)
        client.login(login, password)
        client.prot_p()
        return client

    def reader(self) -> str:
        """The Airflow connection by which erp-feeds reads."""
        extra = {"ca_file": str(self.made.ca), "timeout": 10}
        values = {"conn_type": "ftps", "host": "localhost", "port": self.server.port, "login": READER}
        return json.dumps({**values, "password": READERS_PASSWORD, "extra": extra})


@pytest.fixture
def start(
    tmp_path: Path, ftps_certificates: Certificates, store: psycopg.Connection, store_uri: str
) -> Iterator[Callable[..., Place]]:
    """Return what starts a server; each test at most one."""
    accounts = StoreAccounts(store_uri, READERS_PASSWORD)
    running: list[FtpsServer] = []

    def started(**options: Any) -> Place:
        made = FtpsServer(tmp_path / "ftps", ftps_certificates.server, accounts, **options)
        made.handler.auth_failed_timeout = 0.01
        running.append(made.__enter__())
        return Place(tmp_path / "ftps", ftps_certificates, made, store)

    yield started
    for each in running:
        each.__exit__(None, None, None)
    accounts.close()


def refused(place: Place, login: str, password: str) -> str:
    with pytest.raises(ftplib.Error) as caught:
        place.log_in(login, password)
    return str(caught.value)


def test_each_login_is_locked_into_its_folder_and_the_reader_sees_all(
    start: Callable[..., Place], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = start()
    with caplog.at_level(logging.INFO, "erp_feeds.ftps_server"):
        passwords = {each.name: ftps_accounts.create(place.store, each, "me") for each in (SHOP, OTHER)}
        with place.log_in("testshop", passwords["testshop"]) as client:
            client.mkd("srs")
            client.storbinary("STOR srs/a.part", io.BytesIO(ZIP))
            client.rename("srs/a.part", "srs/a.zip")
        with place.log_in("other", passwords["other"]) as client:
            client.mkd("srs")
            assert client.nlst("/") == ["srs"]
            for path in ("/testshop/srs/a.zip", "../testshop/srs/a.zip", "/../../testshop/srs/a.zip"):
                with pytest.raises(ftplib.error_perm):
                    client.size(path)
        assert "530" in refused(place, "other", passwords["testshop"])
        assert "530" in refused(place, "nobody", "guess-of-a-password")
        assert "530" in refused(place, passwords["testshop"], "x")  # typed into the wrong field
        assert "530" in refused(place, READER, "guess-of-a-password")
    assert (place.home / "testshop" / "srs" / "a.zip").read_bytes() == ZIP
    assert (place.home / "testshop").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("AIRFLOW_CONN_READER", place.reader())
    with FtpsHook("reader") as hook:
        assert b"".join(hook.fetch("\\testshop\\srs\\a.zip")) == ZIP
    assert "testshop from 127.0.0.1: stored /srs/a.part, 200,000 bytes" in caplog.text
    assert "unknown login from 127.0.0.1: login refused" in caplog.text
    for secret in (*passwords.values(), READERS_PASSWORD, "guess-of-a-password"):
        assert secret not in caplog.text
        assert secret not in str(place.store.execute("SELECT * FROM ftps_accounts").fetchall())
    assert [each.action for each in audit.listed(place.store, "testshop")] == ["FTPS account created"]
    [known] = ftps_accounts.listed(place.store, "testshop")
    assert known.last_login_at is not None


def test_rotating_while_a_file_arrives_loses_nothing(
    start: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REVIEW_SECONDS", 0.05)
    monkeypatch.setattr(gate, "OUTDATED_SECONDS", 0.0)
    place = start()
    old = ftps_accounts.create(place.store, SHOP, "me")
    client = place.log_in("testshop", old)
    with client.transfercmd("STOR a.part") as data:  # in text mode: nothing is converted
        data.sendall(ZIP[:100_000])
        new = ftps_accounts.rotate(place.store, SHOP, "me")
        assert "530" in refused(place, "testshop", old)
        place.log_in("testshop", new).close()
        session = next(each for each in place.server._gate.sessions if each.login.version == 1)
        while session.outdated_since is None:  # until the server has seen it
            time.sleep(0.01)
        data.sendall(ZIP[100_000:])
        data.unwrap()  # type: ignore[attr-defined]  # it is TLS
    assert client.voidresp().startswith("226")
    assert (place.home / "testshop" / "a.part").read_bytes() == ZIP
    with pytest.raises((ftplib.Error, EOFError, OSError)):
        client.storbinary("STOR b.part", io.BytesIO(b"more"))
    assert not (place.home / "testshop" / "b.part").exists()
    newest = ftps_accounts.rotate(place.store, SHOP, "me", keep_hours=1)
    for password in (new, newest):
        place.log_in("testshop", password).close()
    with pytest.raises(FailError, match="changed meanwhile"):
        ftps_accounts.rotate(place.store, SHOP, "me", version=2)
    ftps_accounts.disable(place.store, SHOP, "me")
    for password in (new, newest):
        assert "530" in refused(place, "testshop", password)
    monkeypatch.setenv("AIRFLOW_CONN_READER", place.reader())
    with FtpsHook("reader") as hook:
        assert [each.name for each in hook.listing("/testshop").entries] == ["a.part"]
    with pytest.raises(FailError, match="no open FTPS account"):
        ftps_accounts.rotate(place.store, SHOP, "me")
    place.log_in("testshop", ftps_accounts.create(place.store, SHOP, "me")).close()
    with pytest.raises(FailError, match="rotate its password"):
        ftps_accounts.create(place.store, SHOP, "me")


def test_space_tries_and_sessions_are_limited(start: Callable[..., Place]) -> None:
    place = start(limits=Limits(failed_logins=2, sessions_per_login=2, quota=250_000))
    password = ftps_accounts.create(place.store, SHOP, "me")
    folder = place.home / "testshop"
    client = place.log_in("testshop", password)
    client.storbinary("STOR a.zip", io.BytesIO(ZIP))
    with client.transfercmd("STOR b.zip") as data, suppress(OSError):  # it is closed before all is sent
        data.sendall(ZIP)
    with pytest.raises(ftplib.error_perm, match="552"):
        client.voidresp()
    assert [path.name for path in folder.iterdir()] == ["a.zip"]
    client.storbinary("STOR b.zip", io.BytesIO(ZIP[:50_000]))
    for command in ("STOR c.zip", "APPE a.zip"):
        with pytest.raises(ftplib.error_perm, match="552"):
            client.storbinary(command, io.BytesIO(b"more"))
    assert sum(path.stat().st_size for path in folder.iterdir()) == 250_000
    second = place.log_in("testshop", password)
    assert "421" in refused(place, "testshop", password)
    second.quit()
    client.quit()
    place.log_in("testshop", password).quit()
    for _ in range(2):
        assert "530" in refused(place, "testshop", "wrong")
    assert "421" in refused(place, "testshop", password)


def test_plain_text_and_old_tls_are_refused(start: Callable[..., Place]) -> None:
    place = start(implicit_port=0)
    password = ftps_accounts.create(place.store, SHOP, "me")
    with ftplib.FTP() as plain:
        plain.connect("localhost", place.server.port, timeout=120)
        with pytest.raises(ftplib.error_perm, match="required on the control channel"):
            plain.login("testshop", password)
    client = place.log_in("testshop", password)
    client.prot_c()
    with pytest.raises(ftplib.error_perm, match="required on the data channel"):
        client.nlst()
    old = ssl.create_default_context(cafile=str(place.made.ca))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    client = ftplib.FTP_TLS(context=old, timeout=120)
    client.connect("localhost", place.server.port)
    with pytest.raises(OSError, match=r"(?i)tls|ssl|reset"):
        client.auth()
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--cacert",
        str(place.made.ca),
        "--user",
        f"testshop:{password}",
    ]
    address = f"ftps://localhost:{place.server.implicit_port}/srs/"
    upload = [*command, "--ftp-create-dirs", "--upload-file", __file__, address]
    assert subprocess.run(upload, check=False).returncode == 0
    listed = subprocess.run([*command, "--list-only", address], check=True, stdout=subprocess.PIPE, text=True)
    assert listed.stdout.split() == [Path(__file__).name]


def test_a_folder_is_nobody_elses(store: psycopg.Connection) -> None:
    ftps_accounts.create(store, SHOP, "me")
    for root in ("/testshop", "\\testshop\\deeper"):
        inside = merchant_of(name="other", ftps={"connection": "other_ftps", "root": root})
        with pytest.raises(FailError, match="testshop has /testshop"):
            ftps_accounts.create(store, inside, "me")
    everything = merchant_of(name="other", ftps={"connection": "other_ftps", "root": "/"})
    with pytest.raises(ConfigurationError, match="folder of its own"):
        ftps_accounts.create(store, everything, "me")


def test_the_commands(
    tmp_path: Path, ftps_certificates: Certificates, store: psycopg.Connection, store_uri: str
) -> None:
    """The server as a process, and an account by the command line."""
    environment = {**os.environ, "ERP_FEEDS_FTPS_STORE": store_uri, "AIRFLOW_CONN_ERP_FEEDS_STORE": store_uri}
    erp_feeds = [sys.executable, "-m", "erp_feeds"]
    place = ["--home", str(tmp_path / "ftps"), "--certificate", str(ftps_certificates.server)]
    process = subprocess.Popen(
        [*erp_feeds, "ftps-server", *place, "--host", "127.0.0.1", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])

        def account(*arguments: str) -> str:
            command = [*erp_feeds, "ftps-account", "testshop", *arguments]
            return subprocess.run(
                command, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        (password,) = re.findall(r"^password: (\S{24})$", account("create"), re.MULTILINE)
        client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=str(ftps_certificates.ca)))
        client.connect("localhost", port, timeout=120)
        client.login("testshop", password)
        client.quit()
        assert password not in account("list", "--json")
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "testshop from 127.0.0.1: logged in" in said
    assert password not in said
