"""The doctor on servers that are in order: nothing is wrong with them, and it says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from erp_feeds.operations.doctor import examine
from servers.endpoint import Row
from servers.share import Share
from support.merchants import merchant_of

Connect = Callable[..., str]


@pytest.mark.column("doctor")
def test_doctor_finds_nothing_wrong(
    connect: Connect, row: Row, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path))
    merchant = merchant_of(
        shop_name="Test_Shop",
        ftps={"connection": connect(), "root": share.path, "after_load": "move"},
        interfaces={"srs_customers": {}},
    )
    share.make("srs")
    share.place("srs/Test_Shop_SRS_Customers_1.zip")
    findings = {finding.step: finding for finding in examine(merchant, ("store", lambda: "is there"))}
    doubted = {step for step, finding in findings.items() if finding.state != "ok"}
    assert doubted == set(), findings
    assert "7 bytes" in findings["download"].text
    names = {path.name for path in (share.folder / "srs").rglob("*")}
    assert names == {"Test_Shop_SRS_Customers_1.zip", "processed"}
