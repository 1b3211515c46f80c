"""Connections that outlive a restart of PostgreSQL, and a server that outlives the death of its clients."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, closing
from textwrap import dedent

import psycopg
import pytest

from erp_feeds.store import connection as connections
from erp_feeds.store.connection import lent, open_uri, pool_of, with_keepalives
from support.store_feed import Feed, customer, customers

STATEMENT_SECONDS = 3600
"""More than a test may take."""
LOADING = dedent(
    """
    import sys
    from erp_feeds.store.connection import lock_merchant, open_uri, transaction

    connection = open_uri(sys.argv[1], autocommit=True)
    with transaction(connection, "loading"):
        lock_merchant(connection, "testshop")
        print("locked", flush=True)
        connection.execute(f"SELECT pg_sleep({sys.argv[2]})")
    """
)


def test_after_a_restart_of_the_server_the_first_request_is_answered(
    store: psycopg.Connection, store_uri: str
) -> None:
    with closing(pool_of(store_uri, "pool that is cut", max_size=8)) as pool:
        with ExitStack() as lending:
            for number in range(6):
                lending.enter_context(lent(pool, f"request {number}"))
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        assert len(store.execute(cut, ["pool that is cut"]).fetchall()) >= 6  # a pool may open one ahead
        with lent(pool, "asking again") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_load_waits_for_no_client_that_was_killed_within_a_statement(
    store: psycopg.Connection, store_uri: str
) -> None:
    feed = Feed(store)
    file = feed.file("srs_customers", 1)
    command = [sys.executable, "-c", LOADING, store_uri, str(STATEMENT_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "locked\n"
        running = "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
        # Within a transaction it would see the same each time.
        with closing(open_uri(store_uri, autocommit=True)) as looking:
            while not looking.execute(running).fetchall():
                time.sleep(0.05)
        killed.kill()
    assert feed.load(file, customers(customer("1"))).loaded == 1


def test_a_server_that_cannot_look_for_its_clients_is_used_all_the_same(
    store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PostgreSQL answers the same where its system cannot: "invalid value for parameter"
    monkeypatch.setitem(connections.SESSION_SETTINGS, "client_connection_check_interval", "-5s")
    for autocommit in (True, False):
        with closing(open_uri(store_uri, autocommit=autocommit)) as opened:
            assert opened.execute("SHOW client_connection_check_interval").fetchone() == ("0",)
    with closing(pool_of(store_uri, "pool", max_size=1)) as pool, lent(pool, "asking") as opened:
        assert opened.execute("SHOW client_connection_check_interval").fetchone() == ("0",)


def test_every_connection_has_the_server_look_for_it(store_uri: str) -> None:
    asked = "SHOW client_connection_check_interval"
    with closing(open_uri(store_uri)) as opened:
        assert opened.execute(asked).fetchone() == ("2s",)
    with closing(pool_of(store_uri, "pool", max_size=1)) as pool, lent(pool, "asking") as opened:
        assert opened.execute(asked).fetchone() == ("2s",)


def test_keepalives_of_the_connection_go_first() -> None:
    rest = "keepalives_interval=10 keepalives_count=3"
    assert with_keepalives("host=db") == f"host=db keepalives_idle=30 {rest}"
    assert with_keepalives("host=db keepalives_idle=5") == f"host=db keepalives_idle=5 {rest}"
