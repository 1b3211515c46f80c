"""What the index number of a file name says of time."""

from __future__ import annotations

from datetime import datetime

import pytest

from erp_feeds.interfaces.spec import FileName

NOW = datetime(2017, 1, 5, 12)  # noqa: DTZ001 - the merchant's local time


@pytest.mark.parametrize(
    ("index", "future"),
    [
        ("20170105115326", False),
        ("20170106120000", False),
        ("20170106120001", True),
        ("20170106120001999", True),
        ("20170106", False),
        ("20170107", True),
        ("99991231", True),
        ("99999999", False),
        ("7", False),
        ("301701061200000000", False),
    ],
)
def test_files_10_a_time_more_than_a_day_ahead_is_future(index: str, future: bool) -> None:
    assert FileName("TestShop", index).is_future(NOW) is future
