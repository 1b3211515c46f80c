"""Real FTPS servers: one of each kind and mode for the whole session, and a table of what they passed."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.debian import DownloadError
from servers.endpoint import Endpoint, NotHereError, Row
from servers.ground import RELAY_ADDRESS, SERVER_ADDRESS, Ground, has_relay_address, prepare
from servers.pool import ROWS, Pool
from servers.processes import StartError
from servers.relay import Relay
from servers.share import Share
from servers.table import FAILED, LEFT_OUT, OK, Table

PROJECT = Path(__file__).resolve().parents[2]
COLUMNS = (
    "list",
    "large",
    "sense",
    "download",
    "resume",
    "stall",
    "move",
    "place",
    "login",
    "certificate",
    "mode",
    "rights",
    "passive",
    "doctor",
)
MANY = 10_500
"""More names than Pure-FTPd lists."""
TABLE = pytest.StashKey[Table]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--downloads",
        type=Path,
        default=PROJECT / ".erp-feeds" / "servers",
        help="folder that keeps the unpacked packages of the servers",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "column(name): the column of the table that a test fills")
    config.stash[TABLE] = Table(COLUMNS)
    # Pytest cleans up after Ctrl-C only; a build that is cancelled must not leave servers behind either.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM", 143))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("column")
    if marker and isinstance(item, pytest.Function):
        row = item.callspec.params["row"]
        assert isinstance(row, Row)
        outcome = {"skipped": LEFT_OUT, "failed": FAILED}.get(report.outcome, OK)
        if outcome != OK or report.when == "call":
            place = (row.server.name, row.mode, row.tls)
            item.config.stash[TABLE].note(place, marker.args[0], outcome, _reason(report))
    return report


def _reason(report: pytest.TestReport) -> str:
    """Return what went wrong without the way there, or why a test was skipped."""
    said = report.longrepr
    if isinstance(said, tuple):
        return said[2]
    return str(getattr(getattr(said, "reprcrash", None), "message", said or ""))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[TABLE].cells:
        terminalreporter.section("FTPS servers")
        for line in config.stash[TABLE].lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """Not below pytest's own folder, which other users, as which the servers work, may not enter."""
    with tempfile.TemporaryDirectory(prefix="erp-feeds-servers-") as folder:
        yield prepare(Path(folder))


@pytest.fixture(scope="session")
def pool(ground: Ground, pytestconfig: pytest.Config) -> Iterator[Pool]:
    """The servers that run."""
    with Pool(ground, pytestconfig.getoption("downloads")) as running:
        yield running


@pytest.fixture(params=ROWS, ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    """The row of the table that a test fills a cell of."""
    given: Row = request.param
    return given


@pytest.fixture
def endpoint(row: Row, pool: Pool, pytestconfig: pytest.Config) -> Endpoint:
    """The server of the row."""
    try:
        running = pool.endpoint(row.server, row.mode)
    except NotHereError as error:
        pytest.skip(str(error))
    except (DownloadError, StartError) as error:
        pytest.fail(str(error), pytrace=False)
    pytestconfig.stash[TABLE].versions[row.server.name] = running.version
    return running


@pytest.fixture
def connect(row: Row, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Set an Airflow connection to the server: (**changes) -> its id."""

    def set_connection(**changes: Any) -> str:
        monkeypatch.setenv("AIRFLOW_CONN_TESTED_SERVER", endpoint.connection(row.tls, **changes))
        return "tested_server"

    return set_connection


@pytest.fixture
def relay(endpoint: Endpoint) -> Iterator[Relay]:
    """A relay in front of the server, for faults of the network: connect to the host RELAY_ADDRESS."""
    if not has_relay_address():
        pytest.skip(f"faults of the network need the loopback address {RELAY_ADDRESS}, as Linux has it")
    with Relay(RELAY_ADDRESS, SERVER_ADDRESS, endpoint.ports.control, endpoint.ports.data) as running:
        yield running


@pytest.fixture
def share(request: pytest.FixtureRequest, ground: Ground, endpoint: Endpoint) -> Share:
    """A folder of the test's own on the server, empty."""
    name = request.node.name.replace("[", "-").rstrip("]")
    return Share(ground.shared_folder(name), f"{endpoint.prefix}/{name}")


@pytest.fixture(scope="session")
def many(ground: Ground) -> Path:
    """A folder of many names that all servers list."""
    folder = ground.shared_folder("many")
    file = ground.folder / "one"
    file.touch()
    for number in range(MANY):
        (folder / f"Test_Shop_SRS_Customers_{number}.zip").hardlink_to(file)  # faster than a file each
    return folder
