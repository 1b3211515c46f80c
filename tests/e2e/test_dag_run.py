"""A merchant's DAG, run by Airflow in one process: uploads over real FTPS become rows in a real store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from erp_feeds.demo import environment, exporter, mail, postgres, testshop
from erp_feeds.demo.exports import Export
from erp_feeds.demo.ports import Ports
from erp_feeds.ftps_server import FtpsServer
from erp_feeds.ftps_server.store_accounts import StoreAccounts
from erp_feeds.store import migrate
from erp_feeds.store.ftps_accounts import READER

NAME = "testshop"
BROKEN = f"TestShop_ErpCache_Customers_{testshop.BROKEN_INDEX}.zip"
LINE = ("sense", "download", "unzip", "parse", "deduplicate", "split", "load", "report")
ACCOUNTS = [
    ("00123", "STAFF", None, None),
    ("100000", "WHOLESALE", None, None),
    ("100001", "RETAIL", "100000", Decimal("2.50")),
    ("100002", "WHOLESALE", None, None),
    ("100003", "EXPORT", None, Decimal("12.50")),
    ("100004", "RETAIL", "100000", None),
]
PROFILES = [
    ("ada@example.com", "1001"),
    ("bram@example.com", "1002"),
    ("carla@example.com", "00123"),
    ("dirk@example.com", None),
]
PURCHASES = [
    ("order", "online", Decimal("6.47"), 2),
    ("order", "offline", Decimal("1.99"), 1),
    ("return", "offline", Decimal("-1.99"), 1),
    ("order", "offline", Decimal("4.26"), 2),
]
AIRFLOW = (sys.executable, "-m", "airflow")

pytestmark = pytest.mark.timeout(240)  # takes 30 s; these machines are shared


@dataclass(frozen=True)
class Ran:
    """How one run of the DAG ended."""

    exit_code: int
    output: str
    state: str
    tasks: dict[str, str]
    """Task -> its state."""


@dataclass(frozen=True)
class Deployment:
    """Servers that run, and the environment by which Airflow finds them."""

    variables: dict[str, str]
    databases: dict[str, str]
    mails: Path

    def airflow(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an Airflow command in a process of its own, because Airflow reads its settings at import."""
        return subprocess.run(
            [*AIRFLOW, *arguments],
            env=self.variables,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the store or in Airflow's metadata."""
        with closing(psycopg.connect(self.databases[database])) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type] # a literal of this module

    def execute(self, database: str, statement: str) -> None:
        """Change something in the store or in Airflow's metadata."""
        with closing(psycopg.connect(self.databases[database])) as connection, connection:
            connection.execute(statement)  # type: ignore[arg-type] # a literal of a test

    def store(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the store, with the transaction that wrote it, but for the note of the scan."""
        where = "schemaname = 'erp_feeds' AND tablename <> 'inbox_scans'"
        found = self.rows("erp_feeds", f"SELECT tablename FROM pg_tables WHERE {where}")
        rows = "SELECT t::text, t.xmin::text FROM erp_feeds.{} t ORDER BY 1"
        return {table: self.rows("erp_feeds", rows.format(table)) for (table,) in found}

    def run_dag(self) -> Ran:
        """Run the DAG once, in one process."""
        ran = self.airflow("dags", "test", NAME)
        latest = f"FROM dag_run WHERE dag_id = '{NAME}' ORDER BY id DESC LIMIT 1"
        states = self.rows("airflow", f"SELECT state {latest}")
        assert states, ran.stdout[-3000:]
        tasks = "SELECT task_id, state FROM task_instance"
        found = self.rows("airflow", f"{tasks} WHERE run_id = (SELECT run_id {latest})")
        return Ran(
            exit_code=ran.returncode,
            output=ran.stdout,
            state=states[0][0],
            tasks=dict(found),
        )


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """PostgreSQL, FTPS server and mailbox, all fresh, and Airflow's tables made.

    Not below pytest's own folder: as root PostgreSQL runs as a user of its own, who may not enter there.
    """
    with ExitStack() as stack:
        place = environment.Home(
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="erp-feeds-run-")))
        )
        monkeypatch.setenv("ERP_FEEDS_HOME", str(place.folder))
        made = environment.secrets_of(place)
        mailbox = Controller(mail.Mailbox(place.mail), hostname=mail.HOST, port=_free_port())
        mailbox.start()
        stack.callback(mailbox.stop)
        server = postgres.start(place.postgres)
        stack.callback(postgres.stop, place.postgres)
        databases = {name: postgres.database(server, name) for name in ("airflow", "erp_feeds")}
        accounts = StoreAccounts(databases["erp_feeds"], made.ftps[READER])
        stack.callback(accounts.close)
        ftps = stack.enter_context(FtpsServer(place.ftps, place.certificates.server, accounts))
        ports = Ports(ftps=ftps.port, mail=mailbox.port)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
        place.lineage.parent.mkdir()
        variables = inherited | environment.build(place, ports, made, databases)
        running = Deployment(variables, databases, place.mail)
        migrate.migrate(databases["erp_feeds"])
        environment.make_accounts(databases["erp_feeds"], made)
        migrated = running.airflow("db", "migrate")
        assert migrated.returncode == 0, migrated.stdout[-3000:]
        yield running


def _free_port() -> int:
    """A port for aiosmtpd, whose controller cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind((mail.HOST, 0))
        return int(probe.getsockname()[1])


def deliver(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, *exports: Export) -> None:
    """Upload files of the shop as the ERP party does: under another name, then renamed."""
    merchant = next(each for each in environment.merchants() if each.name == NAME)
    with exporter.Inbox(exporter.account_of(merchant, deployment.variables)) as inbox:
        assert all(inbox.place(export) for export in exports)


def test_uploads_become_rows_and_only_the_broken_file_fails(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(deployment, monkeypatch, *testshop.testshop_exports("TestShop"))
    ran = deployment.run_dag()
    assert (ran.exit_code, ran.state) == (1, "failed"), ran.output[-3000:]
    assert ran.tasks == dict.fromkeys(LINE, "success") | {"report": "failed"}
    assert f"{BROKEN}: quarantined, not_well_formed" in ran.output

    states = deployment.rows("erp_feeds", "SELECT name, state, code FROM erp_feeds.files ORDER BY name")
    wanted = {export.name: ("loaded", None) for export in testshop.testshop_exports("TestShop")}
    wanted[BROKEN] = ("quarantined", "not_well_formed")
    assert {name: (state, code) for name, state, code in states} == wanted
    accounts = (
        "SELECT account_number, price_list_name, invoice_to, discount_percentage FROM erp_feeds.accounts"
    )
    assert sorted(deployment.rows("erp_feeds", accounts)) == ACCOUNTS
    profiles = (
        "SELECT email, (SELECT min(value) FROM erp_feeds.identifiers i WHERE i.profile_id = p.profile_id)"
    )
    assert sorted(deployment.rows("erp_feeds", f"{profiles} FROM erp_feeds.profiles p")) == PROFILES
    purchases = "SELECT kind, channel, total, line_count FROM erp_feeds.purchases ORDER BY occurred_at"
    assert deployment.rows("erp_feeds", purchases) == PURCHASES

    told = [path.read_bytes() for path in deployment.mails.glob("*.eml")]
    subject = b"Subject: Test Shop: 1 file quarantined, the sender must send it again"
    assert [subject in mail for mail in told] == [True]
    emails = [customer["email"].lower() for customer in testshop.CUSTOMERS]
    assert not [email for email in emails if email in (ran.output + str(told)).lower()]

    before = deployment.store()
    again = deployment.run_dag()
    assert (again.exit_code, again.state) == (0, "success"), again.output[-3000:]
    assert again.tasks == dict.fromkeys(LINE, "skipped") | {"sense": "success"}
    assert deployment.store() == before
