"""The client of Airflow's API, against a server on this machine that pages as Airflow does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from erp_feeds.orchestration.rest_client import AirflowApi

LONGEST_PAGE = 100
"""Airflow's default of `[api] maximum_page_limit`."""
DAGS = {f"shop_{number:03}": number % 3 == 0 for number in range(250)}


class Pages(BaseHTTPRequestHandler):
    """Answers with a page of the DAGs."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        start = int(asked.get("offset", ["0"])[0])
        end = start + min(int(asked["limit"][0]), LONGEST_PAGE)
        page = [{"dag_id": name, "is_paused": paused} for name, paused in [*DAGS.items()][start:end]]
        body = json.dumps({"dags": page, "total_entries": len(DAGS)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_all_dags_are_returned_also_where_they_fill_several_pages(address: str) -> None:
    with AirflowApi(address, token="known") as api:
        assert api.dags() == DAGS


def test_no_connection_is_left_open() -> None:
    class Kept(Pages):
        """Keeps a connection open for the next request, as Airflow's server does."""

        protocol_version = "HTTP/1.1"
        ended = Event()

        def finish(self) -> None:
            super().finish()
            self.ended.set()

    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as server:
        Thread(target=server.serve_forever).start()
        with AirflowApi(f"http://127.0.0.1:{server.server_port}", token="known") as api:
            assert api.dags() == DAGS
            assert not Kept.ended.is_set()
        assert Kept.ended.wait(10)
        server.shutdown()
    with pytest.raises(RuntimeError, match="closed"):
        api.dags()
