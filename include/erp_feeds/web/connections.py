"""Connections to the store that are kept open between requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
from fastapi import Depends

from erp_feeds.errors import RetryError
from erp_feeds.settings import settings
from erp_feeds.store.connection import POOL_TIMEOUT_SECONDS, conninfo_of, lent, pool_of

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

MAX_CONNECTIONS = 8
_free = BoundedSemaphore(MAX_CONNECTIONS)
"""Who has one of these finds room in the pool: where that gives no connection, the store is out of reach."""


@cache
def pool() -> ConnectionPool[psycopg.Connection[Any]]:
    """Return the pool of this process."""
    return pool_of(conninfo_of(settings().store_connection), "erp-feeds pages", max_size=MAX_CONNECTIONS)


@contextmanager
def connect() -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection to one request.

    Raises:
        RetryError: all connections are in use; or the store cannot be reached now, and the next request reads
            its address from Airflow again.
    """
    if not _free.acquire(timeout=POOL_TIMEOUT_SECONDS):
        raise RetryError("all connections to the store are in use: try again in a minute", "busy")
    try:
        with _lent() as opened:
            yield opened
    finally:
        _free.release()


@contextmanager
def _lent() -> Iterator[psycopg.Connection[Any]]:
    used = pool()
    try:
        with lent(used, "reading the store") as opened:
            yield opened
    except RetryError as error:
        if error.code == "no_connection":
            pool.cache_clear()
            used.close(timeout=0)  # what is lent of it is closed when it is returned
        raise


def _connection() -> Iterator[psycopg.Connection[Any]]:
    with connect() as opened:
        yield opened


Store = Annotated[psycopg.Connection[Any], Depends(_connection)]
