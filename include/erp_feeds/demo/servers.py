"""What the demo starts, in which order, and how it knows that each part is ready."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from erp_feeds.demo import cluster, environment, ports, postgres
from erp_feeds.demo.credentials import Credentials
from erp_feeds.demo.environment import HOST, Home
from erp_feeds.demo.processes import Supervisor
from erp_feeds.errors import FailError, RetryError
from erp_feeds.orchestration.rest_client import AirflowApi
from erp_feeds.settings import settings
from erp_feeds.store import migrate
from erp_feeds.store.ftps_accounts import READER, folder_of

DEADLINE_SECONDS = 180.0
"""Seconds until a part that does not get ready is a failure; a slow machine needs a third of it."""
POLL_SECONDS = 0.2
AIRFLOW = {
    "api-server": ["api-server"],
    "dag-processor": ["dag-processor"],
    # Their log servers would listen on every address of the machine, and the UI reads the files themselves.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
"""Airflow's components by name; not `standalone`, which hides it when one of them dies."""

Say = Callable[[str, float], None]
"""Called with what is ready, and how many seconds it took."""


@dataclass(frozen=True)
class Demo:
    """The demo as it runs."""

    home: Home
    supervisor: Supervisor
    api: AirflowApi
    store_uri: str
    variables: dict[str, str]
    password: str
    """Of the user admin in Airflow's UI."""

    def start_exporter(self, days: int) -> None:
        """Let the ERP party begin to deliver."""
        command = _module("erp_feeds.demo.exporter", "--days", str(days))
        self.supervisor.start("exporter", command, self.variables, brief=True)


def start(home: Home, supervisor: Supervisor, say: Say, *, is_cluster: bool = False) -> Demo:
    """Start every part and return when the merchants' DAGs are switched on.

    Args:
        home: The demo's folder.
        supervisor: Starts and ends the processes.
        say: Called for each part that is ready.
        is_cluster: With Celery, Redis and S3, as on many machines.

    Raises:
        FailError: a part died, did not get ready, or Airflow cannot load the DAGs.
    """
    home.lineage.parent.mkdir(parents=True, exist_ok=True)  # OpenLineage writes there, and makes no folder
    clock = _Clock(say)
    server = postgres.start(home.postgres)
    databases = {name: postgres.database(server, name) for name in ("airflow", "erp_feeds")}
    chosen = ports.choose(home.run / "ports.json")
    made = environment.secrets_of(home)
    variables = environment.build(home, chosen, made, databases)
    if is_cluster:
        cluster.make_roles(server)
        variables |= _of_cluster(chosen, made, variables, databases["erp_feeds"])
    clock.report_step("PostgreSQL")
    supervisor.start("airflow-db-migrate", _airflow("db", "migrate"), variables, brief=True)
    private = {
        "ERP_FEEDS_FTPS_STORE": databases["erp_feeds"],
        "ERP_FEEDS_FTPS_READER_PASSWORD": made.ftps[READER],
    }
    _start_external_servers(home, supervisor, chosen, variables | private)
    if is_cluster:
        _start_cluster(home, supervisor, chosen, made, variables)
    migrate.migrate(databases["erp_feeds"])
    environment.make_accounts(databases["erp_feeds"], made)
    clock.report_step("tables of the store, FTPS server, mailbox")
    supervisor.wait("airflow-db-migrate")
    clock.report_step("tables of Airflow")
    for name, arguments in (AIRFLOW | (cluster.COMPONENTS if is_cluster else {})).items():
        supervisor.start(name, _airflow(*arguments), variables)
    _wait_until_listening(supervisor, "api-server", chosen.ui)  # before the password goes there
    ports.keep(home.run / "ports.json", chosen)
    environment.write_shell(home, variables)
    api = AirflowApi(variables["AIRFLOW__API__BASE_URL"], made.admin_password)
    until(lambda: not api.unhealthy(), supervisor, lambda: "not healthy: " + ", ".join(api.unhealthy()))
    clock.report_step("Airflow")
    switch_on(api, supervisor)
    clock.report_step("DAGs")
    return Demo(home, supervisor, api, databases["erp_feeds"], variables, made.admin_password)


