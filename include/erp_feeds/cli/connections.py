"""Where the command line finds store and servers: environment, embedded database, or Airflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from erp_feeds.codes import REPLAYABLE
from erp_feeds.errors import ConfigurationError, FeedError, nearest

if TYPE_CHECKING:
    from psycopg import Connection

    from erp_feeds.interfaces.spec import Interface
    from erp_feeds.merchant import Merchant

DATABASE = "erp_feeds"
"""Name of the store's database in the embedded cluster."""


@contextmanager
def opened_store() -> Iterator[Connection[Any]]:
    """Open the store for reading.

    Raises:
        ConfigurationError: there is no store, or it has no tables yet.
        RetryError: the store cannot be reached now.
    """
    from psycopg import errors

    from erp_feeds.store.connection import open_uri, plain_errors
    from erp_feeds.store.migrate import outdated

    unknown = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)
    with store_address() as address, open_uri(address) as connection, plain_errors("reading the store"):
        try:
            yield connection
        except unknown:
            changed = "a table of the store was changed by hand: restore it, or a backup of the store"
            raise ConfigurationError(outdated(address) or changed, "not_migrated") from None


@contextmanager
def store_address() -> Iterator[str]:
    """Give the address of the store; an embedded server that this starts is stopped afterwards.

    Raises:
        ConfigurationError: neither the environment, nor an embedded database, nor Airflow knows a store.
    """
    from erp_feeds.settings import settings

    chosen = settings()
    variable = _store_variable()
    folder = chosen.home / "postgres"
    if os.environ.get(variable):
        yield _from_environment(variable)
    elif folder.is_dir():
        with _embedded(folder) as address:
            yield address
    else:
        yield _from_airflow(chosen.store_connection, variable)


def know_connections() -> None:
    """Let Airflow's connections be found: of the environment, else of the demo, else of Airflow's database.

    To be called before anything of Airflow is imported. Where nothing is configured, Airflow's files go to
    the state folder, and not to the home folder of whoever asks. The demo's store is left to `store_address`,
    which starts it where the demo has stopped.
    """
    from erp_feeds.demo import environment

    for name, value in environment.read_shell(environment.home()).items():
        if name != _store_variable():
            os.environ.setdefault(name, value)
    if not has_airflow():
        os.environ.setdefault("AIRFLOW_HOME", str(environment.home().airflow))
    # As Airflow's own command line does: connections that are kept in its database count too.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def merchant_named(name: str) -> Merchant:
    """Return a merchant by its file.

    Raises:
        ConfigurationError: there is no such file, or it has faults.
    """
    from erp_feeds.interfaces import VOCABULARY
    from erp_feeds.merchant_file import merchant_files, read_merchant
    from erp_feeds.settings import settings

    files = {path.stem: path for path in reversed(merchant_files(settings().merchants))}
    if name not in files:
        raise ConfigurationError(f"no merchant file '{name}'; {nearest(name, files)}", "unknown_merchant")
    return read_merchant(files[name], VOCABULARY)


def known_merchants() -> list[str]:
    """Return the merchants that have a file; its name is theirs, also where its content is wrong."""
    from erp_feeds.merchant_file import merchant_files
    from erp_feeds.settings import settings

    return [path.stem for path in merchant_files(settings().merchants)]


def configured_merchant(name: str) -> Merchant | None:
    """Return a merchant as its file describes it; None where it has rows but no file any more.

    Raises:
        ConfigurationError: its file is wrong.
    """
    from erp_feeds.interfaces import VOCABULARY
    from erp_feeds.merchant_file import merchant_files, read_merchant
    from erp_feeds.settings import settings

    paths = [path for path in merchant_files(settings().merchants) if path.stem == name]
    return read_merchant(paths[0], VOCABULARY) if paths else None


def checked_interface(name: str) -> Interface:
    """Return an interface by its name.

    Raises:
        ConfigurationError: there is none of this name; it offers the nearest one.
    """
    from erp_feeds.interfaces import INTERFACES

    if name not in INTERFACES:
        raise ConfigurationError(
            f"'{name}' is no interface; {nearest(name, INTERFACES)}", "unknown_interface"
        )
    return INTERFACES[name]


