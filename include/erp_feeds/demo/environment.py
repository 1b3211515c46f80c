"""The environment of every process of the demo: one folder holds all state, and a shell can source it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from erp_feeds.demo.certificates import Certificates, certificates
from erp_feeds.demo.credentials import Credentials, credentials, write_admin_file, write_private
from erp_feeds.demo.ports import Ports
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import read_merchants
from erp_feeds.settings import PROJECT, settings
from erp_feeds.store import ftps_accounts
from erp_feeds.store.connection import open_uri
from erp_feeds.store.ftps_accounts import READER

HOST = "127.0.0.1"
LOAD_OPERATOR = "erp_feeds.orchestration.load_operator.LoadOperator"


@dataclass(frozen=True)
class Home:
    """The places below the demo's folder."""

    folder: Path

    @property
    def postgres(self) -> Path:
        """Cluster of the store and of Airflow's metadata."""
        return self.folder / "postgres"

    @property
    def ftps(self) -> Path:
        """One folder per merchant."""
        return self.folder / "ftps"

    @property
    def certificates(self) -> Certificates:
        """Of the FTPS server."""
        return certificates(self.folder / "certificates")

    @property
    def mail(self) -> Path:
        """Mails that were caught."""
        return self.folder / "mail"

    @property
    def logs(self) -> Path:
        """Output of each process."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """What runs now: ports, processes, lock."""
        return self.folder / "run"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.folder / "airflow"

    @property
    def secrets(self) -> Path:
        """Passwords and keys."""
        return self.folder / "secrets"

    @property
    def lineage(self) -> Path:
        """OpenLineage events, one JSON text per line."""
        return self.folder / "lineage" / "events.jsonl"

    @property
    def shell(self) -> Path:
        """The environment as a file that a shell can source."""
        return self.folder / "env.sh"


def home() -> Home:
    """Return the demo's folder, as the settings name it."""
    return Home(settings().home)


def merchants() -> list[Merchant]:
    """Return the merchants whose files are good; Airflow shows what is wrong with the others."""
    good, _ = read_merchants(settings().merchants)
    return good


def secrets_of(place: Home) -> Credentials:
    """Return the credentials of a home, with an FTPS login for every merchant, and the reader's."""
    logins = [READER, *(merchant.name for merchant in merchants())]
    return credentials(place.secrets / "credentials.json", logins)


def make_accounts(uri: str, made: Credentials) -> None:
    """Give each merchant's ERP party its account on the FTPS server, where it has none yet."""
    with open_uri(uri) as connection:
        known = {each.merchant for each in ftps_accounts.listed(connection)}
        for merchant in merchants():
            if merchant.name not in known:
                ftps_accounts.create(connection, merchant, "make run", password=made.ftps[merchant.name])


