"""What the doctor says of the scans of an inbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from erp_feeds.errors import FailError
from erp_feeds.operations.doctor import CautionError
from erp_feeds.orchestration.airflow_check import last_scan
from erp_feeds.store.inbox_scans import InboxState
from support.merchants import merchant_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def state(minutes: float | None, failing: bool = False) -> InboxState:
    moment = None if minutes is None else NOW - timedelta(minutes=minutes)
    return InboxState("testshop", moment, moment if failing else None, "login refused" if failing else "")


def test_a_recent_scan_is_fine() -> None:
    merchant = merchant_of(ftps={"connection": "shop", "poll_interval": 30})
    assert (
        last_scan(merchant, state(1), NOW)
        == "the inbox was scanned at 2026-03-02 11:59 UTC; it is scanned every 30 s"
    )
    rarely = merchant_of(ftps={"connection": "shop", "poll_interval": 3600})
    assert "11:30" in last_scan(rarely, state(30), NOW)


@pytest.mark.parametrize(
    ("found", "said"), [(None, "no scan of the inbox yet"), (state(6), "triggerer down")]
)
def test_none_or_none_for_long_is_a_warning(found: InboxState | None, said: str) -> None:
    with pytest.raises(CautionError, match=said):
        last_scan(merchant_of(), found, NOW)


def test_scans_that_fail_are_an_error_with_its_reason() -> None:
    with pytest.raises(FailError, match=r"since 2026-03-02 11:50 UTC: login refused"):
        last_scan(merchant_of(), state(10, failing=True), NOW)
