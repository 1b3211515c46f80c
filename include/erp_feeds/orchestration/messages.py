"""What an alert says: what happened, since when, what it means for the data, who acts, what to do next.

No personal data: counts, codes, names of files, numbers of records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from erp_feeds.codes import Actor, IncidentKind, words_of
from erp_feeds.errors import counted
from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant
from erp_feeds.operations.next_step import is_asked, next_step
from erp_feeds.orchestration import links
from erp_feeds.orchestration.channels import Message
from erp_feeds.orchestration.links import HEALTH_DAG

if TYPE_CHECKING:
    from erp_feeds.store.incidents import Cause

CountRecords = Callable[[Sequence["Cause"]], int]
"""Returns how many records some causes of kind `rejected` are about: a record may have several codes."""
NAMED = 3
"""Causes that a subject names; the text names all."""
FOR_THE_DATA = {
    IncidentKind.QUARANTINED: (
        "Nothing of these files was loaded; the others were. What a file brought before a replay found it "
        "bad stays as it is. Originals are archived."
    ),
    IncidentKind.PUT_OFF: "These files are not loaded yet; they load by themselves once there is room.",
    IncidentKind.REJECTED: "These records were not loaded; the others of their files were.",
    IncidentKind.LATE: "What is stored is as old as the latest file.",
    IncidentKind.MISSING: "What is stored is as old as the latest file.",
    IncidentKind.UNREACHABLE: "New files are not seen. What is stored is as old as the latest file.",
    IncidentKind.FAILED_TASK: "What the run had not loaded yet waits; nothing is lost or loads twice.",
}
LOOK_CLOSER = {
    IncidentKind.QUARANTINED: "files {merchant} --state quarantined",
    IncidentKind.PUT_OFF: "files {merchant}",
    IncidentKind.REJECTED: "rejects {merchant} --code {code}",
    IncidentKind.LATE: "status {merchant}",
    IncidentKind.MISSING: "status {merchant}",
    IncidentKind.UNREACHABLE: "doctor {merchant}",
    IncidentKind.FAILED_TASK: "files {merchant}",
}


def alert(
    merchant: Merchant, incidents: Sequence[Cause], base_url: str, records: CountRecords | None = None
) -> Message:
    """Return the message about new incidents of a merchant; `records` counts those of several codes."""
    subject = _subject(merchant, incidents, records)
    return _message(merchant, incidents, base_url, subject, is_recovery=False)


def recovery(merchant: Merchant, incidents: Sequence[Cause], base_url: str) -> Message:
    """Return the message that incidents of a merchant are over."""
    named = "; ".join(_headlines(incidents))
    return _message(merchant, incidents, base_url, f"resolved: {named}", is_recovery=True)


def trial(merchant: Merchant, base_url: str) -> Message:
    """Return the message that tries the channels."""
    text = "This is a test of the alerts of erp-feeds, by `doctor --alert`. Nothing has happened."
    link = links.dag_page(base_url, HEALTH_DAG)
    html = f"<p>{escape(text)}</p>" + (f"<p>{_anchor(link)}</p>" if link else "")
    return Message(f"{_title(merchant)}: a test of the alerts", f"{text}\n\n{link}".rstrip() + "\n", html)


def headline(cause: Cause) -> str:
    """Return a cause in a few words: 19 files quarantined."""
    return _headline(cause.kind, cause.number, _cause_title(cause))


def line(merchant: str, cause: Cause) -> str:
    """Return a cause as Airflow's lists name it: testshop · srs_customers · 19 files quarantined."""
    code = f" ({cause.code})" if cause.code and cause.kind != IncidentKind.FAILED_TASK else ""
    kind = cause.kind
    what = kind if kind in {IncidentKind.LATE, IncidentKind.MISSING} else headline(cause)
    return " · ".join(part for part in (merchant, cause.interface, what + code) if part)


