"""Worker, PostgreSQL or FTPS connection die at any step: a retry ends in the rows of an undisturbed run."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pytest

from erp_feeds.demo import postgres
from erp_feeds.demo.exports import Export, packed
from erp_feeds.demo.testshop import testshop_exports as everything
from erp_feeds.errors import FailError
from erp_feeds.interfaces import INTERFACES
from erp_feeds.publish.samples import sample
from erp_feeds.store import migrate
from erp_feeds.store.connection import open_uri
from support.crash_points import STEPS, Carried, Point, run_pipeline, run_step
from support.shop_fixtures import Shop
from support.store_feed import TABLES
from support.store_rows import rows

LEDGER, LOAD, ATOMIC_FILE = "erp_feeds.store.ledger", "erp_feeds.store.load", "erp_feeds.storage.atomic_file"
WAITING = "erp_feeds.store.waiting_files"
GROUP = "erp_feeds.store.group_load"
MEMBER = "erp_feeds.storage.metered_member:MeteredMember"
SCAN, CLEANUP = "erp_feeds.inbox.scan", "erp_feeds.inbox.cleanup"
HOOK = "erp_feeds.ftps:FtpsHook"
COMMIT = f"{ATOMIC_FILE}:AtomicFile.commit"

WORKER = (
    Point("scanned, new files not yet registered", "sense", f"{SCAN}:register", "before"),
    Point("new files registered, not yet handed on", "sense", f"{SCAN}:register", "after"),
    Point("nothing fetched yet", "download", f"{HOOK}.fetch", "before"),
    Point("in the middle of a transfer", "download", f"{HOOK}.fetch", "within", 2),
    Point("fetched, not yet in the archive", "download", COMMIT, "before"),
    Point("archived, not yet noted", "download", f"{LEDGER}:archive", "before", 2),
    Point("archived and noted, others to come", "download", f"{LEDGER}:archive", "after", 2),
    Point("all archived, not yet handed on", "download", f"{LEDGER}:archive", "after", 10),
    Point("in the middle of unpacking", "unzip", f"{MEMBER}.read", "after", 2),
    Point("unpacked, not yet under its name", "unzip", COMMIT, "before", 2),
    Point("found incomplete, not yet noted", "unzip", f"{LEDGER}:wait", "before"),
    Point("found incomplete and noted", "unzip", f"{LEDGER}:wait", "after"),
    Point("refused, not yet noted", "parse", f"{LEDGER}:quarantine", "before"),
    Point("refused and noted", "parse", f"{LEDGER}:quarantine", "after"),
    Point("frame written, not yet under its name", "parse", COMMIT, "before", 3),
    Point("one frame of a file there, others not", "parse", COMMIT, "after", 3),
    Point("frame written, not yet under its name", "deduplicate", COMMIT, "before", 2),
    Point("some frames there", "deduplicate", COMMIT, "after", 2),
    Point("frame written, not yet under its name", "split", COMMIT, "before", 2),
    Point("some frames there", "split", COMMIT, "after", 2),
    Point("lock taken", "load", f"{GROUP}:lock_merchant", "after"),
    Point("copied, not yet merged", "load", "erp_feeds.store.by_key:merge", "before"),
    Point("profiles merged, identifiers not", "load", "erp_feeds.store.customers:save_identifiers", "before"),
    Point("purchases copied, nobody resolved", "load", "erp_feeds.store.purchases:resolve", "before"),
    Point("merged, ledger not yet", "load", f"{LEDGER}:finish", "before", 2),
    Point("all written, not committed", "load", f"{LEDGER}:finish", "after", 2),
    Point("some files of a group written, others not", "load", f"{GROUP}:GroupLoad.wave", "after"),
    Point("one group committed, others not", "load", f"{LOAD}:load_files", "after"),
    Point("all committed, not yet handed on", "load", f"{LOAD}:load_files", "after", 3),
    Point("inbox not yet cleared", "report", f"{CLEANUP}:clear", "before"),
    Point("a file under a claimed name, not yet moved", "report", f"{HOOK}.rename", "after"),
    Point("a file moved, others not", "report", f"{CLEANUP}:clear", "after"),
    Point("inbox cleared, staging not swept", "report", "erp_feeds.storage.staging:purge", "before"),
)  # fmt: skip
STORE = (
    Point("before the scan is remembered", "sense", f"{SCAN}:register", "before"),
    Point("before new files are taken", "sense", f"{WAITING}:unfinished", "before"),
    Point("archived, not yet noted", "download", f"{LEDGER}:archive", "before", 2),
    Point("found incomplete, not yet noted", "unzip", f"{LEDGER}:wait", "before"),
    Point("refused, not yet noted", "parse", f"{LEDGER}:quarantine", "before"),
    Point("lock taken", "load", f"{GROUP}:lock_merchant", "after", 2),
    Point("profiles merged, identifiers not", "load", "erp_feeds.store.customers:save_identifiers", "before"),
    Point("all written, not committed", "load", f"{LEDGER}:finish", "after", 2),
    Point("one group committed, others not", "load", f"{LOAD}:load_files", "after"),
    Point("before it is asked what was refused", "report", f"{LEDGER}:problems", "before"),
)
FTPS = (
    Point("between two folders", "sense", f"{HOOK}.listing", "after"),
    Point("before a transfer", "download", f"{HOOK}.fetch", "before", 2),
    Point("in the middle of a transfer", "download", f"{HOOK}.fetch", "within", 2),
    Point("between two transfers", "download", f"{LEDGER}:archive", "after", 2),
    Point("before a file gets a claimed name", "report", f"{HOOK}.rename", "before"),
    Point("a file under a claimed name, not yet moved", "report", f"{HOOK}.rename", "after"),
    Point("a file moved, others not", "report", f"{CLEANUP}:clear", "after"),
)
MATRIX = [("worker", at) for at in WORKER] + [("store", at) for at in STORE] + [("ftps", at) for at in FTPS]
ABANDONED = {at.step: at for at in WORKER if at.when == "after" and at.step != "report"}
"""The last of these moments in each step."""
LEDGER_TABLES = ("files", "file_runs")
"""They name the run."""
STARTS = 5
"""Attempts to start PostgreSQL after its crash, of ten seconds each: the machine may be busy."""

TESTS = Path(__file__).parents[1]


def exports() -> list[Export]:
    """What a run brings: files of every interface, rejected records, a broken file, one still incomplete."""
    customers, cache = INTERFACES["srs_customers"], INTERFACES["erp_cache_customers"]
    people = "".join(sample(customers, 600)).replace(">1001<", ">1.2E+05<", 1).encode()
    name = customers.file_name("TestShop", "20170107", "xml")
    large = Export(customers.name, name, date(2017, 1, 7), people)
    half = packed(cache, "TestShop", "20170201", "".join(sample(cache, 3)).encode())
    incomplete = Export(half.interface, half.name, half.day, half.content[:-40])
    return [*everything("TestShop"), large, incomplete]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The folder of a cluster of its own: it gets killed."""
    with tempfile.TemporaryDirectory(prefix="erp-feeds-crash-") as place:
        folder = Path(place) / "postgres"
        yield folder
        postgres.stop(folder)


