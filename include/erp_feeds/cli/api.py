"""Where the command line finds Airflow's REST API: environment, the demo, or Airflow's connections."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from erp_feeds.cli.connections import has_airflow, know_connections
from erp_feeds.errors import ConfigurationError

if TYPE_CHECKING:
    from erp_feeds.orchestration.rest_client import AirflowApi


def airflow_api() -> AirflowApi:
    """Return the server, which has not been called yet.

    Raises:
        ConfigurationError: neither the environment, nor a demo, nor Airflow knows one.
    """
    from erp_feeds.settings import settings

    connection = settings().airflow_connection
    variable = f"AIRFLOW_CONN_{connection.upper()}"
    if os.environ.get(variable):
        return _from_environment(variable)
    if found := _of_demo():
        return found
    if has_airflow():
        know_connections()
        return _from_airflow(connection)
    raise ConfigurationError(
        f"no Airflow found: `make run` starts one; for your own make the Airflow connection '{connection}' "
        f"of type http, or set {variable}=http://user:password@host:8080",
        "no_airflow",
    )


def _of_demo() -> AirflowApi | None:
    """Return the Airflow of the demo whose state lies in the project's home."""
    from erp_feeds.demo.credentials import Credentials
    from erp_feeds.demo.ports import Ports
    from erp_feeds.orchestration.rest_client import LOOPBACK, AirflowApi
    from erp_feeds.settings import settings

    home = settings().home
    ports, secrets = home / "run" / "ports.json", home / "secrets" / "credentials.json"
    if not ports.exists() or not secrets.exists():
        return None
    port = Ports.model_validate_json(ports.read_text("utf-8")).ui
    password = Credentials.model_validate_json(secrets.read_text("utf-8")).admin_password
    return AirflowApi(f"http://{LOOPBACK[0]}:{port}", password)


def _from_environment(variable: str) -> AirflowApi:
    """Read an Airflow connection from its variable, without the seconds that loading Airflow takes."""
    from erp_feeds.orchestration.rest_client import AirflowApi, address_of

    text = os.environ[variable].strip()
    try:
        if text.startswith("{"):
            data = json.loads(text)
            return AirflowApi(address_of(data), data.get("password") or "", data.get("login") or "")
        parts = urlsplit(text)
        schema = parts.path.strip("/") or parts.scheme  # Airflow writes http://host/https
        address = address_of({"host": parts.hostname, "port": parts.port, "schema": schema})
        return AirflowApi(address, unquote(parts.password or ""), unquote(parts.username or ""))
    except (ValueError, AttributeError):  # their text would show the password
        message = f"{variable} is no connection of type http: write http://user:password@host:8080"
        raise ConfigurationError(message, "invalid_connection") from None


def _from_airflow(connection_id: str) -> AirflowApi:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    from erp_feeds.orchestration.rest_client import AirflowApi, address_of

    try:
        known = BaseHook.get_connection(connection_id)
    except AirflowException:
        message = f"Airflow has no connection '{connection_id}'; add one of type http, to its own API server"
        raise ConfigurationError(message, "no_airflow") from None
    parts = {"host": known.host, "port": known.port, "schema": known.schema}
    return AirflowApi(address_of(parts), known.password or "", known.login or "")
