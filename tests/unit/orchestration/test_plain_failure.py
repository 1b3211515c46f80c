"""A task fails with a sentence for people, and is tried again only where that can help."""

from __future__ import annotations

import pytest

from erp_feeds.dag import RETRIES
from erp_feeds.errors import FailError, FeedError, RetryError
from erp_feeds.orchestration.plain_failure import PlainFailure, plain_failures


@pytest.mark.parametrize(("error", "fails_at_once"), [(FailError("no"), True), (RetryError("no"), False)])
def test_an_error_for_people_is_logged_as_it_is(
    error: FeedError, fails_at_once: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(PlainFailure, match=r"^no$") as failed, plain_failures():
        raise error
    assert failed.value.code == 1
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("ERROR", None)]
    policy = RETRIES["retry_policy"]
    decided = policy.evaluate(failed.value, try_number=1, max_tries=4)  # type: ignore[attr-defined]
    assert (decided.action.value == "fail") is fails_at_once


def test_an_error_of_the_software_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), plain_failures():
        _ = 1 / 0
