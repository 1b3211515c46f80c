"""Replays that pages and the API start, by an Airflow that is asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from erp_feeds.store import audit
from erp_feeds.web import changes
from integration.web.conftest import SAME_ORIGIN, Ask
from support.shop_fixtures import Shop

REPLAYS = "/api/v1/merchants/testshop/replays"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, filled: Shop) -> Iterator[list[dict[str, Any]]]:
    """What an Airflow of its own is asked to start, one file a run; it is busy from the third on."""
    asked: list[dict[str, Any]] = []

    class Airflow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(503 if len(asked) > 2 else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    limits = filled.merchant.limits.model_copy(update={"files_per_run": 1})
    one_a_run = filled.merchant.model_copy(update={"limits": limits})
    monkeypatch.setattr(changes, "configured", lambda _: one_a_run)
    with ThreadingHTTPServer(("127.0.0.1", 0), Airflow) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_AIRFLOW", f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()


def test_the_audit_says_how_many_files_of_a_replay_were_started(
    ask: Ask, filled: Shop, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def replay() -> tuple[int, str, str]:
        asked = {"since": "2017-01-01"}
        answer = ask("admin").post(REPLAYS, json=asked, headers=SAME_ORIGIN)
        entry = audit.listed(filled.store, "testshop", limit=1)[0]
        return answer.status_code, entry.action, entry.subject

    assert replay() == (503, "replay started", "2 of 4 files")
    assert replay() == (503, "replay could not be started", "0 of 4 files")
    del runs[:]
    monkeypatch.setattr(changes, "MAX_RUNS", 2)
    assert replay()[0] == 422
    assert not runs
    allowed = {"interface": "srs_customers", "since": "2017-01-01"}
    answer = ask("admin").post(REPLAYS, json=allowed, headers=SAME_ORIGIN)
    assert ([each["files"] for each in answer.json()], len(runs)) == ([1], 1)
    entry = audit.listed(filled.store, "testshop", limit=1)[0]
    assert (entry.action, entry.subject) == ("replay started", "1 file")
