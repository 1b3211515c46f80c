"""Alerts reach a real mail server and a real HTTP endpoint, once, and say what people need to know."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from erp_feeds.cli import app
from erp_feeds.codes import QuarantineCode
from erp_feeds.demo import mail
from erp_feeds.errors import FailError, FeedError, NotAllLoadedError, RetryError
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration import alerts, channels
from erp_feeds.orchestration.plain_failure import PlainFailure
from erp_feeds.orchestration.trigger_form import trigger_form
from erp_feeds.store import inbox_scans, incidents, ledger
from support.store_feed import TESTSHOP, Feed, customers

SHOP = TESTSHOP.model_copy(update={"title": "Test Shop & Co"})
RUN = "asset_triggered__2026-03-02T11:00:00+00:00"


class Receivers:
    """A mail server and an HTTP endpoint, and what they got."""

    def __init__(self, mails: Path, posted: list[dict[str, Any]]) -> None:
        self._mails = mails
        self.posted = posted

    def mails(self) -> list[EmailMessage]:
        found = (
            message_from_bytes(path.read_bytes(), policy=default)
            for path in sorted(self._mails.glob("*.eml"))
        )
        return [each for each in found if isinstance(each, EmailMessage)]

    def subjects(self) -> list[str]:
        return [str(each["Subject"]) for each in self.mails()]


@pytest.fixture
def receivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receivers]:
    """Both servers, behind Airflow connections."""
    posted: list[dict[str, Any]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    endpoint = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=endpoint.serve_forever)
    thread.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mailbox = Controller(mail.Mailbox(tmp_path / "mail"), hostname="127.0.0.1", port=port)
    mailbox.start()
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": port}
    smtp["extra"] = {"disable_tls": True, "disable_ssl": True}
    chat = {"path": f"json://127.0.0.1:{endpoint.server_port}/", "tag": "alerts"}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(smtp))
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps({"conn_type": "apprise", "extra": {"config": chat}}))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/")
    yield Receivers(tmp_path / "mail", posted)
    mailbox.stop()
    endpoint.shutdown()
    thread.join()
    endpoint.server_close()


@pytest.fixture
def merchant() -> Merchant:
    told = {"email": ["oncall@example.com"], "apprise": ["chat"]}
    return Merchant.model_validate({**SHOP.model_dump(mode="json"), "alerts": told})


@pytest.fixture
def feed(store: psycopg.Connection) -> Feed:
    return Feed(store)


def context(
    fault: Exception, task: str, run_type: str = "asset_triggered", **params: object
) -> dict[str, Any]:
    run = SimpleNamespace(run_type=run_type, run_id=RUN)
    raised = PlainFailure(fault) if isinstance(fault, FeedError) else fault
    form = {**dict.fromkeys(trigger_form("UTC")), **params}
    return {"exception": raised, "ti": SimpleNamespace(task_id=task), "dag_run": run, "params": form}


def test_what_a_replay_has_loaded_is_over_as_soon_as_its_run_is(
    feed: Feed, merchant: Merchant, receivers: Receivers
) -> None:
    file = feed.file("srs_customers", 1)
    ledger.quarantine(feed.connection, file, RUN, QuarantineCode.TRUNCATED, "at byte 12")
    alerts.on_failure(merchant)(context(NotAllLoadedError("1 file", "not_all_loaded"), "report"))
    feed.load(file, customers())
    success = alerts.on_success(merchant)
    success({"ti": SimpleNamespace(task_id="sense")})
    assert len(incidents.listed(feed.connection)) == 1  # nothing is compared before the run has loaded
    success({"ti": SimpleNamespace(task_id="report")})
    assert incidents.listed(feed.connection) == []
    assert receivers.subjects()[1:] == ["Test Shop & Co: resolved: 1 file quarantined"]
    assert alerts.review(merchant) == []
    assert len(receivers.subjects()) == 2


def test_a_failed_report_alerts_once_by_every_channel_and_so_does_the_end(
    feed: Feed, merchant: Merchant, receivers: Receivers
) -> None:
    files = [feed.file("srs_customers", index, str(index)) for index in range(1, 21)]
    for file in files:
        ledger.quarantine(feed.connection, file, RUN, QuarantineCode.TRUNCATED, "at <byte> 12")
    fail = alerts.on_failure(merchant)
    fail(context(NotAllLoadedError("20 files", "not_all_loaded"), "report"))
    fail(context(NotAllLoadedError("20 files", "not_all_loaded"), "report", "manual"))
    assert alerts.review(merchant) == []

    subject = "Test Shop & Co: 20 files quarantined, the sender must send them again"
    assert receivers.subjects() == [subject]
    (sent,) = receivers.mails()
    text, html = (sent.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    for part in (
        "SRS customers: 20 files quarantined",
        "The zip ends too early: the upload was cut, or is still going on. (code truncated)",
        "Since: 20",
        "(Europe/Amsterdam)",
        "For the data: Nothing of these files was loaded",
        "What a file brought before a replay found it bad stays as it is",
        "Who acts: the sender",
        "What to do: Ask the sender to upload the file again",
        f"{files[0].name}, ",
        " and 15 more",
        "https://airflow.example.com/dags/testshop/runs/asset_triggered__2026-03-02T11%3A00%3A00%2B00%3A00",
        "python -m erp_feeds files testshop --state quarantined",
        "Runbook: https://airflow.example.com/erp-feeds/runbook#truncated",
    ):
        assert part in text.get_content()
    assert '<a href="https://airflow.example.com/dags/testshop/runs/asset' in html.get_content()
    assert "at &lt;byte&gt; 12" in html.get_content()
    assert [(each["title"], each["type"]) for each in receivers.posted] == [(subject, "failure")]
    assert "What to do: Ask the sender" in receivers.posted[0]["message"]

    for file in files:
        feed.load(file, customers())
    assert alerts.review(merchant) == []
    assert receivers.subjects()[1:] == ["Test Shop & Co: resolved: 20 files quarantined"]
    assert receivers.posted[1]["type"] == "success"


def test_a_record_with_two_codes_is_one_record_in_the_subject(
    feed: Feed, merchant: Merchant, receivers: Receivers
) -> None:
    file = feed.file("srs_purchases", 1)
    reject = "INSERT INTO rejects (file_id, record, code, field, reason) VALUES (%s, %s, %s, 'date', 'bad')"
    for record, code in ((3, "invalid_date"), (3, "missing_field"), (4, "missing_field")):
        feed.connection.execute(reject, [file.file_id, record, code])
    feed.connection.execute("UPDATE files SET state = 'loaded'")
    feed.connection.commit()
    alerts.review(merchant)
    assert receivers.subjects() == ["Test Shop & Co: 2 records rejected, the sender must correct them"]
    text = receivers.posted[0]["message"]
    assert "SRS purchases: 1 record rejected" in text
    assert "SRS purchases: 2 records rejected" in text  # per code, one of them again

    feed.connection.execute("UPDATE rejects SET resolved_at = now()")
    feed.connection.commit()
    alerts.review(merchant)
    ended = "resolved: records rejected (invalid_date, missing_field)"
    assert receivers.subjects()[1:] == [f"Test Shop & Co: {ended}"]


def test_a_server_that_refuses_is_a_failed_task_and_not_the_outcome_of_a_report(
    merchant: Merchant, receivers: Receivers, feed: Feed
) -> None:
    alerts.on_failure(merchant)(
        context(FailError("the server answers '550 No rights'", "refused"), "download")
    )
    assert receivers.subjects() == ["Test Shop & Co: task download failed, the data engineer must act"]


def test_a_failed_task_names_what_failed_and_ends_with_the_run_that_gets_through(
    feed: Feed, merchant: Merchant, receivers: Receivers
) -> None:
    fail = alerts.on_failure(merchant)
    fail(context(RetryError("the store is not available now"), "load"))
    fail(context(ValueError("Ada Lovelace"), "parse"))
    assert receivers.subjects() == [
        "Test Shop & Co: task load failed, the data engineer must act",
        "Test Shop & Co: task parse failed, the data engineer must act",
    ]
    assert "Reason: the store is not available now" in receivers.posted[0]["message"]
    assert "Reason: ValueError\n" in receivers.posted[1]["message"]
    alerts.on_success(merchant)(context(ValueError(), "report"))
    alerts.review(merchant)
    assert receivers.subjects()[2:] == ["Test Shop & Co: resolved: task load and task parse failed"]


def test_a_typing_error_of_whoever_starts_a_run_alerts_nobody(
    feed: Feed, merchant: Merchant, receivers: Receivers
) -> None:
    fault = FailError("testshop has no archived original of x.zip", "not_archived")
    alerts.on_failure(merchant)(context(fault, "sense", "manual", replay_files=["x.zip"]))
    assert receivers.posted == []
    assert incidents.listed(feed.connection) == []
    alerts.on_failure(merchant)(context(fault, "sense", "scheduled"))
    assert len(receivers.posted) == 1


def test_a_server_that_refuses_a_run_started_by_hand_opens_the_incident_at_once(
    feed: Feed, merchant: Merchant, receivers: Receivers
) -> None:
    refused = "login refused ('530 Authentication failed.'): correct login and password of the connection"
    inbox_scans.failed(feed.connection, [merchant.name], refused)
    alerts.on_failure(merchant)(context(FailError(refused, "login"), "sense", "manual"))
    assert receivers.subjects() == ["Test Shop & Co: inbox out of reach, the data engineer must act"]


def test_without_the_store_a_failed_task_alerts_all_the_same(
    merchant: Merchant, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ERP_FEEDS_STORE", "postgresql://nobody@127.0.0.1:1/none")
    alerts.on_failure(merchant)(context(RetryError("the store is away"), "load"))
    assert receivers.subjects() == ["Test Shop & Co: task load failed, the data engineer must act"]


def test_a_channel_that_fails_is_named_and_the_message_is_due_until_one_takes_it(
    feed: Feed, merchant: Merchant, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.quarantine(feed.connection, feed.file("srs_customers", 1), RUN, QuarantineCode.ENCRYPTED, "locked")
    nowhere = {"conn_type": "smtp", "host": "127.0.0.1", "port": 1, "extra": {"disable_ssl": True}}
    only_mail = merchant.model_copy(update={"alerts": merchant.alerts.model_copy(update={"apprise": ()})})
    with monkeypatch.context() as broken:
        broken.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps({**nowhere, "extra": {"retry_limit": 1}}))
        for _ in range(2):
            assert alerts.review(only_mail) == [
                "no alert was sent by mail by connection 'smtp_default': Connection refused"
            ]
    assert alerts.review(only_mail) == []
    assert receivers.subjects() == ["Test Shop & Co: 1 file quarantined, the sender must send it again"]


def test_doctor_tries_the_channels_and_names_what_is_missing(
    merchant: Merchant, receivers: Receivers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = merchant.model_dump_json(exclude_defaults=True, exclude={"excluded_identifiers"})
    (tmp_path / "testshop.yaml").write_text(text)
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(tmp_path))
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))

    def found(*options: str) -> list[str]:
        # the mail server prints to the same stream
        ran = CliRunner().invoke(app, ["doctor", "testshop", "--json", *options])
        return [
            each["text"]
            for each in json.loads(ran.stdout[ran.stdout.index("[\n") :])
            if each["step"] == "alerts"
        ]

    assert found() == ["the connections are there; --alert sends a test message"]
    assert receivers.posted == []
    assert found("--alert") == [
        "mail by connection 'smtp_default': took a test message",
        "Apprise by connection 'chat': took a test message",
    ]
    assert receivers.subjects() == ["Test Shop & Co: a test of the alerts"]
    assert channels.missing_connections(merchant.alerts) == []
    monkeypatch.delenv("AIRFLOW_CONN_CHAT")
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "http://localhost")
    assert channels.missing_connections(merchant.alerts) == [
        "alerts: Airflow has no connection 'chat' (type apprise): nobody would be alerted by it",
        "alerts: connection 'smtp_default' is of type http, and not smtp",
    ]
