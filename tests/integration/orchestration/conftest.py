"""What the tests of Airflow's side share: a server that takes the notes of runs as Airflow's API does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from erp_feeds.settings import settings


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The notes that runs have got, by the path of the run; the server is behind an Airflow connection."""
    taken: dict[str, str] = {}

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._asked()
            self._answer({"access_token": "known"})

        def do_PATCH(self) -> None:
            taken[urlsplit(self.path).path] = self._asked()["note"]  # before the test goes on
            self._answer({})

        def _asked(self) -> dict[str, str]:
            asked: dict[str, str] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return asked

        def _answer(self, answer: dict[str, str]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever).start()
        address = f"http://admin:secret@127.0.0.1:{server.server_port}"
        monkeypatch.setenv(f"AIRFLOW_CONN_{settings().airflow_connection.upper()}", address)
        yield taken
        server.shutdown()
