"""An error of the software is told by kind and place; its own words, and those behind it, stay here."""

from __future__ import annotations

import traceback

import pytest

from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.redaction import redact_errors

WORDS = ("Quuxington", "zzyzx@example.com")


def quoting() -> None:
    try:
        dict[str, str]()[WORDS[0]]
    except KeyError as error:
        raise ValueError(WORDS[1]) from error


def test_its_words_reach_neither_airflow_nor_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RetryError, match=r"failed in parse \(ValueError\)") as caught, redact_errors("parse"):
        quoting()
    said = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert not [word for word in WORDS if word in said]
    assert caught.value.code == "internal_error"
    assert "ValueError at" in caplog.text
    assert "KeyError at" in caplog.text
    assert "in quoting" in caplog.text


@pytest.mark.parametrize(
    "error", [FailError("wrong login", "login"), OSError(28, "No space left"), MemoryError()]
)
def test_our_own_words_and_the_machines_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, redact_errors("load"):
        raise error
    assert caught.value is error


def test_it_guards_a_function_at_every_call() -> None:
    @redact_errors("split")
    def task(number: int) -> int:
        return 1 // number

    assert task(1) == 1
    for _ in range(2):
        with pytest.raises(FeedError, match="ZeroDivisionError"):
            task(0)
