"""Who is alerted when a task fails, and what the alert says: no personal data."""

from __future__ import annotations

from airflow.providers.apprise.notifications.apprise import AppriseNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier

from erp_feeds.merchant import Merchant

SUBJECT = "{{ dag.dag_id }}: {{ ti.task_id }} failed"
TEXT = """{{ dag.dag_id }}: task {{ ti.task_id }} failed in run {{ run_id }}.

{{ exception }}

Nothing is lost: what was fetched is archived, the rest is on the server; any run can be repeated.
Log: {{ ti.log_url }}
"""
HTML = """<pre>{{ exception | e }}</pre>
<p>Task <b>{{ ti.task_id }}</b> of <b>{{ dag.dag_id }}</b> failed in run {{ run_id }}.
Nothing is lost: what was fetched is archived, the rest is on the server; any run can be repeated.</p>
<p><a href="{{ ti.log_url }}">Open the log</a></p>
"""


def on_failure(merchant: Merchant) -> list[BaseNotifier]:
    """Return the notifiers of a merchant's tasks, as its file names them."""
    notifiers: list[BaseNotifier] = []
    if merchant.alerts.email:
        notifiers.append(
            SmtpNotifier(
                to=list(merchant.alerts.email),
                from_email=merchant.alerts.email_from,
                subject=SUBJECT,
                html_content=HTML,
                smtp_conn_id=merchant.alerts.email_connection,
            )
        )
    notifiers += [
        AppriseNotifier(title=SUBJECT, body=TEXT, apprise_conn_id=connection)
        for connection in merchant.alerts.apprise
    ]
    return notifiers
