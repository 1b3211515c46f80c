"""Every store that an earlier commit made comes to the schema of a fresh one, and keeps its rows."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import tables
from alembic import command
from alembic.config import Config

from erp_feeds.demo import postgres
from erp_feeds.errors import FailError, RetryError
from erp_feeds.store import migrate

VERSIONS = migrate.SCRIPTS / "versions"
EARLIER = Path(__file__).parent / "earlier_migrations"
"""SQL of migrations as it was before it was edited, under today's names."""
LANDED = {
    "0001_store": "c2d45251054036dad368b5c5ff8ce1e1113971b4eb2663554374136c764dd99b",
    "0002_inbox": "13df6cf5162ec748c25679ed7444961b90aaebc39ea3e4533377f29ae3d65fc5",
    "0003_mapping": "323167b031b52fc896c60de2ef7f310a82dd96f9610e2b7a9734d85d46b0adab",
    "0004_rejects": "e82b98884ee9f610411bff112542da5fadebe2f8ff0743ec2bc811dfa6845c01",
    "0005_answers_and_erasure": "0394c3a678427bb604fc981e9a418acdcf960bfc22d00ceae6650ef4d9b739b5",
    "0006_feedback": "5c6b45fee53a957cb87e208431bf3ad9afe0322806f6b4da5d4c59d4fe2fd864",
    "0007_drift": "0c19c1451134f15bbedc90749b12839f5c3be152cdf266dfe75b0352b270e7c1",
    "0008_replaced_and_lifted": "5efb0ee1338011f9d68846daf1b9d2daa40bec5b8d572cd87b232da1414575b4",
    "0009_repair": "348a8ef8902977b0a41cafbb37b6eeefac4bb7b6ab4430f13568829b3fd965f3",
    "0010_keys_and_indexes": "8dc5da222f8249b9d2f92a709c4f1b2c3a0ff184356605a7e735d7ff9fff1542",
    "0011_baskets": "371f67333a0323cea61fa77d8877022911c5d80fc894a4e958962447ad34ad8e",
    "0012_suppression_for_its_owner": "a7a81faf914bc60c32aeef754d1eba76ca49cb457d7d7f3c9d1d05a611fa5168",
    "0013_plain_names": "0db818c4839b83f02fe456cec06d6d163a53c0467774217828e1adfb0bcde547",
    "0014_file_states": "a5dd6fa5bdbf4efbfde52f8dfccbad3b4ca7e62252947bfc2ebc09b93b967a8d",
    "0015_indexes": "177f97ad1932d11e455328d6bc0da3381edf2baec4fc61f63bd852645ca50b9b",
    "0016_incidents": "b52c9ae5731bed9c874434af1dc8e27e3af70c32e637c6c4c77bd7f279588fb1",
    "0019_dismissed_rejects": "504a8a7ea0c25d86137e29da7c97be8c5b29755699ae887b3a465fc02016aa8b",
    "0020_analysts": "9ff03c5e74763c419efc77c61fb2f795518805c51e2994e386b13b4097d38837",
    "0021_pages": "8320ff4dabd62c378f129d49d1f96261835a0b1f133571ed014a4da625ade7d5",
    "0022_totals": "eb4cf6de4cc5951c69be2d6facd5d87247ab1e396cfbed106ca90af5b88fc64e",
    "0025_settings": "79ef8123099b8183f60d9316f83a4ab6f7cf9492f0863bb00f1986c02be62c04",
    "0026_ftps_accounts": "d7d439fea2f29eac8e5035a2be84d7e4ecddb31b0c1ae7fc09d161f3fa8b846e",
    "0027_confirmations": "dae15d704604129634e9f78bf136b2979d49a5de66ed2686ed72538753f66705",
    "0028_room_for_changes": "fc72f8878ea4a82296e361e07393f9d0ee1e84af4d70d48b832a6386a2443824",
    "0029_not_taken": "75484582b6f59349a1b926656c9a6da12649512fb7b0fcd67423d04b14c687ca",
    "0030_drift_of_unknown": "5fb3ca850a7a4d752180bf688dccf9cde76d6a4b84eaff27e0a22a370b63365d",
}
"""SHA-256 of the SQL of each landed migration: entries are added, and never changed."""

