"""Connections to the store that are kept open between requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import psycopg
from fastapi import Depends
from psycopg_pool import ConnectionPool, PoolTimeout

from erp_feeds.errors import RetryError
from erp_feeds.settings import settings
from erp_feeds.store.connection import SCHEMA, conninfo_of, plain_errors

MAX_CONNECTIONS = 8
POOL_TIMEOUT_SECONDS = 5.0


@cache
def pool() -> ConnectionPool[psycopg.Connection[Any]]:
    """Return the pool of this process."""
    return ConnectionPool(
        conninfo_of(settings().store_connection),
        kwargs={
            "autocommit": True,
            "application_name": "erp-feeds pages",
            "options": f"-c search_path={SCHEMA},public -c statement_timeout=60s -c work_mem=32MB",
        },
        min_size=1,
        max_size=MAX_CONNECTIONS,
        timeout=POOL_TIMEOUT_SECONDS,
        open=True,
    )


@contextmanager
def connect() -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection to one request.

    Raises:
        RetryError: the store cannot be reached now; the next request reads its address from Airflow again.
    """
    try:
        with pool().connection() as opened, plain_errors("reading the store"):
            yield opened
    except PoolTimeout:
        pool.cache_clear()
        raise RetryError("the store is not available now") from None
    except RetryError:
        pool().check()  # after a restart of the server every idle connection is dead
        raise


def _connection() -> Iterator[psycopg.Connection[Any]]:
    with connect() as opened:
        yield opened


Store = Annotated[psycopg.Connection[Any], Depends(_connection)]
