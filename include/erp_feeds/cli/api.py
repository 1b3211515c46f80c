"""Where the command line finds Airflow's REST API: the connection that the settings name."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from erp_feeds.cli.connections import know_connections

if TYPE_CHECKING:
    from erp_feeds.orchestration.rest_client import AirflowApi


def airflow_api() -> AirflowApi:
    """Return the server, which has not been called yet.

    Raises:
        ConfigurationError: Airflow has no such connection.
    """
    know_connections()
    from erp_feeds.orchestration import rest_client

    with redirect_stdout(sys.stderr):  # Airflow's remarks must not mix with the answer
        return rest_client.airflow_api()
