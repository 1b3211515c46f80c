"""Links lead to pages that exist, and nowhere where Airflow's address is unknown."""

from __future__ import annotations

import pytest

from erp_feeds.orchestration import links


def test_every_link_is_below_the_address_of_the_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERP_FEEDS_RUNBOOK", raising=False)
    run = "backfill__2017-01-01T00:00:00+00:00"
    assert links.run_page("https://a", "shop", run).startswith(
        "https://a/dags/shop/runs/backfill__2017-01-01T00%3A"
    )
    assert links.runbook_page("https://a", "truncated") == "https://a/erp-feeds/runbook#truncated"
    assert not any((links.dag_page("", "shop"), links.run_page("", "shop", run), links.runbook_page("", "")))
    assert links.merchant_page("https://a", "shop") == "https://a/erp-feeds/merchants/shop"
    assert links.merchant_page("https://a", "shop", "rejects", code="invalid_date", state=None) == (
        "https://a/erp-feeds/merchants/shop/rejects?code=invalid_date"
    )
    assert links.merchant_page("", "shop", "rejects", code="invalid_date") == ""
    monkeypatch.setenv("ERP_FEEDS_RUNBOOK", "https://docs/runbook.md")
    assert links.runbook_page("", "truncated") == "https://docs/runbook.md#truncated"
    assert links.runbook_page("", "") == "https://docs/runbook.md"