def build(place: Home, ports: Ports, made: Credentials, databases: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make Airflow and erp_feeds run on the demo's servers.

    Args:
        place: The demo's folder.
        ports: Where the servers listen.
        made: Passwords and keys.
        databases: URI of the databases `airflow` and `erp_feeds`.
    """
    variables = {
        "ERP_FEEDS_HOME": str(place.folder),
        "ERP_FEEDS_MERCHANTS": str(settings().merchants),
        "PYTHONUNBUFFERED": "1",
        "AIRFLOW_HOME": str(place.airflow),
        # The servers are on this machine: no proxy knows them.
        **{name: _and_local(os.environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")},
    }
    if sys.platform == "darwin":  # macOS ends a forked process that touches its frameworks, by default
        variables["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    sections = {**_airflow(place, ports), **_secrets(place, made), **_database(databases["airflow"])}
    variables |= {f"AIRFLOW__{name}": value for name, value in sections.items()}
    connections = _connections(place, ports, made)
    connections[settings().store_connection] = store_connection(databases["erp_feeds"])
    connections[settings().airflow_connection] = {
        "conn_type": "http",
        "host": HOST,
        "port": ports.ui,
        "login": "admin",
        "password": made.admin_password,
    }
    variables |= {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in connections.items()}
    return variables


def write_shell(place: Home, variables: Mapping[str, str]) -> None:
    """Write the file to source: afterwards plain `airflow` and `python -m erp_feeds` speak to the demo."""
    binaries = shlex.quote(str(Path(sys.executable).parent))
    lines = ["# source this file to use airflow and erp_feeds on the demo; it holds passwords"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    lines.append(f"export PATH={binaries}:$PATH")
    write_private(place.shell, "\n".join(lines) + "\n")


def _and_local(hosts: str) -> str:
    """Return a list of hosts without proxy that also holds this machine."""
    return ",".join(dict.fromkeys([*filter(None, hosts.split(",")), "localhost", HOST]))


def _airflow(place: Home, ports: Ports) -> dict[str, str]:
    """Return Airflow's settings, as SECTION__KEY."""
    address = f"http://{HOST}:{ports.ui}"
    lineage = {"type": "file", "log_file_path": str(place.lineage), "append": True}
    told = [  # only `load` has datasets; two empty events of each other task would take it a quarter longer
        {"scope": {}, "controls": {"emit_task_events": False}},
        {"scope": {"operator": LOAD_OPERATOR}, "controls": {"emit_task_events": True}},
    ]
    return {
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "8",  # the default of 32 workers would take the memory of a small machine
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "API__HOST": HOST,
        "API__PORT": str(ports.ui),
        "API__BASE_URL": address,
        "API__INSTANCE_NAME": "erp-feeds",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # the pause between two tasks of a run
        # A run that was cut off by a stop is taken up again within a minute, not in five.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        # Where the API server is slow for longer, a task that asks again is taken for a double, and fails.
        "WORKERS__EXECUTION_API_TIMEOUT": "60",
        # A task that has ended may keep its slot until the next heartbeat, 5 s by default.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "WORKERS__MAX_FAILED_HEARTBEATS": "15",  # 3 by default, of 5 s each
        "DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",  # a new merchant file shows within a minute
        "LOGGING__BASE_LOG_FOLDER": str(place.logs / "airflow"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(place.logs / "airflow" / "dag_processor"),
        # The log of each task would say four times that its lineage holds nothing.
        "LOGGING__NAMESPACE_LEVELS": "airflow.providers.openlineage=WARNING",
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "OPENLINEAGE__TRANSPORT": json.dumps(lineage),
        "OPENLINEAGE__NAMESPACE": "erp-feeds",
        "OPENLINEAGE__EMISSION_POLICY": json.dumps(told),
        "OPENLINEAGE__EXECUTE_IN_THREAD": "True",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def _secrets(place: Home, made: Credentials) -> dict[str, str]:
    passwords = write_admin_file(place.secrets / "airflow_passwords.json", made)
    return {
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "CORE__FERNET_KEY": made.fernet_key,
        "API__SECRET_KEY": made.api_secret,
        "API_AUTH__JWT_SECRET": made.jwt_secret,
    }


def _database(uri: str) -> dict[str, str]:
    host = quote(_socket_folder(uri), safe="/")
    return {
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres@/airflow?host={host}",
        "DATABASE__SQL_ALCHEMY_POOL_SIZE": "30",
        "DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "60",
    }


Connection = Mapping[str, object]


def _connections(place: Home, ports: Ports, made: Credentials) -> dict[str, Connection]:
    """Return Airflow's connections to the demo's servers, by connection id."""
    authority = str(place.certificates.ca)
    mail = {
        "conn_type": "smtp",
        "host": HOST,
        "port": ports.mail,
        "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "erp-feeds@localhost"},
    }
    connections: dict[str, Connection] = {"smtp_default": mail}
    for merchant in merchants():
        connections[merchant.ftps.connection] = {
            "conn_type": "ftps",
            "host": HOST,
            "port": ports.ftps,
            "login": READER,
            "password": made.ftps[READER],
            "extra": {"ca_file": authority},
        }
    return connections


def store_connection(uri: str, role: str = "postgres") -> Connection:
    """Return the Airflow connection to a database of the demo's PostgreSQL."""
    database = urlsplit(uri).path.removeprefix("/")
    return {"conn_type": "postgres", "host": _socket_folder(uri), "login": role, "schema": database}


def _socket_folder(uri: str) -> str:
    hosts: Sequence[str] = parse_qs(urlsplit(uri).query)["host"]
    return hosts[0]
