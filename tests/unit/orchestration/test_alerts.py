"""Who hears of a failed task, and that the text says what happened and nothing about people."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from airflow.providers.apprise.notifications.apprise import AppriseNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG
from jinja2 import meta

from erp_feeds.errors import FailError
from erp_feeds.merchant import Merchant
from erp_feeds.merchant_file import read_merchant
from erp_feeds.orchestration import alerts
from erp_feeds.settings import INCLUDE
from support.merchants import merchant_of

FAULT = FailError("testshop: refused:\n- TestShop_SRS_Customers_1.zip: 2 records rejected (2 <invalid>)")
CONTEXT: Any = {
    "dag": DAG("testshop", schedule=None),
    "ti": SimpleNamespace(task_id="report", log_url="http://airflow/log?a=1&b=2"),
    "run_id": "manual__2017-01-06",
    "exception": FAULT,
}


def merchant(**told: Any) -> Merchant:
    return merchant_of(interfaces={"srs_customers": {}}, alerts=told)


def test_nobody_named_means_nobody_told() -> None:
    assert alerts.on_failure(merchant()) == []


def test_mail_goes_to_the_people_of_the_merchant_file() -> None:
    told = alerts.on_failure(
        merchant(email=["a@example.com", "b@example.com"], email_connection="our_mail", email_from="etl@here")
    )
    (mail,) = told
    assert isinstance(mail, SmtpNotifier)
    assert (mail.to, mail.from_email, mail.smtp_conn_id) == (
        ["a@example.com", "b@example.com"],
        "etl@here",
        "our_mail",
    )


def test_every_apprise_connection_is_told() -> None:
    told = alerts.on_failure(merchant(email=["a@example.com"], apprise=["chat", "pager"]))
    mail, *others = told
    assert isinstance(mail, SmtpNotifier)
    assert [type(other) for other in others] == [AppriseNotifier, AppriseNotifier]
    assert [vars(other)["apprise_conn_id"] for other in others] == ["chat", "pager"]


@pytest.mark.parametrize("name", ["completejourney", "testshop"])
def test_the_demo_tells_somebody(name: str) -> None:
    read = read_merchant(INCLUDE / "merchants" / f"{name}.yaml")
    assert len(alerts.on_failure(read)) == 1


def test_mail_says_what_failed_and_escapes_it() -> None:
    (mail,) = alerts.on_failure(merchant(email=["a@example.com"]))
    mail.render_template_fields(CONTEXT)
    assert isinstance(mail, SmtpNotifier)
    html = str(mail.html_content)
    assert mail.subject == "testshop: report failed"
    assert "2 records rejected (2 &lt;invalid&gt;)" in html
    for part in ("report", "testshop", "manual__2017-01-06", "http://airflow/log?a=1", "archived"):
        assert part in html


def test_chat_says_what_failed_in_plain_text() -> None:
    (chat,) = alerts.on_failure(merchant(apprise=["chat"]))
    chat.render_template_fields(CONTEXT)
    assert isinstance(chat, AppriseNotifier)
    assert chat.title == "testshop: report failed"
    assert chat.body.startswith("testshop: task report failed in run manual__2017-01-06.\n\n" + str(FAULT))
    assert "Log: http://airflow/log?a=1&b=2" in chat.body


@pytest.mark.parametrize("template", [alerts.SUBJECT, alerts.TEXT, alerts.HTML])
def test_templates_know_the_run_and_its_fault_only(template: str) -> None:
    """Neither XCom nor parameters nor configuration: personal data has no way in."""
    read = meta.find_undeclared_variables(jinja2.Environment().parse(template))
    assert read <= {"dag", "ti", "run_id", "exception"}
    rendered = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template).render(CONTEXT)
    assert "{{" not in rendered