FILE_STATES = [
    *("registered", "archived", "waiting", "loaded", "quarantined", "duplicate"),
    *("replaced", "missing"),
]
"""Of the files in the rows of each earlier revision, in the order of their index numbers."""
ROWS = Path(__file__).parent / "earlier_rows"
"""SQL that fills a store of each revision, on top of the rows of the revisions before."""
SCHEMA_OF = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = 'erp_feeds'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'erp_feeds'::regnamespace AND contype <> 'n'""",  # columns tell NOT NULL
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'erp_feeds'",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'erp_feeds'",
    "tables": """
        SELECT relname, relkind::text, relrowsecurity, relacl::text FROM pg_class
        WHERE relnamespace = 'erp_feeds'::regnamespace""",
    "comments": """
        SELECT objoid::regclass::text, attname, description FROM pg_description
        JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid
        JOIN pg_class ON pg_class.oid = objoid WHERE relnamespace = 'erp_feeds'::regnamespace""",
}


def schema_of(uri: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(uri) as connection:
        connection.execute("SET search_path = erp_feeds")
        return {
            what: sorted(connection.execute(query), key=repr)  # type: ignore[arg-type]
            for what, query in SCHEMA_OF.items()
        }


Make = Callable[[list[Path]], str]


@pytest.fixture
def made_by(server_uri: str) -> Iterator[Make]:
    """Make a store as an earlier commit did, with rows in it, in place of the one before."""
    name = f"earlier_{uuid.uuid4().hex[:12]}"
    uri = postgres.database(server_uri, name)

    def make(scripts: list[Path]) -> str:
        with psycopg.connect(uri) as connection:
            connection.execute("DROP SCHEMA IF EXISTS erp_feeds CASCADE")
            connection.execute("CREATE SCHEMA erp_feeds")
            connection.execute("SET search_path = erp_feeds")
            connection.execute(
                "CREATE TABLE alembic_version (version_num varchar(32),"
                " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
            for script in scripts:
                connection.execute(script.read_text(encoding="utf-8"))
                if (rows := ROWS / f"{script.stem[:4]}.sql").exists():
                    connection.execute(rows.read_text(encoding="utf-8"))
            connection.execute("INSERT INTO alembic_version VALUES (%s)", [scripts[-1].stem[:4]])
        return uri

    yield make
    with psycopg.connect(server_uri, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def chains() -> Iterator[list[Path]]:
    """Every order of scripts that some commit of this project ran, at whatever revision it stopped.

    From 0009 on, which repairs what was edited, all stores are alike.
    """
    landed = [VERSIONS / f"{name}.sql" for name in LANDED]
    for number in range(1, len(landed) + 1):
        for earlier in (set(), {"0001", "0003", "0007", "0008"}, {"0003"}, {"0007"}, {"0007", "0008"}):
            old = {path for path in landed[:number] if path.stem[:4] in earlier}
            if not earlier or (old and landed[number - 1].stem < "0009"):
                yield [EARLIER / path.name if path in old else path for path in landed[:number]]
    yield [VERSIONS / "0001_store.sql", VERSIONS / "0003_mapping.sql"]  # branches, before they were merged
    yield [VERSIONS / "0001_store.sql", EARLIER / "0003_mapping.sql"]
    yield [VERSIONS / "0001_store.sql", VERSIONS / "0004_rejects.sql"]


def test_a_store_of_every_earlier_commit_becomes_like_a_fresh_one(made_by: Make, store_uri: str) -> None:
    fresh = schema_of(store_uri)
    for scripts in chains():
        uri = made_by(scripts)
        assert "erp_feeds migrate" in migrate.outdated(uri) or scripts[-1].stem[:4] == max(LANDED)[:4]
        migrate.migrate(uri)
        found = schema_of(uri)
        said = " ".join(f"{path.parent.name}/{path.stem}" for path in scripts)
        for what, expected in fresh.items():
            assert found[what] == expected, said
        assert migrate.outdated(uri) == ""
        with psycopg.connect(uri) as connection:
            _keeps_its_rows(connection, {path.stem[:4] for path in scripts})


def _keeps_its_rows(connection: psycopg.Connection, filled: set[str]) -> None:
    connection.execute("SET search_path = erp_feeds")
    expected = {
        "file_runs": 2,
        "profiles": 1,
        "orders": 1,
        "returns": 1,
        "accounts": 1,
        "mappings": int("0003" in filled),
        "suppressed": int("0005" in filled),
        "rejects": 1 + ("0004" in filled),
        "file_drift": 1,
        "totals": 3,
    }
    for table, number in expected.items():
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (number,)
    files = connection.execute("SELECT index_number::int, state FROM files ORDER BY 1, 2").fetchall()
    assert [state for _, state in files if state != "uploading"] == FILE_STATES
    uploading = [(7, "uploading"), (12, "uploading")] if "0002" in filled else []
    assert [found for found in files if found[1] == "uploading"] == uploading
    assert connection.execute("SELECT max(raw) FROM rejected_records").fetchone() == ("<x/>",)


@pytest.mark.parametrize("name", LANDED)
def test_a_landed_migration_is_never_edited(name: str) -> None:
    assert hashlib.sha256((VERSIONS / f"{name}.sql").read_bytes()).hexdigest() == LANDED[name]


def test_every_migration_is_pinned() -> None:
    assert {path.stem for path in VERSIONS.glob("*.sql")} == set(LANDED)


def test_migrating_twice_and_at_once_is_harmless(store_uri: str) -> None:
    revisions: list[str] = []
    threads = [
        threading.Thread(target=lambda: revisions.append(migrate.migrate(store_uri))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert revisions == [max(LANDED)[:4]] * 2


@pytest.mark.parametrize(
    "held",
    [
        "LOCK TABLE erp_feeds.files IN ACCESS SHARE MODE",
        "SELECT pg_advisory_xact_lock(hashtextextended('erp_feeds migrations', 0))",
    ],
)
def test_who_holds_a_table_is_named(made_by: Make, monkeypatch: pytest.MonkeyPatch, held: str) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.1)
    uri = made_by([VERSIONS / "0001_store.sql"])
    with psycopg.connect(uri, application_name="a long query") as other:
        other.execute(held)
        with pytest.raises(RetryError) as blocked:
            migrate.migrate(uri)
        assert f"process {other.info.backend_pid} of user" in str(blocked.value)
        assert "a long query, idle in transaction" in str(blocked.value)
        assert blocked.value.code == "locked"
    assert migrate.outdated(uri)
    assert migrate.migrate(uri) == max(LANDED)[:4]


def test_a_store_of_a_newer_version_is_left_alone_and_says_so(
    store: psycopg.Connection, store_uri: str
) -> None:
    store.execute("UPDATE alembic_version SET version_num = '9999'")
    store.commit()
    assert "no downgrade" in migrate.outdated(store_uri)
    with pytest.raises(FailError, match="install the version that made it"):
        migrate.migrate(store_uri)


def test_a_downgrade_is_answered_plainly() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    with pytest.raises(FailError, match="there is no downgrade"):
        command.downgrade(config, "0001")


def test_a_user_who_may_make_no_tables_is_told(server_uri: str, made_by: Make) -> None:
    uri = made_by([VERSIONS / "0001_store.sql"])
    with psycopg.connect(uri, autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN")
        admin.execute("GRANT USAGE ON SCHEMA erp_feeds TO reader")
        admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA erp_feeds TO reader")
    try:
        with pytest.raises(FailError, match="InsufficientPrivilege"):
            migrate.migrate(psycopg.conninfo.make_conninfo(uri, user="reader"))
    finally:
        with psycopg.connect(uri, autocommit=True) as admin:
            admin.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_the_page_of_the_tables_is_what_a_fresh_store_says_of_itself(store: psycopg.Connection) -> None:
    assert tables.PAGE.read_text("utf-8") == tables.page(store), "run `make docs`"
