"""How people on call are alerted: mail and Apprise, over the connections that Airflow knows.

It uses the providers' hooks and not their notifiers, which send HTML without text and ignore failures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from erp_feeds.merchant import Alerts


@dataclass(frozen=True)
class Message:
    """The text of a message."""

    subject: str
    text: str
    html: str
    is_recovery: bool = False


Channel = tuple[str, Callable[[Message], None]]
"""Its name, and the function that sends a message."""


def channels(alerts: Alerts) -> Iterator[Channel]:
    """Yield the channels that a merchant file names."""
    if alerts.email:
        yield f"mail by connection '{alerts.email_connection}'", lambda message: _mail(alerts, message)
    for name in alerts.apprise:
        yield f"Apprise by connection '{name}'", lambda message, name=name: _apprise(name, message)  # type: ignore[misc]


def send(alerts: Alerts, message: Message) -> dict[str, str]:
    """Send a message by every channel; return, per channel, why it was not sent, and "" where it was."""
    return {name: _attempt(deliver, message) for name, deliver in channels(alerts)}


def missing_connections(alerts: Alerts) -> list[str]:
    """Return a sentence for each channel whose connection Airflow does not know, or knows as another type."""
    wanted = dict.fromkeys(alerts.apprise, "apprise")
    if alerts.email:
        wanted[alerts.email_connection] = "smtp"
    return [said for name, kind in wanted.items() if (said := _missing(name, kind))]


def _missing(name: str, kind: str) -> str:
    try:
        known = BaseHook.get_connection(name)
    except AirflowException:
        return f"alerts: Airflow has no connection '{name}' (type {kind}): nobody would be alerted by it"
    if known.conn_type != kind:
        return f"alerts: connection '{name}' is of type {known.conn_type}, and not {kind}"
    return ""


def _attempt(deliver: Callable[[Message], None], message: Message) -> str:
    try:
        deliver(message)
    except Exception as error:  # whatever it is: it must not keep the message from the other channels
        words = error.strerror if isinstance(error, OSError) else ""
        return words or type(error).__name__  # its text may name the addresses of people
    return ""


class _TextAndHtml(SmtpHook):
    """Sends the text along with the HTML.

    By a private method, since no public one of the hook takes a text beside the HTML, and sending by smtplib
    would leave out what its connection says of TLS and OAuth. A test reads both parts of a mail that arrived.
    """

    def __init__(self, text: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._text = text

    def _build_mime_message(self, *given: Any, **arguments: Any) -> tuple[MIMEMultipart, list[str]]:
        message, recipients = super()._build_mime_message(*given, **arguments)
        parts: Any = message.get_payload()
        parts.insert(0, MIMEText(self._text, "plain", "utf-8"))  # readers show the last form that they know
        return message, recipients


def _mail(alerts: Alerts, message: Message) -> None:
    with _TextAndHtml(message.text, smtp_conn_id=alerts.email_connection) as hook:
        hook.send_email_smtp(
            to=list(alerts.email),
            from_email=alerts.email_from,
            subject=message.subject,
            html_content=message.html,
            mime_subtype="alternative",
        )


def _apprise(name: str, message: Message) -> None:
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook

    hook = AppriseHook(apprise_conn_id=name)
    services = apprise.Apprise()
    hook.set_config_from_conn(hook.get_connection(name), services)
    kind = apprise.NotifyType.SUCCESS if message.is_recovery else apprise.NotifyType.FAILURE
    if not services.notify(body=message.text, title=message.subject, notify_type=kind, tag="all"):
        raise ConnectionError(None, "a service of the connection did not take the message")
