"""Airflow's public REST API, as far as this project speaks it: log in, health, DAGs, runs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

import httpx

from erp_feeds.errors import ConfigurationError, FailError, RetryError
from erp_feeds.settings import settings

TIMEOUT_SECONDS = 20.0
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
UNFINISHED = ("queued", "running")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REFUSED = (400, 403, 404, 409, 422)
"""Answers that the same call would get again."""


def address_of(host: str | None, port: int | None, schema: str | None) -> str:
    """Return the address that host, port and schema of a connection mean; the host may be one already."""
    if host and "://" in host:
        return host
    return f"{schema or 'http'}://{host or ''}" + (f":{port}" if port else "")


def airflow_api() -> AirflowApi:
    """Return the server that the settings' Airflow connection names; it has not been called yet.

    Raises:
        ConfigurationError: Airflow has no such connection.
    """
    known = _connection()
    if known is None:
        name = settings().airflow_connection
        raise ConfigurationError(
            f"no Airflow found: `make run` starts one; for your own make the Airflow connection '{name}' "
            f"of type http, or set AIRFLOW_CONN_{name.upper()}=http://user:password@host:8080",
            "no_airflow",
        )
    return AirflowApi(
        address_of(known.host, known.port, known.schema), known.password or "", known.login or ""
    )


def airflow_api_as(token: str) -> AirflowApi:
    """Return the server as the owner of a token: at the address of the connection, else its own.

    Raises:
        ConfigurationError: Airflow has no such connection, and does not know its own address.
    """
    from erp_feeds.orchestration.links import base_url

    known = _connection()
    address = address_of(known.host, known.port, known.schema) if known else base_url()
    if not address:
        raise ConfigurationError(
            "no run can be started: Airflow does not know its own address; set [api] base_url in airflow.cfg",
            "no_airflow",
        )
    return AirflowApi(address, token=token)


def _connection() -> Any:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    try:
        return BaseHook.get_connection(settings().airflow_connection)
    except AirflowException:
        return None


class AirflowApi:
    """One server, one user; as a context manager it leaves no connection open."""

    def __init__(self, address: str, password: str = "", user: str = "admin", *, token: str = "") -> None:
        if not address.startswith(("http://", "https://")):
            raise FailError(f"'{address}' is no address of Airflow: write http(s)://host:port", "address")
        self.address = address.rstrip("/")
        is_here = httpx.URL(address).host in LOOPBACK  # no proxy knows a server on this machine
        self._client = httpx.Client(
            base_url=self.address,
            auth=_Login(self.address, {"username": user, "password": password}, token),
            timeout=TIMEOUT_SECONDS,
            trust_env=not is_here,
            verify=self.address.startswith("https"),  # reading the authorities costs as much as the request
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; nothing can be asked any more."""
        self._client.close()

    def unhealthy(self) -> list[str]:
        """Return the components without a heartbeat; all of them while the server does not answer."""
        try:
            health = self.call("GET", "/api/v2/monitor/health", auth=None)
        except RetryError:
            return ["api-server", *COMPONENTS]
        return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]

    def dags(self, pattern: str = "") -> dict[str, bool]:
        """Return the ids of the DAGs that Airflow knows, of those that hold a text, and which are paused."""
        found: dict[str, bool] = {}
        while True:  # page by page: Airflow returns 100 at most, however many are asked for
            wanted = {"offset": len(found), "order_by": "dag_id", "dag_id_pattern": pattern or None}
            page = self.call("GET", "/api/v2/dags", params={**wanted, "limit": 1000})
            found |= {dag["dag_id"]: bool(dag["is_paused"]) for dag in page["dags"]}
            if not page["dags"] or len(found) >= page["total_entries"]:
                return found

    def import_errors(self) -> list[str]:
        """Return what Airflow could not import, as file and text."""
        found = self.call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip()}" for error in found]

    def unpause(self, dag_id: str) -> None:
        """Switch a DAG on."""
        self.call(
            "PATCH", f"/api/v2/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": False}
        )

    def is_paused(self, dag_id: str) -> bool:
        """Return whether a DAG's runs wait until it is switched on."""
        return bool(self.call("GET", f"/api/v2/dags/{dag_id}")["is_paused"])

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any], note: str) -> None:
        """Start a run of a DAG.

        Raises:
            FailError: Airflow knows no such DAG, or refuses the configuration or the user.
        """
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf), "note": note}
        self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)

    def note(self, dag_id: str, run_id: str, text: str) -> None:
        """Set the note of a run."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        self.call("PATCH", path, params={"update_mask": "note"}, json={"note": text})

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return queued, running, success or failed."""
        return str(self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"])

    def link(self, dag_id: str, run_id: str) -> str:
        """Return the address of a run's page in Airflow's UI."""
        return f"{self.address}/dags/{dag_id}/runs/{quote(run_id, safe='')}"

    def runs(self, dag_id: str, states: Sequence[str], since: datetime | None = None) -> list[str]:
        """Return the ids of a DAG's runs in any of these states, of those begun since a moment."""
        wanted: dict[str, Any] = {"limit": 100, "state": list(states)}
        if since:
            wanted["start_date_gte"] = since.isoformat()
        found = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=wanted)["dag_runs"]
        return [run["dag_run_id"] for run in found]

    def last_run(self, dag_id: str) -> tuple[str, str] | None:
        """Return id and state of a DAG's latest run; None before the first."""
        wanted = {"limit": 1, "order_by": "-run_after"}
        found = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=wanted)["dag_runs"]
        return (found[0]["dag_run_id"], found[0]["state"]) if found else None

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call the API.

        Raises:
            RetryError: the server does not answer, or answers with an error.
            FailError: the server refuses this call, or the user.
        """
        try:
            answer = self._client.request(method, path, **request)
            if answer.is_success:
                return answer.json() if answer.content else None
        except (httpx.HTTPError, ValueError) as error:
            raise RetryError(f"Airflow does not answer at {self.address}: {error}", "api") from None
        raise _error(method, path, answer)


class _Login(httpx.Auth):
    """Logs in before the first call, and again when the token has run out."""

    requires_response_body = True

    def __init__(self, address: str, login: Mapping[str, str], token: str) -> None:
        self._address = address
        self._login = login
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token, and once more with a new one where the server wants another."""
        for is_stale in (not self._token, True):
            if is_stale:
                answer = yield httpx.Request("POST", f"{self._address}/auth/token", json=self._login)
                if answer.status_code in (401, 403):
                    raise FailError(f"{self._address} does not know this login or password", "login")
                self._token = answer.raise_for_status().json()["access_token"]
            request.headers["Authorization"] = f"Bearer {self._token}"
            answer = yield request
            if answer.status_code != 401:
                return


def _error(method: str, path: str, answer: httpx.Response) -> FailError | RetryError:
    """Return what an answer means for the caller, with Airflow's own words where it refuses."""
    if answer.status_code not in REFUSED:
        return RetryError(f"{method} {path}: {answer.status_code} {answer.reason_phrase}", "api")
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    return FailError(f"Airflow rejects {method} {path} ({answer.status_code}): {detail}", "api")
