"""Loads need no rights beyond rows; analysts read documented views that name nobody, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from erp_feeds.demo.cluster import ROLES, make_roles
from erp_feeds.store import migrate
from erp_feeds.store.connection import open_uri
from support.store_feed import Feed, customer, dump, purchase

PERSONAL = {
    "email",
    "firstname",
    "lastname",
    "birthdate",
    "phone",
    "postcode",
    "city",
    "custom",
    "order_number",
}


@pytest.fixture
def granted(store_uri: str) -> Iterator[str]:
    """The URI of a store that was migrated where the roles are known; they are the server's, and go again."""
    with psycopg.connect(store_uri, autocommit=True) as admin:
        make_roles(store_uri)
        migrate.migrate(store_uri)
        yield store_uri
        for role in ROLES:
            admin.execute(f"DROP OWNED BY {role}")
            admin.execute(f"DROP ROLE {role}")


def as_role(uri: str, role: str) -> psycopg.Connection:
    return open_uri(uri.replace("//postgres:@", f"//{role}:@"))


def test_a_role_that_may_only_write_rows_loads_as_a_superuser_does(granted: str) -> None:
    with as_role(granted, "erp_feeds_loader") as loader:
        feed = Feed(loader)
        feed.customers(1, customer("1", "ada@example.com", firstname="Ada"))
        feed.purchases(2, purchase("r1", 9.5, number="1"))
        loader.commit()
        rows = dump(loader)
        assert rows["profiles"]
        assert rows["purchases"]
        for statement in ("CREATE TABLE erp_feeds.mine ()", "UPDATE alembic_version SET version_num = '1'"):
            with pytest.raises(errors.InsufficientPrivilege), loader.transaction():
                loader.execute(statement)


def test_analysts_read_documented_views_that_name_nobody(granted: str) -> None:
    with open_uri(granted) as store:
        feed = Feed(store)
        feed.customers(1, customer("1", "ada@example.com", firstname="Ada"))
        feed.purchases(2, purchase("r1", 9.5, number="1"))
    with as_role(granted, "erp_feeds_reader") as reader:
        columns = reader.execute(
            """
            SELECT relname, attname, col_description(pg_class.oid, attnum)
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
            WHERE relnamespace = 'erp_feeds'::regnamespace AND has_table_privilege(pg_class.oid, 'SELECT')
            """
        ).fetchall()
        views = {view for view, _, _ in columns}
        assert views == {f"analyst_{name}" for name in ("files", "profiles", "purchases", "purchase_lines")}
        assert [(view, column) for view, column, comment in columns if not comment] == []
        assert {column for _, column, _ in columns} & PERSONAL == set()
        for view in views:
            assert reader.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(view))).fetchone(), view
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("SELECT email FROM profiles")
