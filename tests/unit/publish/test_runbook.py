"""The runbook explains every code."""

from __future__ import annotations

import pytest

from erp_feeds.codes import Actor, Code, QuarantineCode, RejectCode, SkipCode, WarningCode
from erp_feeds.publish.runbook import markdown

CODES: list[Code] = [*QuarantineCode, *RejectCode, *SkipCode, *WarningCode]


@pytest.mark.parametrize("code", CODES, ids=lambda code: f"{type(code).__name__}-{code}")
def test_every_code_has_an_entry_with_its_words(code: Code) -> None:
    words = f"{code.meaning}\n\n- Who acts: {code.actor.value}.\n- What to do: {code.action}\n"
    assert f"\n### {code.value}\n\n{words}" in markdown()


def test_only_where_the_sender_must_act_there_is_a_letter() -> None:
    letters = markdown().count("Write to the sender:")
    assert letters == sum(code.actor is Actor.SENDER for code in (*QuarantineCode, *RejectCode))


def test_words_are_whole_sentences() -> None:
    for code in CODES:
        assert code.meaning.endswith(".")
        assert code.action.endswith(".")