def facts(merchant: Merchant, cause: Cause, base_url: str) -> dict[str, str]:
    """Return what is to be known of a cause, by the question that it answers."""
    words = words_of(cause.kind, cause.code)
    actor, action = next_step(merchant, cause)
    code = "" if cause.kind == IncidentKind.FAILED_TASK else cause.code
    what = "Records" if cause.kind == IncidentKind.REJECTED else "Files"
    command = LOOK_CLOSER[IncidentKind(cause.kind)].format(merchant=merchant.name, code=cause.code)
    run = links.run_page(base_url, merchant.name, cause.run_id)
    found = {
        "What happened": f"{words.meaning}" + (f" (code {code})" if code else ""),
        "Reason": cause.reason,
        "Since": merchant.zoned_time(cause.since),
        "For the data": FOR_THE_DATA[IncidentKind(cause.kind)],
        "Who acts": str(actor),
        "What to do": action.replace("MERCHANT", merchant.name),
        "Load the rest?": links.question_page(base_url) if is_asked(merchant, cause) else "",
        what: _named(cause),
        "Page": _page(merchant.name, cause, base_url),
        "Run": run if cause.run_id else "",
        "Look closer": f"python -m erp_feeds {command}",
        "Runbook": links.runbook_page(base_url, code or str(cause.kind)),
    }
    return {name: value for name, value in found.items() if value}


def _named(cause: Cause) -> str:
    """Return the first files, each once, with the records that are meant; and how many more there are."""
    files: dict[str, list[str]] = {}
    for name, _, record in (each.partition(": record ") for each in cause.examples):
        files.setdefault(name, []).append(record)
    left = cause.number - len(cause.examples)
    more = [f"and {left} more"] if left > 0 and files else []
    return ", ".join([*(f"{name}{_numbers(records)}" for name, records in files.items()), *more])


def _numbers(records: Sequence[str]) -> str:
    """Return numbers of records in brackets; nothing for a file as a whole."""
    return f" (record{'s' if len(records) > 1 else ''} {', '.join(records)})" if records[0] else ""


def _page(merchant: str, cause: Cause, base_url: str) -> str:
    """Return the page that lists what a cause is about; else the merchant's, which says what is open."""
    match cause.kind:
        case IncidentKind.QUARANTINED:
            return links.merchant_page(
                base_url, merchant, "files", interface=cause.interface, state="quarantined"
            )
        case IncidentKind.REJECTED:
            return links.merchant_page(base_url, merchant, "rejects", code=cause.code)
        case IncidentKind.FAILED_TASK if cause.run_id:
            return links.merchant_page(base_url, merchant, "runs", cause.run_id)
        case _:
            return links.merchant_page(base_url, merchant)


def _message(
    merchant: Merchant, incidents: Sequence[Cause], base_url: str, subject: str, *, is_recovery: bool
) -> Message:
    parts = [(f"{_interface(each)}{headline(each)}", facts(merchant, each, base_url)) for each in incidents]
    if is_recovery:
        parts = [(title, _recovery_facts(found)) for title, found in parts]
    return _formatted(merchant, subject, parts, is_recovery=is_recovery)


def _formatted(
    merchant: Merchant,
    subject: str,
    parts: Sequence[tuple[str, dict[str, str]]],
    *,
    is_recovery: bool = False,
) -> Message:
    """Return a message as text and HTML: titles, each with what is to be known of it."""
    text = "\n\n".join("\n".join([title, *(f"  {name}: {value}" for name, value in found.items())])
                       for title, found in parts)  # fmt: skip
    html = "".join(f"<h3>{escape(title)}</h3>{_table(found)}" for title, found in parts)
    return Message(f"{_title(merchant)}: {subject}", text + "\n", html, is_recovery)


def _recovery_facts(found: dict[str, str]) -> dict[str, str]:
    """Return what is still to be known of a cause that is gone."""
    return {"What happened": "It is resolved; nobody needs to act.", "Since": found["Since"]}


