"""Connections to the store, and what PostgreSQL's errors mean for Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from erp_feeds.codes import QuarantineCode
from erp_feeds.errors import FailError, QuarantineError, RetryError
from erp_feeds.settings import settings

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

SCHEMA = "erp_feeds"
POOL_TIMEOUT_SECONDS = 5.0
LOCK_SECONDS = 5
"""For which what answers a request waits for a load of the same merchant."""

KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds and probes of TCP after which a vanished server counts as lost: by default it is two hours.
Extras of the connection go first."""
SESSION_SETTINGS = {
    "client_connection_check_interval": "2s",
    **{f"tcp_{name}": str(number) for name, number in KEEPALIVES.items()},
}
"""Let PostgreSQL end the statement, and with it the locks, of a client that was killed or whose machine has
vanished: else it notices only at the end of the statement. What the server's own configuration sets stays."""

LIBPQ_EXTRAS = (
    "host",
    "hostaddr",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "sslnegotiation",
    "channel_binding",
    "gssencmode",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "target_session_attrs",
    "options",
)
"""Extras of an Airflow connection that libpq knows; others belong to other clients."""

_STATEMENT_AT_FAULT = "42"
"""Class of PostgreSQL's states: syntax error or access rule violation."""

_HELP = {
    "password authentication failed": "the login or password is wrong",
    "no password supplied": "the password is missing",
    "no pg_hba.conf entry": "the server does not let this user or host in (pg_hba.conf, sslmode)",
    "does not exist": "the database or user does not exist",
    "certificate verify failed": "the server's certificate is not trusted (sslrootcert)",
    "root certificate file": "the file named by sslrootcert is missing",
    "does not support SSL": "the server has no TLS (sslmode)",
    "invalid connection option": "an extra of the connection is not known to libpq",
    "invalid sslmode": "the sslmode is not known",
}
"""Parts of libpq's messages that another attempt cannot fix, and what they mean."""


def connect() -> psycopg.Connection:
    """Open the store of the settings, in autocommit: each ledger call is durable by itself.

    Its Airflow connection may be a TCP server or, with `host` in its extras, the folder of a Unix socket.

    Raises:
        RetryError: the server cannot be reached now.
        FailError: the connection is unknown, or its login or database is wrong.
    """
    name = settings().store_connection
    return _open(conninfo_of(name), f"the Airflow connection '{name}'", autocommit=True)


