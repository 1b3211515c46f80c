"""The doctor and `create-folders` on a real server and store: each fault is found where it is, and named."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pyftpdlib.handlers import FTPHandler
from typer.testing import CliRunner, Result

from erp_feeds.cli import app
from erp_feeds.demo.certificates import certificates
from erp_feeds.store import inbox_scans
from support import odd_servers
from support.ftps_fixtures import PASSWORD, RunningFtps
from support.merchants import facts_of

Connect = Callable[..., str]
STEPS = (
    "connection", "name", "port", "tls", "certificate", "login", "folders", "listing",
    "rights", "download", "staging", "archive", "store", "last scan", "airflow", "alerts",
)  # fmt: skip
SERVER = STEPS[:10]


class Patient:
    """A merchant file, and the command line that examines it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "testshop.yaml"
        self.runner = CliRunner()

    def write(self, feedback: dict[str, str] | None = None, **ftps: Any) -> None:
        facts = facts_of(
            ftps={"connection": "testshop_ftps", "root": "\\testshop\\", **ftps},
            interfaces={"srs_customers": {}, "erp_cache_customers": {}},
            alerts={"apprise": ["chat"]},
            **({"feedback": feedback} if feedback else {}),
        )
        self.file.write_text(json.dumps(facts), "utf-8")

    def run(self, *arguments: str) -> Result:
        return self.runner.invoke(app, list(arguments))

    def findings(self) -> dict[str, tuple[str, str]]:
        """Step -> its state, and what it says."""
        result = self.run("doctor", "testshop", "--json")
        assert result.stdout, result.exception
        found = {each["step"]: (each["state"], each["text"]) for each in json.loads(result.stdout)}
        assert tuple(step for step in found if step != "feedback") == STEPS
        assert result.exit_code == any(state == "wrong" for state, _ in found.values())
        assert PASSWORD not in result.output
        return found

    def wrong(self, step: str) -> str:
        """Return what the only wrong step says; those behind it on the way are not checked."""
        found = self.findings()
        assert [name for name, (state, _) in found.items() if state == "wrong"] == [step]
        behind = SERVER[SERVER.index(step) + 1 :] if step in SERVER else ()
        assert {found[name] for name in behind} <= {("not checked", f"because of {step}")}
        return found[step][1]


@pytest.fixture
def patient(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ftps: RunningFtps,
    ftps_connection: Connect,
    store: psycopg.Connection,
) -> Patient:
    folder = tmp_path / "merchants"
    folder.mkdir()
    monkeypatch.setenv("ERP_FEEDS_MERCHANTS", str(folder))
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", '{"conn_type": "apprise"}')
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://localhost:8080")
    ftps_connection()
    (ftps.root / "testshop").mkdir()
    found = Patient(folder)
    found.write()
    return found


def test_a_sound_merchant_is_ok_from_end_to_end(
    patient: Patient, ftps: RunningFtps, store: psycopg.Connection
) -> None:
    patient.write(after_load="move")
    patient.run("create-folders", "testshop")
    upload = ftps.root / "testshop" / "srs" / "TestShop_SRS_Customers_1.zip"
    upload.write_bytes(b"x" * 1_234)
    inbox_scans.succeeded(store, ["testshop"])
    found = patient.findings()
    assert {step for step, (state, _) in found.items() if state != "ok"} == {"airflow"}
    assert found["airflow"][0] == "not checked"
    assert found["port"][1].endswith("is open at 127.0.0.1")
    assert found["certificate"][1].startswith("verified for localhost")
    assert "MLSD, 3 names" in found["listing"][1]
    assert "1,234 bytes" in found["download"][1]
    assert {path.name for path in upload.parent.rglob("*")} == {upload.name, "processed"}
    text = patient.run("doctor", "testshop").output
    assert [line.split("  ")[0] for line in text.splitlines()] == list(STEPS)


@pytest.mark.parametrize("path", ["srs/testshop_SRS_Customers_1.zip", "TestShop_SRS_Customers_1.zip"])
def test_a_file_that_is_never_taken_is_told_with_what_is_expected(
    patient: Patient, ftps: RunningFtps, path: str
) -> None:
    patient.run("create-folders", "testshop")
    (ftps.root / "testshop" / path).write_bytes(b"x")
    state, said = patient.findings()["listing"]
    assert state == "warning"
    assert path in said
    assert "srs/TestShop_SRS_Customers_<index>.zip" in said


def test_a_file_of_a_shop_that_no_merchant_there_has_is_told(patient: Patient, ftps: RunningFtps) -> None:
    """Else a shop name that the sender writes in its own way is never heard of."""
    patient.run("create-folders", "testshop")
    (ftps.root / "testshop" / "srs" / "Test_Shop_SRS_Customers_1.zip").write_bytes(b"x")
    state, said = patient.findings()["listing"]
    assert state == "warning"
    assert "1 file of another shop, such as /testshop/srs/Test_Shop_SRS_Customers_1.zip" in said
    shared = {**json.loads(patient.file.read_text("utf-8")), "name": "other", "shop_name": "Test_Shop"}
    patient.file.with_name("other.yaml").write_text(json.dumps(shared), "utf-8")
    assert patient.findings()["listing"][0] == "ok"


