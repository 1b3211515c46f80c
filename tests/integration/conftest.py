"""Integration tests use the real embedded PostgreSQL: one cluster a session, one fresh database a test."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from erp_feeds.demo import postgres
from erp_feeds.store import migrate
from support.file_states import only_allowed_transitions
from support.ftps_fixtures import ftps, ftps_certificates, ftps_connection  # noqa: F401 - fixtures
from support.shop_fixtures import shop  # noqa: F401 - a fixture


@pytest.fixture(scope="session")
def server_uri() -> Iterator[str]:
    """The URI of a running cluster.

    Not below pytest's own folder: another session closes that to everybody but its owner, and as root
    PostgreSQL runs as a user of its own.
    """
    with tempfile.TemporaryDirectory(prefix="erp-feeds-cluster-") as place:
        folder = Path(place) / "postgres"
        yield postgres.start(folder)
        postgres.stop(folder)


@pytest.fixture(scope="session")
def template(server_uri: str) -> str:
    """The name of a migrated database that tests copy, which takes milliseconds."""
    uri = postgres.database(server_uri, "template_store")
    migrate.migrate(uri)
    with psycopg.connect(uri) as connection:
        connection.execute(only_allowed_transitions())
    return "template_store"


@pytest.fixture
def store_uri(server_uri: str, template: str) -> Iterator[str]:
    """The URI of a fresh store, gone after the test."""
    name = f"store_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_uri, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.database(server_uri, name)
    with psycopg.connect(server_uri, autocommit=True) as admin:  # the server may have died meanwhile
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(store_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A connection to a fresh store, which the code under test reaches by its Airflow connection too."""
    from erp_feeds.store import connection

    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", store_uri)
    with connection.open_uri(store_uri) as opened:
        yield opened