def open_uri(uri: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open the store at a postgresql:// URI.

    Raises:
        RetryError: the server cannot be reached now.
        FailError: login or database is wrong.
    """
    return _open(uri, "the URI of the store", autocommit=autocommit)


def pool_of(
    conninfo: str, application: str, *, max_size: int, statement_seconds: int = 60
) -> ConnectionPool[psycopg.Connection[Any]]:
    """Return a pool of connections in autocommit, for what answers requests; it reconnects by itself.

    Each connection is tried before it is lent: a restart of the server leaves all idle ones dead. Where one
    is, all are made anew, since the pool pauses longer after each dead one that it finds.
    """
    from psycopg_pool import ConnectionPool

    def check(connection: psycopg.Connection[Any]) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            pool.drain()
            raise

    pool = ConnectionPool(
        with_keepalives(conninfo),
        configure=_notice_lost_client,
        kwargs={
            "autocommit": True,
            "application_name": application,
            "options": f"-c search_path={SCHEMA},public -c statement_timeout={statement_seconds}s "
            f"-c lock_timeout={LOCK_SECONDS}s -c work_mem=32MB",  # pages sum up many files
        },
        min_size=1,
        max_size=max_size,
        timeout=POOL_TIMEOUT_SECONDS,
        check=check,
        open=True,
    )
    return pool


@contextmanager
def lent(pool: ConnectionPool[psycopg.Connection[Any]], doing: str) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection of a pool.

    Raises:
        RetryError: the store cannot be reached now.
    """
    from psycopg_pool import PoolClosed, PoolTimeout

    try:
        with pool.connection() as opened, plain_errors(doing):
            yield opened
    except (PoolClosed, PoolTimeout):
        raise RetryError("the store is not available now", "no_connection") from None


@contextmanager
def plain_errors(doing: str) -> Iterator[None]:
    """Turn a lost connection, a deadlock or too long a wait into RetryError, other errors into FailError.

    Values that PostgreSQL rejects come from the file: the file is quarantined, so that it blocks
    no other file. PostgreSQL's own text may quote a row, hence only its state and the name of a
    constraint are passed on.
    """
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
        reason = f"{doing}: a value does not fit the store ({_state(error)})"
        raise QuarantineError(QuarantineCode.NOT_LOADABLE, reason) from None
    except psycopg.errors.LockNotAvailable:  # only what answers a request sets `lock_timeout`
        raise RetryError("a load of this merchant is running: try again in a minute", "busy") from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise RetryError(f"{doing}: the store is not available now ({_state(error)})") from None
    except psycopg.Error as error:
        raise FailError(f"{doing}: PostgreSQL rejected a statement ({_state(error)})") from None


@contextmanager
def transaction(connection: psycopg.Connection, doing: str) -> Iterator[None]:
    """One real transaction: an open read ends first, and the block commits as a whole or not at all."""
    with plain_errors(doing):
        connection.commit()
        with connection.transaction():
            yield


@contextmanager
def savepoint(connection: psycopg.Connection, doing: str) -> Iterator[None]:
    """Run a part of the open transaction: if it fails, the other parts are not affected.

    At its end the checks of a commit run, such as whether two profiles share an
    address now.
    """
    with plain_errors(doing), connection.transaction():
        yield
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def lock_merchant(connection: psycopg.Connection, merchant: str) -> None:
    """Wait until no other transaction writes this merchant's rows; held until the end of the transaction."""
    _lock(connection, f"{SCHEMA}:{merchant}")


def lock_originals(connection: psycopg.Connection, merchant: str) -> None:
    """Wait until no other transaction notes originals of the merchant; a load does not hold it up."""
    _lock(connection, f"{SCHEMA} originals:{merchant}")


def lock_incidents(connection: psycopg.Connection, merchant: str) -> None:
    """Wait until nobody else opens, resolves or dismisses incidents of the merchant in a transaction."""
    _lock(connection, f"{SCHEMA} incidents:{merchant}")


def _lock(connection: psycopg.Connection, what: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


@contextmanager
def one_at_a_time(connection: psycopg.Connection, work: str, merchant: str) -> Iterator[None]:
    """Wait until no other run does this work for a merchant, in whatever transactions, and hold up the next.

    A run that dies, or loses its connection, holds nobody up.
    """
    key = [f"{SCHEMA} {work}:{merchant}"]
    with plain_errors(f"waiting for the {work} of another run"):
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a lost connection has released the lock already
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def _open(conninfo: str, where: str, *, autocommit: bool) -> psycopg.Connection:
    try:
        opened = psycopg.connect(
            with_keepalives(conninfo), autocommit=autocommit, application_name="erp-feeds"
        )
        opened.execute("SELECT set_config('search_path', %s, false)", [f"{SCHEMA},public"])
        opened.commit()
        _notice_lost_client(opened)
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError) as error:
        for part, meaning in _HELP.items():
            if part in str(error):
                raise FailError(f"cannot open the store: {meaning}; correct {where}") from None
        raise RetryError(f"cannot reach the store by {where}: is it running? ({_state(error)})") from None
    return opened


def with_keepalives(conninfo: str) -> str:
    """Return an address by which TCP notices a server that has vanished, unless it says how itself."""
    return make_conninfo(conninfo, **{**KEEPALIVES, **conninfo_to_dict(conninfo)})


def _notice_lost_client(connection: psycopg.Connection[Any]) -> None:
    """Ask the server to look whether this client is there; one that cannot, not on Linux, goes on without."""
    known = {"names": list(SESSION_SETTINGS), "settings": list(SESSION_SETTINGS.values())}
    with suppress(psycopg.DataError, psycopg.NotSupportedError), connection.transaction():
        connection.execute(
            "SELECT set_config(name, wanted, false) "
            "FROM unnest(%(names)s::text[], %(settings)s::text[]) AS ours (name, wanted) "
            "JOIN pg_settings AS theirs USING (name) WHERE source = 'default'",
            known,
        )


def conninfo_of(connection_id: str) -> str:
    """Return the address of the store that an Airflow connection names, for libpq."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    try:
        known = BaseHook.get_connection(connection_id)
    except AirflowException:
        raise FailError(f"Airflow has no connection '{connection_id}'; add one of type postgres") from None
    if known.conn_type != "postgres":
        raise FailError(f"the Airflow connection '{connection_id}' is not of type postgres")
    parts: dict[str, object] = {
        "host": known.host,
        "port": known.port,
        "dbname": known.schema,
        "user": known.login,
        "password": known.password,
        **{name: value for name, value in known.extra_dejson.items() if name in LIBPQ_EXTRAS},
    }
    return make_conninfo(**{name: str(value) for name, value in parts.items() if value})


def _state(error: psycopg.Error) -> str:
    """Describe an error without quoting rows: PostgreSQL's text is safe where the statement has the error.

    Those are the errors of class 42. Others count as ProgrammingError too, such as what a trigger raises.
    """
    safe = error.diag.message_primary if (error.sqlstate or "").startswith(_STATEMENT_AT_FAULT) else None
    at = error.diag.constraint_name or error.diag.column_name
    return " ".join(part for part in (type(error).__name__, error.sqlstate, at, safe) if part)
