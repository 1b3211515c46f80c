"""Airflow's public REST API, as far as the demo speaks it: log in, health, DAGs, runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from erp_feeds.errors import RetryError

TIMEOUT = 20.0
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
UNFINISHED = ("queued", "running")


class AirflowApi:
    """One server, one user."""

    def __init__(self, address: str, password: str, user: str = "admin") -> None:
        self.address = address
        self._login = {"username": user, "password": password}
        self._token = ""
        self._opener = build_opener(ProxyHandler({}))  # the server is on this machine: no proxy knows it

    def unhealthy(self) -> list[str]:
        """Return the components without a heartbeat; all of them while the server does not answer."""
        try:
            health = self._call("GET", "/api/v2/monitor/health", anonymous=True)
        except RetryError:
            return ["api-server", *COMPONENTS]
        return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]

    def dags(self) -> dict[str, bool]:
        """Return the id of every DAG that Airflow knows, and whether it is paused."""
        found = self._call("GET", "/api/v2/dags?limit=1000")["dags"]
        return {dag["dag_id"]: bool(dag["is_paused"]) for dag in found}

    def import_errors(self) -> list[str]:
        """Return what Airflow could not import, as file and text."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip()}" for error in found]

    def unpause(self, dag_id: str) -> None:
        """Switch a DAG on."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", {"is_paused": False})

    def runs(self, dag_id: str, states: Sequence[str], since: datetime | None = None) -> list[str]:
        """Return the ids of a DAG's runs in any of these states, of those begun since a moment."""
        inputs = [("limit", "100"), *(("state", state) for state in states)]
        if since:
            inputs.append(("start_date_gte", since.isoformat()))
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?{urlencode(inputs)}")["dag_runs"]
        return [run["dag_run_id"] for run in found]

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, anonymous: bool = False
    ) -> Any:
        """Call the API, logging in first and again when the token has run out.

        Raises:
            RetryError: the server does not answer, or answers with a fault.
        """
        if not anonymous and not self._token:
            self._token = self._send("POST", "/auth/token", self._login)["access_token"]
        try:
            return self._send(method, path, body)
        except HTTPError as error:
            if error.code != 401 or anonymous:
                raise RetryError(f"{method} {path}: {error}", "api") from None
        self._token = ""
        try:
            self._token = self._send("POST", "/auth/token", self._login)["access_token"]
            return self._send(method, path, body)
        except HTTPError as error:
            raise RetryError(f"{method} {path}: {error}", "api") from None

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, headers, method=method)  # noqa: S310 - http on this machine
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError:
            raise
        except (URLError, OSError, ValueError) as error:
            raise RetryError(f"{method} {path}: {error}", "api") from None
