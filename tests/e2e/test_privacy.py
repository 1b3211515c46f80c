"""A person whom nobody can mistake goes through real Airflow: what it logs, keeps, mails and reports of that.

`tests/integration/test_privacy.py` says what is searched for, and what may be shown.
"""

from __future__ import annotations

from email import message_from_bytes

import pytest

from e2e.test_dag_run import LINE, Deployment, deliver
from support.personal_data import LAST, odd_but_good, refused, rejected, tokens_in

QUOTING = """
    CREATE FUNCTION erp_feeds.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not %', NEW.lastname USING DETAIL = NEW::text, HINT = NEW.lastname; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON erp_feeds.profiles
    FOR EACH ROW EXECUTE FUNCTION erp_feeds.refuse()"""
"""Makes PostgreSQL refuse every new profile in words that quote it."""

pytestmark = pytest.mark.timeout(240)  # takes 30 s; these machines are shared


def metadata(deployment: Deployment) -> dict[str, str]:
    """Every row of Airflow's metadata, as text: XCom, rendered fields, asset events, runs, its own log."""
    tables = deployment.rows("airflow", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = "SELECT t::text FROM {} t"
    return {name: str(deployment.rows("airflow", rows.format(f'"{name}"'))) for (name,) in tables}


def mails(deployment: Deployment) -> dict[str, str]:
    """What was mailed, each part decoded."""
    found = {}
    for path in deployment.mails.glob("*.eml"):
        mail = message_from_bytes(path.read_bytes())
        parts = [part.get_payload(decode=True) or b"" for part in mail.walk() if not part.is_multipart()]
        found[f"mail {path.name}"] = str(mail.items()) + b"".join(parts).decode()  # type: ignore[arg-type]
    return found


def test_a_person_leaves_neither_by_airflow_nor_by_mail_nor_by_lineage(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = odd_but_good(1000)
    some = refused(1200)[::-4]  # each of them walks in the integration test
    deliver(deployment, monkeypatch, *good[1:], *rejected(1100), *some)
    told = deployment.run_dag()
    assert told.tasks == dict.fromkeys(LINE, "success") | {"report": "failed"}, told.output[-3000:]
    deployment.execute("erp_feeds", QUOTING)
    deliver(deployment, monkeypatch, good[0])
    failed = deployment.run_dag()
    assert failed.tasks["load"] == "failed", failed.output[-3000:]

    home = deployment.mails.parent
    written = [
        path
        for path in (*home.glob("logs/**/*"), *home.glob("lineage/*"), home / "postgres" / "log")
        if path.is_file()
    ]
    texts = {str(path.relative_to(home)): path.read_text("utf-8", "replace") for path in written}
    texts |= {
        "first run": told.output,
        "second run": failed.output,
        **metadata(deployment),
        **mails(deployment),
    }
    assert {place: found for place, text in texts.items() if (found := tokens_in(text))} == {}

    assert "RaiseException P0001" in failed.output
    assert "ready to accept connections" in texts["postgres/log"]
    assert told.output.count(": quarantined, ") >= len(some)
    assert "load failed" in str(mails(deployment))
    assert "TestShop_SRS_Customers" in texts["xcom"]
    assert "missing_importer" in str(mails(deployment))
    assert "erp_feeds" in texts["lineage/events.jsonl"]
    lastnames = f"SELECT count(*) FROM erp_feeds.profiles WHERE lastname ~ '{LAST}'"
    assert deployment.rows("erp_feeds", lastnames)[0][0] > 0
