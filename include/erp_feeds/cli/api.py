"""Where the command line finds Airflow's REST API: the connection that the settings name."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from erp_feeds.cli.connections import know_connections
from erp_feeds.errors import ConfigurationError

if TYPE_CHECKING:
    from erp_feeds.orchestration.rest_client import AirflowApi


def airflow_api() -> AirflowApi:
    """Return the server, which has not been called yet.

    Raises:
        ConfigurationError: Airflow has no such connection.
    """
    know_connections()
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    from erp_feeds.orchestration.rest_client import AirflowApi, address_of
    from erp_feeds.settings import settings

    name = settings().airflow_connection
    try:
        with redirect_stdout(sys.stderr):  # Airflow's remarks must not mix with the answer
            known = BaseHook.get_connection(name)
    except AirflowException:
        raise ConfigurationError(
            f"no Airflow found: `make run` starts one; for your own make the Airflow connection '{name}' "
            f"of type http, or set AIRFLOW_CONN_{name.upper()}=http://user:password@host:8080",
            "no_airflow",
        ) from None
    return AirflowApi(
        address_of(known.host, known.port, known.schema), known.password or "", known.login or ""
    )