def _subject(merchant: Merchant, incidents: Sequence[Cause], records: CountRecords | None) -> str:
    """Return what happened and who must act: 20 files quarantined, the sender must send them again."""
    groups: dict[tuple[str, Actor], list[Cause]] = {}
    for each in incidents:
        groups.setdefault((each.kind, next_step(merchant, each)[0]), []).append(each)
    said = []
    for (kind, actor), causes in groups.items():
        number = _number(kind, causes, records)
        said.append(f"{_grouped_headline(kind, causes, number)}, {_who_must_act(kind, actor, number)}")
    more = [f"and {len(said) - NAMED} more"] if len(said) > NAMED else []
    return "; ".join([*said[:NAMED], *more])


def _headlines(incidents: Sequence[Cause]) -> list[str]:
    kinds: dict[str, list[Cause]] = {}
    for each in incidents:
        kinds.setdefault(each.kind, []).append(each)
    return [_grouped_headline(kind, causes, _number(kind, causes, None)) for kind, causes in kinds.items()]


def _number(kind: str, causes: Sequence[Cause], records: CountRecords | None) -> int | None:
    """Return how many files or records; None where records of several codes cannot be counted any more."""
    if kind != IncidentKind.REJECTED or len(causes) == 1:
        return sum(each.number for each in causes)
    return (records(causes) if records else None) or None  # 0: dismissed a moment ago


def _grouped_headline(kind: str, causes: Sequence[Cause], number: int | None) -> str:
    names = " and ".join(dict.fromkeys(_cause_title(each) for each in causes))
    if number is None:
        return f"records rejected ({', '.join(dict.fromkeys(each.code for each in causes))})"
    return _headline(kind, number, names)


def _headline(kind: str, number: int, place: str) -> str:
    files, records = counted(number, "file"), counted(number, "record")
    return {
        IncidentKind.QUARANTINED: f"{files} quarantined",
        IncidentKind.PUT_OFF: f"{files} {'waits' if number == 1 else 'wait'} for room on the disk",
        IncidentKind.REJECTED: f"{records} rejected",
        IncidentKind.LATE: f"{place} late",
        IncidentKind.MISSING: f"{place} missing",
        IncidentKind.UNREACHABLE: "inbox out of reach",
        IncidentKind.FAILED_TASK: f"{place} failed",
    }[IncidentKind(kind)]


def _who_must_act(kind: str, actor: Actor, number: int | None) -> str:
    it = "it" if number == 1 else "them"
    if actor is Actor.SENDER:
        deed = {IncidentKind.QUARANTINED: f"send {it} again", IncidentKind.REJECTED: f"correct {it}"}
        return f"{actor} must {deed.get(IncidentKind(kind), 'send what is due')}"
    return f"{actor} must act"


def _cause_title(cause: Cause) -> str:
    """Return the title of the interface, or the task that failed."""
    if cause.kind == IncidentKind.FAILED_TASK:
        return f"task {cause.code}"
    return INTERFACES[cause.interface].title if cause.interface and cause.interface in INTERFACES else ""


def _interface(cause: Cause) -> str:
    is_named = cause.kind in {IncidentKind.LATE, IncidentKind.MISSING, IncidentKind.FAILED_TASK}
    return "" if is_named or not _cause_title(cause) else f"{_cause_title(cause)}: "


def _title(merchant: Merchant) -> str:
    return merchant.title or merchant.name


def _table(found: dict[str, str]) -> str:
    return f"<table>{''.join(_rows(found))}</table>"


def _rows(found: dict[str, str]) -> Iterator[str]:
    for name, value in found.items():
        shown = _anchor(value) if value.startswith(("http://", "https://")) else escape(value)
        yield f'<tr><th align="left" valign="top">{escape(name)}</th><td>{shown}</td></tr>'


def _anchor(link: str) -> str:
    return f'<a href="{escape(link)}">{escape(link)}</a>'