def test_a_result_file_is_tried_where_the_erp_party_gets_some(patient: Patient, ftps: RunningFtps) -> None:
    patient.write(feedback={"folder": "Results"})
    assert patient.findings()["feedback"] == ("ok", "result files can be uploaded to /testshop/Results")
    assert list((ftps.root / "testshop" / "Results").iterdir()) == []


def test_a_folder_for_results_that_takes_none_is_told(patient: Patient, ftps: RunningFtps) -> None:
    patient.write(feedback={"folder": "Results"})
    (ftps.root / "testshop" / "Results").write_bytes(b"a file where the folder should be")
    assert "Results" in patient.findings()["feedback"][1]
    assert patient.findings()["feedback"][0] == "wrong"


def test_missing_folders_are_no_error_and_a_command_makes_them(patient: Patient, ftps: RunningFtps) -> None:
    state, said = patient.findings()["folders"]
    assert state == "warning"
    assert "erp_feeds create-folders testshop" in said
    assert patient.run("create-folders", "testshop", "srs").output == "/testshop/srs: made\n"
    assert [path.name for path in (ftps.root / "testshop").iterdir()] == ["srs"]
    (ftps.root / "testshop" / "srs" / "kept.zip").write_bytes(b"x")
    assert (
        patient.run("create-folders", "testshop", "srs_customers").output
        == "/testshop/srs: is there already\n"
    )
    assert (ftps.root / "testshop" / "srs" / "kept.zip").exists()
    assert json.loads(patient.run("create-folders", "testshop", "--json").stdout) == [
        {"folder": "/testshop/ErpCache", "made": True},
        {"folder": "/testshop/srs", "made": False},
    ]
    assert patient.findings()["folders"][0] == "ok"


def test_create_folders_says_what_it_does_not_know(patient: Patient) -> None:
    result = patient.run("create-folders", "testshop", "srss")
    assert (result.exit_code, "did you mean 'srs'?" in result.output) == (1, True)
    patient.write(root="/nowhere/at/all")
    assert patient.run("create-folders", "testshop", "srs").output == (
        "/nowhere: made\n/nowhere/at: made\n/nowhere/at/all: made\n/nowhere/at/all/srs: made\n"
    )
    assert "did you mean 'testshop'?" in patient.run("create-folders", "testshp").output


@pytest.mark.parametrize(
    ("changes", "step", "said"),
    [
        ({"host": ""}, "connection", "names no host"),
        ({"extra": {"tls": "both"}}, "connection", "tls"),
        ({"host": "nowhere.invalid"}, "name", "is 'host' right?"),
        ({"port": 1}, "port", "is 'port' right"),
        ({"extra": {"tls": "implicit"}}, "tls", "set the extra tls to 'explicit'"),
        ({"password": "wrong-" + PASSWORD}, "login", "correct login and password"),
    ],
)
def test_a_wrong_connection_is_found_where_it_is_wrong(
    patient: Patient, ftps_connection: Connect, changes: dict[str, Any], step: str, said: str
) -> None:
    ftps_connection(**changes)
    assert said in patient.wrong(step)


def test_a_connection_that_does_not_exist(patient: Patient) -> None:
    patient.write(connection="nobody_made_it")
    assert "create it with type ftps" in patient.wrong("connection")


def test_a_certificate_of_an_unknown_authority(
    patient: Patient, ftps_connection: Connect, tmp_path: Path
) -> None:
    other = str(certificates(tmp_path / "other").ca)
    ftps_connection(extra={"ca_file": other})
    assert "'ca_file'" in patient.wrong("tls")
    ftps_connection(extra={"ca_file": other, "verify": False})
    state, said = patient.findings()["certificate"]
    assert (state, "NOT verified" in said) == ("warning", True)


def test_a_server_without_tls(patient: Patient, ftps: RunningFtps) -> None:
    ftps.server.handler.proto_cmds = FTPHandler.proto_cmds
    assert "offers no TLS" in patient.wrong("tls")


def test_a_root_that_does_not_exist(patient: Patient) -> None:
    patient.write(root="/nowhere")
    assert "correct ftps.root" in patient.wrong("folders")


def test_a_user_who_may_only_read(patient: Patient, ftps: RunningFtps) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    ftps.server.handler.authorizer.permissions = "elr"
    assert patient.findings()["rights"][0] == "ok"  # files are left there
    patient.write(after_load="delete")
    state, said = patient.findings()["rights"]
    assert (state, "may not place a file" in said) == ("warning", True)