def checked_code(code: str) -> str:
    """Return a code of refused records or files.

    Raises:
        ConfigurationError: there is no such code; it offers the nearest one.
    """
    if code not in REPLAYABLE:
        raise ConfigurationError(
            f"'{code}' is no code of a refusal; {nearest(code, REPLAYABLE)}", "unknown_code"
        )
    return code


def checked_merchant(connection: Connection[Any], name: str) -> str:
    """Return the name of a merchant that has a file or rows.

    Raises:
        ConfigurationError: nobody has this name; it offers the nearest one.
    """
    from erp_feeds.store import queries

    known = known_merchants()
    if name not in known:
        known += queries.merchants(connection)
        if name not in known:
            raise ConfigurationError(f"no merchant '{name}'; {nearest(name, known)}", "unknown_merchant")
    return name


def _store_variable() -> str:
    """Return the environment variable that holds the store's connection."""
    from erp_feeds.settings import settings

    return f"AIRFLOW_CONN_{settings().store_connection.upper()}"


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    from erp_feeds.demo import postgres

    ours = not postgres.is_running(folder)
    server = postgres.start(folder)
    try:
        yield postgres.database(server, DATABASE)
    finally:
        if ours:
            postgres.stop(folder)


def _from_environment(variable: str) -> str:
    """Read an Airflow connection from its variable, without the seconds that loading Airflow takes."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    text = os.environ[variable].strip()
    try:
        parts = _of_json(json.loads(text)) if text.startswith("{") else _of_uri(text)
        return make_conninfo(**{name: str(value) for name, value in parts.items() if value})
    except (ValueError, AttributeError, ProgrammingError):  # their text would show the password
        message = f"{variable} is no connection of type postgres: write postgresql://user:password@host:5432/database"
        raise ConfigurationError(message, "invalid_connection") from None


def _of_json(data: Mapping[str, Any]) -> dict[str, object]:
    extra = data.get("extra") or {}
    return {
        "host": data.get("host"),
        "port": data.get("port"),
        "dbname": data.get("schema"),
        "user": data.get("login"),
        "password": data.get("password"),
        **_for_libpq(json.loads(extra) if isinstance(extra, str) else extra),
    }


def _of_uri(text: str) -> dict[str, object]:
    from psycopg.conninfo import conninfo_to_dict

    parts = urlsplit(text)
    query = dict(parse_qsl(parts.query))
    extra = {**query, **json.loads(query.get("__extra__", "{}"))}
    address = parts._replace(scheme="postgresql", query="").geturl()
    if parts.scheme not in ("postgres", "postgresql") or parts.port == 0:  # a port that is no number raises
        raise ValueError(parts.scheme)
    return {**conninfo_to_dict(address), **_for_libpq(extra)}


def _for_libpq(extra: Mapping[str, object]) -> dict[str, object]:
    from erp_feeds.store.connection import LIBPQ_EXTRAS

    return {name: value for name, value in extra.items() if name in LIBPQ_EXTRAS}


def _from_airflow(connection_id: str, variable: str) -> str:
    """Ask Airflow where there is one; elsewhere, loading it would leave a new configuration behind."""
    reason = ""
    if has_airflow():
        from erp_feeds.store.connection import conninfo_of

        know_connections()
        try:
            return conninfo_of(connection_id)
        except FeedError as error:
            reason = f" ({error})"
    raise ConfigurationError(
        f"no store found{reason}: `make run` starts one; for a store of your own make the Airflow connection "
        f"'{connection_id}' of type postgres, or set {variable}=postgresql://user:password@host:5432/database",
        "no_store",
    )


def has_airflow() -> bool:
    """Tell whether there is an Airflow to ask."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return any(name.startswith("AIRFLOW__") for name in os.environ) or (home / "airflow.cfg").exists()
