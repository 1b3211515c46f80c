"""Where the command line finds store, servers and merchants: Airflow's connections and the merchant files."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erp_feeds.codes import REPLAYABLE
from erp_feeds.errors import ConfigurationError, FailError, RetryError, nearest

if TYPE_CHECKING:
    from psycopg import Connection

    from erp_feeds.interfaces.spec import Interface
    from erp_feeds.merchant import Merchant

_BACKEND = re.compile(r"^backend(_cmd|_secret)?\s*=\s*\S", re.MULTILINE)
"""A secrets backend in airflow.cfg."""


@contextmanager
def opened_store() -> Iterator[Connection[Any]]:
    """Open the store.

    Raises:
        ConfigurationError: there is no store, or it has no tables yet.
        RetryError: the store cannot be reached now.
    """
    from psycopg import errors

    from erp_feeds.store.connection import plain_errors

    unknown = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)
    address = store_address()
    with _opened(address) as connection, plain_errors("reading the store"):
        try:
            yield connection
        except unknown:
            from erp_feeds.store.migrate import outdated  # heavy, and seldom needed

            changed = "a table of the store was changed by hand: restore it, or a backup of the store"
            raise ConfigurationError(outdated(address) or changed, "not_migrated") from None


def _opened(address: str) -> Connection[Any]:
    from erp_feeds.settings import settings
    from erp_feeds.store.connection import open_uri

    try:
        return open_uri(address)
    except RetryError as error:
        if (settings().home / "env.sh").exists():
            raise RetryError(f"{error}; the demo's store is up while `make run` runs", error.code) from None
        raise


def store_address() -> str:
    """Return the address of the store that Airflow's connection names.

    Raises:
        ConfigurationError: Airflow has no such connection, or it is of another type.
    """
    know_connections()
    from erp_feeds.settings import settings
    from erp_feeds.store.connection import conninfo_of

    name = settings().store_connection
    if address := _plain_address(name):
        return address
    try:
        with redirect_stdout(sys.stderr):  # Airflow's remarks must not mix with the answer
            return conninfo_of(name)
    except FailError as error:
        raise ConfigurationError(
            f"no store found ({error}): `make run` starts one; for a store of your own make that connection, "
            f"or set AIRFLOW_CONN_{name.upper()}=postgresql://user:password@host:5432/database",
            "no_store",
        ) from None


def _plain_address(name: str) -> str:
    """Return the address that the environment holds in the form of libpq; empty where Airflow must be asked.

    Airflow's import costs several times what a command costs. A secrets backend comes before the environment.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    from erp_feeds.store.connection import LIBPQ_EXTRAS

    configured = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "airflow.cfg"
    has_backend = any(variable.startswith("AIRFLOW__SECRETS__") for variable in os.environ) or (
        configured.exists() and _BACKEND.search(configured.read_text("utf-8"))
    )
    address = os.environ.get(f"AIRFLOW_CONN_{name.upper()}", "")
    if has_backend or not address.startswith(("postgres://", "postgresql://")):
        return ""
    try:
        parts = conninfo_to_dict(address)
    except ProgrammingError:  # extras that only Airflow reads
        return ""
    is_plain = parts.keys() <= {"port", "dbname", "user", "password", *LIBPQ_EXTRAS}
    return address if is_plain and str(parts.get("port", "0")).isdecimal() else ""


def know_connections() -> None:
    """Let Airflow find its connections: in the environment, else the demo, else its backends and database.

    To be called before anything of Airflow is imported. Where nothing is configured, Airflow's files go to
    the state folder, and not to the home folder of the user.
    """
    from erp_feeds.settings import settings

    home = settings().home
    for name, value in _variables(home / "env.sh"):
        os.environ.setdefault(name, value)
    if not (Path("~/airflow").expanduser() / "airflow.cfg").exists():
        os.environ.setdefault("AIRFLOW_HOME", str(home / "airflow"))
    # As Airflow's own command line does: connections in its database count too. Nothing public says so.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def _variables(shell: Path) -> Iterator[tuple[str, str]]:
    """Read the file that `make run` leaves for shells; nothing where there is no demo."""
    words = shlex.split(shell.read_text("utf-8"), comments=True) if shell.exists() else []
    for name, equals, value in (word.partition("=") for word in words):
        if equals and name != "PATH":
            yield name, value


def merchant_path(name: str) -> Path:
    """Return a merchant's file, by the merchant's name or by a path.

    Raises:
        ConfigurationError: there is no such file; it offers the nearest name.
    """
    if Path(name).suffix in (".yaml", ".yml") and Path(name).is_file():
        return Path(name)
    files = _files()
    if name not in files:
        raise ConfigurationError(f"no merchant file '{name}'; {nearest(name, files)}", "unknown_merchant")
    return files[name]


def merchant_named(name: str) -> Merchant:
    """Return a merchant by its name, with its settings of the store where its file says so.

    Raises:
        ConfigurationError: it has no file, or its file is wrong.
        RetryError: its settings are in the store, which cannot be reached now.
    """
    from erp_feeds.merchant_file import read_merchant

    merchant = read_merchant(merchant_path(name))
    if merchant.settings == "file":
        return merchant
    from erp_feeds.store.merchant_settings import effective

    with opened_store() as connection:
        return effective(connection, merchant)


def known_merchants() -> list[str]:
    """Return the merchants that have a file; its name is theirs, also where its content is wrong."""
    return sorted(_files())


def configured_merchant(name: str) -> Merchant | None:
    """Return a merchant as its file describes it; None where it has rows but no file any more.

    Raises:
        ConfigurationError: its file is wrong.
    """
    return merchant_named(name) if name in _files() else None


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
    """Return a code of rejected records or files.

    Raises:
        ConfigurationError: there is no such code; it offers the nearest one.
    """
    if code not in REPLAYABLE:
        raise ConfigurationError(
            f"'{code}' is not the code of a reject or quarantine; {nearest(code, REPLAYABLE)}", "unknown_code"
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


def _files() -> dict[str, Path]:
    """Return the merchant files of the settings' folder, by merchant."""
    from erp_feeds.merchant_file import files_by_merchant
    from erp_feeds.settings import settings

    return files_by_merchant(settings().merchants)