@pytest.fixture(scope="module")
def server_uri(cluster: Path) -> str:
    """The URI of the cluster, which stays the same when it starts again."""
    return postgres.start(cluster)


@pytest.fixture(scope="module")
def template(server_uri: str) -> str:
    """The name of a migrated database of this cluster."""
    migrate.migrate(postgres.database(server_uri, "template_store"))
    return "template_store"


@pytest.fixture
def moving(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with its files placed; what is loaded gets moved."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))  # the fork server loads the helpers before it forks
    shop.store.autocommit = True
    ftps = shop.merchant.ftps.model_copy(update={"after_load": "move"})
    shop.merchant = shop.merchant.model_copy(update={"ftps": ftps})
    shop.place(*exports())
    return shop


Ending = dict[str, Any]
undisturbed: Ending = {}


@pytest.fixture
def wanted(moving: Shop) -> Ending:
    """How an undisturbed run ends, found once; then the shop starts anew."""
    if not undisturbed:
        undisturbed.update(ending(moving, finish(moving, 0, None)))
        moving.store.execute(f"TRUNCATE {', '.join(TABLES)}, file_runs RESTART IDENTITY")
        moving.store.execute("ALTER SEQUENCE profile_ids RESTART")
        shutil.rmtree(os.environ["ERP_FEEDS_HOME"])
        shutil.rmtree(moving.inbox)
        moving.inbox.mkdir()
        moving.place(*exports())
    return undisturbed


def test_the_undisturbed_run_meets_everything(wanted: Ending) -> None:
    assert "quarantined, not_well_formed" in wanted["said"]
    assert "1 record rejected (1 malformed_number)" in wanted["said"]
    states = [json.loads(row)["state"] for row in wanted["rows"]["files"]]
    assert {state: states.count(state) for state in states} == {"loaded": 8, "quarantined": 1, "waiting": 1}
    empty = {table for table in (*TABLES, "file_runs") if not wanted["rows"][table]}
    assert empty == {"email_conflicts", "confirmations"}  # the latter are applied before rows are compared
    assert sum("processed" in path for path in wanted["inbox"]) == 8
    assert len(MATRIX) == len({(kind, str(at)) for kind, at in MATRIX})


@pytest.mark.parametrize(("kind", "at"), MATRIX, ids=[f"{kind}-{at}" for kind, at in MATRIX])
def test_a_retry_ends_in_the_rows_of_an_undisturbed_run(
    wanted: Ending, moving: Shop, cluster: Path, kind: str, at: Point
) -> None:
    position, carried = struck(moving, cluster, kind, at)
    assert ending(moving, finish(moving, position, carried)) == wanted


@pytest.mark.parametrize("at", ABANDONED.values(), ids=[str(at) for at in ABANDONED.values()])
def test_a_run_that_is_given_up_loses_no_row_to_the_next(
    wanted: Ending, moving: Shop, cluster: Path, at: Point
) -> None:
    struck(moving, cluster, "worker", at)
    carried: Carried = None
    for step in STEPS[:-1]:
        carried = run_step(moving.merchant, step, carried, "another run")
    with suppress(FailError):  # what the first run refused before it died, the second may not have met
        run_step(moving.merchant, "report", carried)
    found = ending(moving, "")
    assert found["inbox"] == wanted["inbox"]
    tables = [table for table in wanted["rows"] if table not in LEDGER_TABLES]
    assert {table: nameless(found["rows"][table]) for table in tables} == {
        table: nameless(wanted["rows"][table]) for table in tables
    }


def nameless(lines: list[str]) -> list[Any]:
    """Return rows without the run that wrote them: it is another one here."""
    runs = {"run_id", "resolved_by_run"}
    return [{key: value for key, value in json.loads(line).items() if key not in runs} for line in lines]


def struck(shop: Shop, cluster: Path, kind: str, at: Point) -> tuple[int, Carried]:
    """Walk in a process until the moment; return which step to try again, and what it is given."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.crash_points"])  # else each process imports for seconds
    ours, theirs = context.Pipe()
    process = context.Process(target=run_pipeline, args=(theirs, dict(os.environ), shop.merchant, kind, at))
    process.start()
    theirs.close()
    told = [*_told(shop, cluster, ours, kind)]
    process.join()
    done = {message[1]: message[2] for message in told if message[0] == "ended"}
    failed = [message for message in told if message[0] == "failed"]
    if kind == "worker":
        assert process.exitcode == -signal.SIGKILL
    else:
        assert process.exitcode == 0
        assert told.count(("struck",)) == 1
    position = len(done)
    again = STEPS[position] if position < len(STEPS) else None
    # Only a RetryError makes Airflow try again; the report of this run always refuses.
    allowed = ([], [(again, "RetryError")], [("report", "NotAllLoadedError")])
    assert [message[1:3] for message in failed] in allowed, failed
    assert at.step in {again, *done}
    return position, done[STEPS[position - 1]] if position else None


def _told(shop: Shop, cluster: Path, process: Connection, kind: str) -> Iterator[tuple[Any, ...]]:
    """Yield what the process tells until its end; kill the store at the moment, where that is what dies."""
    while True:
        try:
            message = process.recv()
        except EOFError:
            return
        if message == ("struck",):
            if kind == "store":
                crash(shop, cluster)
            process.send("go on")
        yield message


def crash(shop: Shop, cluster: Path) -> None:
    """Kill PostgreSQL, every process of it at once, and start it again."""
    uri = shop.store.info.dsn
    shop.store.close()
    postmaster = psutil.Process(int((cluster / "postmaster.pid").read_text().split()[0]))
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):  # one may have ended by itself just now
            process.kill()
    psutil.wait_procs(family, timeout=10)
    start_again(cluster)
    shop.store = open_uri(uri, autocommit=True)


def start_again(cluster: Path) -> None:
    """Start PostgreSQL, whose recovery may take longer than the library waits."""
    for attempt in range(STARTS):
        try:
            postgres.start(cluster)
        except subprocess.SubprocessError:
            if attempt == STARTS - 1:
                raise
        else:
            return


def finish(shop: Shop, position: int, carried: Carried) -> str:
    """Walk from a step to the end, whose report refuses; return what it says."""
    for step in STEPS[position:-1]:
        carried = run_step(shop.merchant, step, carried)
    with pytest.raises(FailError) as refused:
        run_step(shop.merchant, "report", carried)
    return str(refused.value)


def ending(shop: Shop, said: str) -> Ending:
    """Describe how a run ended: all rows, what its report says, what lies on the server after a scan."""
    for _ in range(2):
        left = shop.sense("next run")
    home = os.environ["ERP_FEEDS_HOME"]
    found = rows(shop.store)
    plain = {table: [row.replace(home, "") for row in lines] for table, lines in found.items()}
    inbox = sorted(str(path.relative_to(shop.inbox)) for path in shop.inbox.rglob("*") if path.is_file())
    return {"rows": plain, "said": said, "inbox": inbox, "left": [file.name for file in left.files]}
