"""What is open of a merchant, in plain words: what it means, who must act, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from erp_feeds.codes import IncidentKind, words_of
from erp_feeds.merchant import Merchant
from erp_feeds.operations.next_step import is_asked, next_step
from erp_feeds.orchestration.messages import headline
from erp_feeds.store.incidents import Incident


@dataclass(frozen=True)
class OpenIncident:
    """What is open, in plain words."""

    incident_id: int
    """0: none is open of it yet, or it was dismissed."""
    interface: str | None
    kind: str
    code: str
    number: int
    """Files or records."""
    headline: str
    """What is open, in few words: 2 files quarantined."""
    since: datetime
    reason: str
    meaning: str
    who_acts: str
    next_step: str
    is_asked: bool
    """Whether Airflow asks somebody if the rest of the files shall load: among its required actions."""
    run_id: str
    examples: list[str]


def most_urgent_first(known: list[Incident]) -> list[Incident]:
    """Return what is open without what was dismissed; the overview shows only the first of it."""
    left = [each for each in known if each.dismissed_at is None]
    return sorted(left, key=lambda each: IncidentKind(each.kind).urgency)


def in_words(owner: Merchant | None, incident: Incident) -> OpenIncident:
    """Return an incident with what its code means and what to do; `owner` is None where its file is wrong."""
    actor, action = next_step(owner, incident)
    names = ("incident_id", "interface", "kind", "code", "number", "since", "reason", "run_id")
    return OpenIncident(
        **{name: getattr(incident, name) for name in names},
        headline=headline(incident),
        meaning=words_of(incident.kind, incident.code).meaning,
        who_acts=str(actor),
        next_step=action.replace("MERCHANT", incident.merchant),
        is_asked=is_asked(owner, incident),
        examples=list(incident.examples),
    )
