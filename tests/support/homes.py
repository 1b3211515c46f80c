"""Archive and staging below a fresh folder, and a merchant to work for."""

from __future__ import annotations

from pathlib import Path

import pytest

from erp_feeds.merchant import Merchant
from support.merchants import merchant_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's home of this test."""
    monkeypatch.setenv("ERP_FEEDS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ERP_FEEDS_ARCHIVE", raising=False)
    monkeypatch.delenv("ERP_FEEDS_STAGING", raising=False)
    return tmp_path / "home"


@pytest.fixture
def merchant() -> Merchant:
    """A merchant with all interfaces."""
    return merchant_of()
