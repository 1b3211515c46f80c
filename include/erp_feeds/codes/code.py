"""What every code has: its meaning, who must act, and what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Actor(StrEnum):
    """Who must act on a code."""

    SENDER = "the sender"
    """The ERP party, who exports and uploads the files."""
    ENGINEER = "the data engineer"
    """Who runs this project and edits merchant files."""
    SERVER = "the operator of the FTPS server"
    NOBODY = "nobody"


class Code(StrEnum):
    """A stable code that knows what it means, who must act, and what to do."""

    meaning: str
    actor: Actor
    action: str

    def __new__(cls, value: str, meaning: str, actor: Actor, action: str) -> Self:
        """Make a member from its value and its words."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning, member.actor, member.action = meaning, actor, action
        return member


EXPORT_AGAIN = "Ask for a new export of the file under the same name."
NOTHING = "Nothing: it is counted for information."
CORRECT_RECORD = (
    "Ask the sender to correct the record and send it again; a newer file resolves the reject. Where the "
    "wrong field is part of the key, no file can: dismiss the reject once the right record is there."
)
FORM_OR_RECORD = (
    "If the sender always writes it this way, describe the form in the merchant file and replay; else ask "
    "the sender to correct the record."
)
