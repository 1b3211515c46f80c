"""Who acts on what is open, and what to do: as its code says, unless Airflow asks somebody first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erp_feeds.codes import Actor, QuarantineCode, words_of
from erp_feeds.merchant import Merchant

if TYPE_CHECKING:
    from erp_feeds.store.incidents import Cause

ANSWER = (
    "Look at the rejects and answer: Approve loads the good records, Reject leaves the file quarantined. "
    "Ask the sender for a correct export."
)
"""What to do where Airflow asks."""


def is_asked(merchant: Merchant | None, cause: Cause) -> bool:
    """Return whether Airflow asks somebody if the rest of the file shall load, as the merchant file says."""
    settings = merchant.interfaces.get(cause.interface or "") if merchant else None
    may_ask = bool(settings and settings.on_too_many_rejects == "ask")
    return may_ask and cause.code == QuarantineCode.TOO_MANY_REJECTS


def next_step(merchant: Merchant | None, cause: Cause) -> tuple[Actor, str]:
    """Return who acts first, and what to do; `merchant` is None where its file is gone or wrong."""
    if is_asked(merchant, cause):
        return Actor.ENGINEER, ANSWER
    words = words_of(cause.kind, cause.code)
    return words.actor, words.action