def switch_on(api: AirflowApi, supervisor: Supervisor) -> None:
    """Unpause the merchants' DAGs as soon as Airflow has read them, unless their file says otherwise."""
    wanted = {merchant.name for merchant in environment.merchants()}
    until(lambda: wanted <= api.dags().keys(), supervisor, lambda: _missing(api, wanted))
    running = {merchant.name for merchant in environment.merchants() if not merchant.paused}
    paused = [name for name, is_paused in api.dags().items() if is_paused and name in running]
    for name in paused:
        api.unpause(name)


def until(condition: Callable[[], bool], supervisor: Supervisor, otherwise: Callable[[], str]) -> None:
    """Wait for a condition, as long as every process lives.

    Raises:
        FailError: with the words of `otherwise` when time is up, or the end of the log of what died.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not _holds(condition):
        supervisor.check()
        if time.monotonic() > deadline:
            raise FailError(f"waited {DEADLINE_SECONDS:.0f} s in vain: {otherwise()}", "not_ready")
        time.sleep(POLL_SECONDS)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except RetryError:  # not up yet
        return False


def _missing(api: AirflowApi, wanted: set[str]) -> str:
    absent = sorted(wanted - api.dags().keys())
    return "\n".join([f"Airflow has no DAG for {', '.join(absent)}", *api.import_errors()])


def _start_external_servers(
    home: Home, supervisor: Supervisor, chosen: ports.Ports, variables: dict[str, str]
) -> None:
    """Start the FTPS server, and the mail server, which belongs to others in real life."""
    for merchant in environment.merchants():  # the first daily run comes before the first file
        (home.ftps / folder_of(merchant)).mkdir(mode=0o700, parents=True, exist_ok=True)
    place = ("--home", str(home.ftps), "--certificate", str(home.certificates.server))
    ftps = _module("erp_feeds", "ftps-server", *place, "--host", HOST, "--port", str(chosen.ftps))
    supervisor.start("ftps-server", [*ftps, "--drain-seconds", "1"], variables)
    mail = _module("erp_feeds.demo.mail", "--folder", str(home.mail), "--port", str(chosen.mail))
    supervisor.start("mailbox", mail, variables)
    for name, port in (("ftps-server", chosen.ftps), ("mailbox", chosen.mail)):
        _wait_until_listening(supervisor, name, port)


def _start_cluster(
    home: Home, supervisor: Supervisor, chosen: ports.Ports, made: Credentials, variables: dict[str, str]
) -> None:
    """Start Redis and the S3 server, and make the bucket."""
    servers = cluster.external_servers(home, chosen, made)
    for server in servers:
        supervisor.start(server.name, server.command, variables)
    for server in servers:
        _wait_until_listening(supervisor, server.name, server.port)
    cluster.make_bucket(chosen)


def _of_cluster(
    chosen: ports.Ports, made: Credentials, variables: dict[str, str], store: str
) -> dict[str, str]:
    """Return the variables in which a cluster differs; the store is reached as the role of loads."""
    loader = environment.store_connection(store, cluster.LOADER)
    return {
        **cluster.variables(chosen, made, variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]),
        f"AIRFLOW_CONN_{settings().store_connection.upper()}": json.dumps(loader),
    }


def _wait_until_listening(supervisor: Supervisor, name: str, port: int) -> None:
    """Wait until one of the demo's own processes listens on a port.

    Raises:
        FailError: another program has taken the port, or nobody listens.
    """

    def ready() -> bool:
        ours = supervisor.listens(port)
        if not ours and _answers(port) and not supervisor.listens(port):
            message = f"port {port} of {name} was taken by another program meanwhile: start the demo again"
            raise FailError(message, "port_taken")
        return ours

    until(ready, supervisor, lambda: f"the {name} does not answer")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _airflow(*arguments: str) -> list[str]:
    return _module("airflow", *arguments)


def _module(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


class _Clock:
    """Says how long each part took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._since = time.monotonic()

    def report_step(self, what: str) -> None:
        now = time.monotonic()
        self._say(what, now - self._since)
        self._since = now
