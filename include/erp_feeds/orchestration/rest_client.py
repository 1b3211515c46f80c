"""Airflow's public REST API, as far as this project speaks it: log in, health, DAGs, runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from erp_feeds.errors import FailError, RetryError

TIMEOUT = 20.0
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
UNFINISHED = ("queued", "running")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REFUSED = (400, 403, 404, 409, 422)
"""Answers that the same call would get again."""


def address_of(parts: Mapping[str, Any]) -> str:
    """Return the address that host, port and schema of a connection mean; the host may be one already."""
    host = str(parts.get("host") or "")
    if "://" in host:
        return host
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{parts.get('schema') or 'http'}://{host}{port}"


class AirflowApi:
    """One server, one user."""

    def __init__(self, address: str, password: str, user: str = "admin") -> None:
        if urlsplit(address).scheme not in ("http", "https"):
            raise FailError(f"'{address}' is no address of Airflow: write http(s)://host:port", "address")
        self.address = address.rstrip("/")
        self._login = {"username": user, "password": password}
        self._token = ""
        here = urlsplit(address).hostname in LOOPBACK  # no proxy knows a server on this machine
        self._opener = build_opener(ProxyHandler({}) if here else ProxyHandler())

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

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether a DAG's runs wait until it is switched on."""
        return bool(self._call("GET", f"/api/v2/dags/{dag_id}")["is_paused"])

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any], note: str) -> None:
        """Start a run of a DAG.

        Raises:
            FailError: Airflow knows no such DAG, or refuses the configuration or the user.
        """
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf), "note": note}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return queued, running, success or failed."""
        return str(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"])

    def link(self, dag_id: str, run_id: str) -> str:
        """Return the address of a run's page in Airflow's UI."""
        return f"{self.address}/dags/{dag_id}/runs/{quote(run_id, safe='')}"

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
            FailError: the server refuses this call, or the user.
        """
        if not anonymous and not self._token:
            self._log_in()
        try:
            return self._send(method, path, body)
        except HTTPError as error:
            if error.code != 401 or anonymous:
                raise _fault(method, path, error) from None
        self._log_in()
        try:
            return self._send(method, path, body)
        except HTTPError as error:
            raise _fault(method, path, error) from None

    def _log_in(self) -> None:
        self._token = ""
        try:
            self._token = self._send("POST", "/auth/token", self._login)["access_token"]
        except HTTPError as error:
            if error.code in (401, 403):
                raise FailError(f"{self.address} does not know this login or password", "login") from None
            raise _fault("POST", "/auth/token", error) from None

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, headers, method=method)  # noqa: S310 - see __init__
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError:
            raise
        except (URLError, OSError, ValueError) as error:
            raise RetryError(f"Airflow does not answer at {self.address}: {error}", "api") from None


def _fault(method: str, path: str, error: HTTPError) -> FailError | RetryError:
    """Return what an answer means for the caller, with Airflow's own words where it refuses."""
    if error.code not in REFUSED:
        return RetryError(f"{method} {path}: {error}", "api")
    try:
        detail = json.loads(error.read())["detail"]
    except (ValueError, KeyError, TypeError, OSError):
        detail = error.reason
    return FailError(f"Airflow refuses {method} {path} ({error.code}): {detail}", "api")
