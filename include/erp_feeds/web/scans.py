"""Whether the inboxes are scanned, in the words of `doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from erp_feeds.merchant import Merchant
from erp_feeds.operations.doctor import findings
from erp_feeds.orchestration.airflow_check import last_scan
from erp_feeds.store import inbox_scans
from erp_feeds.store.inbox_scans import InboxState


@dataclass(frozen=True)
class Scan:
    """Whether an inbox is scanned: while it is not, what is said of its files is as of the latest scan."""

    state: str
    """Of a Finding: ok, warning or wrong."""
    text: str


def scans_of(store: psycopg.Connection, owners: Mapping[str, Merchant]) -> dict[str, Scan]:
    """Return by merchant what `doctor` says of the latest scan."""
    states = {each.merchant: each for each in inbox_scans.states(store, list(owners))}
    return {name: _scan(owner, states.get(name)) for name, owner in owners.items()}


def _scan(owner: Merchant, state: InboxState | None) -> Scan:
    (found,) = findings([("last scan", lambda: last_scan(owner, state, datetime.now(UTC)))])
    return Scan(found.state, found.text)
