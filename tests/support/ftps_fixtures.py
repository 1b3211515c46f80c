"""A real FTPS server on the loopback address, and Airflow connections that lead to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from erp_feeds.demo.certificates import Certificates, certificates
from erp_feeds.demo.ftps_server import local_server
from erp_feeds.ftps import FtpsHook
from erp_feeds.ftps_server import FtpsServer

USER = "testshop"
PASSWORD = "only-for-tests"


@dataclass(frozen=True)
class RunningFtps:
    """Where the server listens and what its user sees."""

    server: FtpsServer
    root: Path
    """The user's home folder: the FTP root."""
    certificates: Certificates

    def connection(self, **changes: Any) -> str:
        """Return an Airflow connection as JSON; `extra` is laid over the certificate authority."""
        extra = {"ca_file": str(self.certificates.ca), "timeout": 5, **changes.pop("extra", {})}
        values = {
            "conn_type": "ftp",
            "host": "localhost",
            "port": self.server.port,
            "login": USER,
            "password": PASSWORD,
        }
        return json.dumps({**values, **changes, "extra": extra})


@pytest.fixture(scope="session")
def ftps_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for localhost, made once a session."""
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def ftps(tmp_path: Path, ftps_certificates: Certificates) -> Iterator[RunningFtps]:
    """A server with one user, whose folder starts empty."""
    home = tmp_path / "ftps"
    with local_server(home, ftps_certificates, {USER: PASSWORD}) as server:
        yield RunningFtps(server, home / USER, ftps_certificates)


@pytest.fixture
def ftps_connection(ftps: RunningFtps, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Set an Airflow connection to the server: (id, **changes) -> id."""

    def connect(connection_id: str = "testshop_ftps", **changes: Any) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection_id.upper()}", ftps.connection(**changes))
        return connection_id

    return connect


def names(hook: FtpsHook, folder: str = "/") -> list[str]:
    """Return the names in a folder of the server."""
    return [entry.name for entry in hook.listing(folder).entries]