def test_storage_that_cannot_be_written(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ERP_FEEDS_ARCHIVE", f"file://{tmp_path}/file/archive")
    assert "cannot be written" in patient.wrong("archive")


def test_a_store_that_is_not_migrated(patient: Patient, store: psycopg.Connection) -> None:
    store.execute("UPDATE alembic_version SET version_num = '0001'")
    store.commit()
    assert "erp_feeds migrate" in patient.wrong("store")


def test_a_server_that_leaves_names_out_is_told(
    patient: Patient, ftps: RunningFtps, monkeypatch: pytest.MonkeyPatch
) -> None:
    from erp_feeds.ftps import folder

    monkeypatch.setattr(folder, "is_truncation", lambda reply: reply.startswith("226"))
    (ftps.root / "testshop" / "srs").mkdir()
    state, said = patient.findings()["listing"]
    assert state == "warning"
    assert "leaves names out in" in said


@pytest.mark.parametrize(
    ("reply", "state", "advice"),
    [
        ("452 No space", "wrong", "its disk is full: ask for room there"),
        ("552 Quota", "warning", "the quota of this user is used up: ask for room there"),
        ("550 No rights", "warning", "the rights of this user there"),
        ("332 Account?", "warning", "ask for a user that needs none"),
    ],
)
def test_an_upload_that_the_server_refuses_is_answered_with_what_to_change(
    patient: Patient, ftps: RunningFtps, reply: str, state: str, advice: str
) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    patient.write(after_load="delete")
    ftps.server.handler.ftp_STOR = lambda self, *_, **__: self.respond(reply)
    found, text = patient.findings()["rights"]
    assert (found, advice in text) == (state, True), text
    assert reply in text
    assert list((ftps.root / "testshop" / "srs").iterdir()) == []


def test_a_login_that_wants_an_account_is_told(patient: Patient, ftps: RunningFtps) -> None:
    ftps.server.handler.ftp_PASS = lambda self, _: self.respond("332 Account?")
    assert "ask for a user that needs none" in patient.wrong("login")


def test_passive_ports_that_are_closed_are_told_from_a_closed_port(
    patient: Patient, ftps: RunningFtps
) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    (ftps.root / "testshop" / "ErpCache").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    reply = f"227 Entering passive mode (127,0,0,1,{closed // 256},{closed % 256})."
    ftps.server.handler.ftp_PASV = lambda self, _: self.respond(reply)
    assert "passive ports are closed on the way: ask for them to be opened" in patient.wrong("listing")


def test_a_server_that_never_ends_tls_is_told_with_the_extra(
    patient: Patient, ftps: RunningFtps, ftps_connection: Connect
) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    (ftps.root / "testshop" / "ErpCache").mkdir()
    odd_servers.ends_no_tls(ftps.server)
    assert "set the extra 'close_notify' to false" in patient.wrong("listing")
    ftps_connection(extra={"close_notify": False})
    state, text = patient.findings()["listing"]
    assert (state, "a listing that is cut shows fewer names" in text) == ("warning", True)


@pytest.mark.parametrize("missing", [("SIZE",), ("MDTM",), ("SIZE", "MDTM")], ids="-".join)
def test_a_server_without_size_or_time_may_not_be_cleared(
    patient: Patient, ftps: RunningFtps, missing: tuple[str, ...]
) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    odd_servers.without(ftps.server, *missing)
    assert patient.findings()["rights"][0] == "ok"  # files are left there
    patient.write(after_load="delete")
    text = patient.wrong("rights")
    assert f"does not answer {' and '.join(missing)}" in text
    assert "set ftps.after_load to 'leave'" in text
    assert list((ftps.root / "testshop" / "srs").iterdir()) == []


def test_a_rename_that_is_refused_leaves_nothing_behind(patient: Patient, ftps: RunningFtps) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    patient.write(after_load="move")
    renamed = ftps.server.handler.ftp_RNTO

    def refusing(self: Any, path: str) -> Any:
        return self.respond("550 Not there.") if "processed" in path else renamed(self, path)

    ftps.server.handler.ftp_RNTO = refusing
    assert "the rights of this user there" in patient.wrong("rights")
    assert [path.name for path in (ftps.root / "testshop" / "srs").rglob("*")] == ["processed"]


def test_a_folder_that_may_not_be_listed_is_not_called_missing(patient: Patient, ftps: RunningFtps) -> None:
    (ftps.root / "testshop" / "srs").mkdir()
    enter = ftps.server.handler.ftp_CWD

    def refusing(self: Any, path: str) -> Any:
        return self.respond("550 Permission denied.") if path.endswith("srs") else enter(self, path)

    ftps.server.handler.ftp_CWD = refusing
    assert "may not list /testshop/srs" in patient.wrong("folders")
