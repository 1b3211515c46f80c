"""Pools of connections that outlive a restart of PostgreSQL."""

from __future__ import annotations

from contextlib import closing

import psycopg

from erp_feeds.store.connection import lent, pool_of


def test_after_a_restart_of_the_server_the_first_request_is_answered(
    store: psycopg.Connection, store_uri: str
) -> None:
    with closing(pool_of(store_uri, "pool that is cut", max_size=4)) as pool:
        with lent(pool, "one"), lent(pool, "two"), lent(pool, "three"):
            pass
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        assert len(store.execute(cut, ["pool that is cut"]).fetchall()) >= 3  # a pool may open one ahead
        with lent(pool, "asking again") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
