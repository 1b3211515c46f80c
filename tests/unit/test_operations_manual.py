"""The manual says of every code what it means and what to do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from erp_feeds.errors import QuarantineCode, RejectCode, SkipCode, WarningCode

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.mark.parametrize("codes", [QuarantineCode, RejectCode, SkipCode, WarningCode])
def test_every_code_has_a_row(codes: type[StrEnum]) -> None:
    faults = MANUAL.read_text("utf-8").partition("## Every fault")[2].partition("## Glossary")[0]
    assert [code.value for code in codes if f"`{code.value}`" not in faults] == []
